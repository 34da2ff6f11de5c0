/** struct rusage and struct timeval, which several calls fill. getrusage(2) */
import type { UserMemory } from "../user-memory.ts";

const RUSAGE_SIZE = 144;

/** CPU time only: an instruction is a nanosecond. */
export function writeUsage(memory: UserMemory, address: number, instructions: number): void {
  memory.write(address, new Uint8Array(RUSAGE_SIZE));
  memory.setU64(address, Math.floor(instructions / 1e9));
  memory.setU64(address + 8, Math.floor((instructions % 1e9) / 1e3));
}
