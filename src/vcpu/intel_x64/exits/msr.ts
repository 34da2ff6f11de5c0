/** RDMSR and WRMSR. Where the CPU would raise #GP, the guest gets it. */
import { EXIT_REASON } from "../../../spec/exits.ts";
import type { Guest } from "../guest.ts";
import { readMsr, writeMsr } from "../guest-msrs.ts";
import type { Hooks } from "../hooks.ts";
import { STATE_SAVE } from "../state-save.ts";
import type { ExitTable, Outcome } from "./exit.ts";

const MASK32 = 0xffff_ffffn;
const { rax, rcx, rdx } = STATE_SAVE;

function rdmsr(guest: Guest, hooks: Hooks): Outcome {
  const { save } = guest;
  const msr = save.low(rcx);
  guest.execute(() => {
    const value = hooks.rdmsr.first(msr, (handler) => handler(msr, guest)) ?? readMsr(guest, msr);
    save.setLow(rax, Number(value & MASK32));
    save.setLow(rdx, Number((value >> 32n) & MASK32));
  });
  return "resume";
}

function wrmsr(guest: Guest, hooks: Hooks): Outcome {
  const { save } = guest;
  const msr = save.low(rcx);
  const value = (BigInt(save.low(rdx)) << 32n) | BigInt(save.low(rax));
  guest.execute(() => {
    const instead = hooks.wrmsr.first(msr, (handler) => handler(msr, value, guest));
    if (instead !== "ignore") writeMsr(guest, msr, instead ?? value);
  });
  return "resume";
}

export const MSR_EXITS: ExitTable = { [EXIT_REASON.RDMSR]: rdmsr, [EXIT_REASON.WRMSR]: wrmsr };
