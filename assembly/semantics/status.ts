/** Flags. SDM Vol. 2 "CLC", "CMC", "STC", "CLD", "STD", "SAHF", "LAHF", "PUSHF/PUSHFD/PUSHFQ", "POPF/POPFD/POPFQ". */
import { Exec } from "../backend/exec";
import { isVirtual8086, loadFlags } from "../cpu/modes";
import { checkVirtualFlags, withVif } from "../cpu/virtual8086";
import { Op } from "../decode/op";
import { cf, rflags, STATUS, status } from "../flags";
import {
  CR4_VME,
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
  RFLAGS_VIF,
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

/** A virtual-8086 task below IOPL 3 may push and pop 16 bits of flags with CR4.VME only: VIF is then what it sees as IF. */
function seesVif<T>(b: Exec, op: Op): bool {
  if (!isVirtual8086(b) || iopl(b) == 3) return false;
  if (sizeof<T>() > 2 || (b.cr4 & CR4_VME) == 0) raiseGp(b, op);
  return true;
}

function iopl(b: Exec): u32 {
  return (b.flagsOther & RFLAGS_IOPL) >> 12;
}

export function pushf<T>(b: Exec, op: Op): void {
  let v = rflags(b) & ~RFLAGS_VM;
  if (seesVif<T>(b, op)) v = withVif(v);
  b.push<T>(op, <u64>v);
}

/** IOPL changes only in ring 0, IF only where IOPL allows, RF VM VIF VIP never; RF is cleared. */
export function popf<T>(b: Exec, op: Op): void {
  const virtual = seesVif<T>(b, op);
  let v = <u32>b.top<T>(op);
  let changes = ALWAYS;
  if (virtual) {
    checkVirtualFlags(b, op, v);
    v = (v & ~RFLAGS_VIF) | ((v & RFLAGS_IF) != 0 ? RFLAGS_VIF : 0);
  }
  b.drop(sizeof<T>());
  if (b.cpl == 0) changes |= RFLAGS_IOPL | RFLAGS_IF;
  else if (b.cpl <= iopl(b)) changes |= RFLAGS_IF;
  if (sizeof<T>() == 2) changes &= 0xffff;
  if (virtual) changes |= RFLAGS_VIF;
  loadFlags(b, v & ~RFLAGS_RF, changes | RFLAGS_RF);
  b.jump(b.nextRip(op));
}
