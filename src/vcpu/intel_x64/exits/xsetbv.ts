/** XSETBV: XCR0 is the guest's own, for the VMM uses no registers that it enables. */
import { EXIT_REASON } from "../../../spec/exits.ts";
import type { Guest } from "../guest.ts";
import { STATE_SAVE } from "../state-save.ts";
import type { ExitTable, Outcome } from "./exit.ts";

const { rax, rcx, rdx } = STATE_SAVE;

function xsetbv(guest: Guest): Outcome {
  const { save, cpu } = guest;
  guest.execute(() => cpu.xsetbv(save.low(rcx), (BigInt(save.low(rdx)) << 32n) | BigInt(save.low(rax))));
  return "resume";
}

export const XSETBV_EXITS: ExitTable = { [EXIT_REASON.XSETBV]: xsetbv };
