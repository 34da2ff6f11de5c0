/** INVD would lose what the caches hold of the VMM as well, so the caches are written back. WBINVD exits only where something asks for it. */
import { EXIT_REASON } from "../../../spec/exits.ts";
import type { Guest } from "../guest.ts";
import type { ExitTable, Outcome } from "./exit.ts";

function writeBack(guest: Guest): Outcome {
  guest.cpu.wbinvd();
  guest.advance();
  return "resume";
}

export const CACHE_EXITS: ExitTable = { [EXIT_REASON.INVD]: writeBack, [EXIT_REASON.WBINVD]: writeBack };
