/** Features that instruction rows belong to, numbered for the decoder, which leaves out the rows of those a CPU model lacks. */
import { isa } from "./isa/all.ts";

export const FEATURES: readonly string[] = [...new Set(isa.map((row) => row.feature))].sort();
