/** Flags. SDM Vol. 2 "CLC", "CMC", "STC", "CLD", "STD", "SAHF", "LAHF", "PUSHF/PUSHFD/PUSHFQ", "POPF/POPFD/POPFQ". */
import { Exec } from "../backend/exec";
import { isVirtual8086, loadFlags } from "../cpu/modes";
import { Op } from "../decode/op";
import { cf, rflags, STATUS, status } from "../flags";
import {
  RFLAGS_AC,
  RFLAGS_CF,
  RFLAGS_DF,
  RFLAGS_FIXED,
  RFLAGS_ID,
  RFLAGS_IF,
  RFLAGS_IOPL,
  RFLAGS_NT,
  RFLAGS_OF,
  RFLAGS_RF,
  RFLAGS_TF,
  RFLAGS_VM,
} from "../generated/constants";
import { raiseGp } from "../raise";

/** what POPF changes at any privilege level */
const ALWAYS: u32 = STATUS | RFLAGS_TF | RFLAGS_DF | RFLAGS_NT | RFLAGS_AC | RFLAGS_ID;

export function cmc(b: Exec): void {
  b.flagsAll(<u64>(status(b) ^ RFLAGS_CF));
}

export function clc(b: Exec): void {
  b.flagsAll(<u64>(status(b) & ~RFLAGS_CF));
}

export function stc(b: Exec): void {
  b.flagsAll(<u64>(status(b) | RFLAGS_CF));
}

export function cld(b: Exec): void {
  b.flagsOther &= ~RFLAGS_DF;
}

export function std(b: Exec): void {
  b.flagsOther |= RFLAGS_DF;
}

/** SF ZF AF PF CF from AH */
export function sahf(b: Exec): void {
  b.flagsAll(<u64>((status(b) & RFLAGS_OF) | ((<u32>b.rax >> 8) & (STATUS & ~RFLAGS_OF))));
}

export function lahf(b: Exec): void {
  const low = (status(b) & 0xff) | RFLAGS_FIXED;
  b.setGpr<u16>(0, (b.rax & 0xff) | ((<u64>low) << 8));
}

/** AL becomes 0 or FF by the carry; undocumented, and older than the documents. */
export function salc(b: Exec): void {
  b.setGpr<u8>(0, cf(b) ? 0xff : 0);
}

function iopl(b: Exec): u32 {
  return (b.flagsOther & RFLAGS_IOPL) >> 12;
}

export function pushf<T>(b: Exec, op: Op): void {
  if (isVirtual8086(b) && iopl(b) < 3) raiseGp(b, op);
  b.push<T>(op, <u64>(rflags(b) & ~(RFLAGS_VM | RFLAGS_RF)));
}

/** IOPL changes only in ring 0, IF only where IOPL allows, RF VM VIF VIP never; RF is cleared. */
export function popf<T>(b: Exec, op: Op): void {
  if (isVirtual8086(b) && iopl(b) < 3) raiseGp(b, op);
  const v = <u32>b.top<T>(op);
  b.drop(sizeof<T>());
  let changes = ALWAYS;
  if (b.cpl == 0) changes |= RFLAGS_IOPL | RFLAGS_IF;
  else if (b.cpl <= iopl(b)) changes |= RFLAGS_IF;
  if (sizeof<T>() == 2) changes &= 0xffff;
  loadFlags(b, v & ~RFLAGS_RF, changes | RFLAGS_RF);
  b.jump(b.nextRip(op));
}
