/** Control of the FPU, waiting for it, and leaving MMX. SDM Vol. 2 under the mnemonics; SDM Vol. 1 8.1.10 "Saving the x87 FPU's State". */
import { Exec } from "../../backend/exec";
import { Op } from "../../decode/op";
import { CR0_EM, CR0_MP, CR0_TS, VECTOR_MF, VECTOR_NM } from "../../generated/constants";
import { raise, raiseUd } from "../../raise";
import { available, begin, ES_B, summarise, TOP, waiting } from "./stack";

const EXCEPTIONS: u32 = 0x7f;
/** Bits of FCW that exist: masks, PC, RC and the 287's infinity control; bit 6 reads as 1. */
const CONTROL_BITS: u32 = 0x1f3f;
const CONTROL_ONES: u32 = 0x40;

export function fnop(b: Exec, op: Op): void {
  begin(b, op);
}

/** FNENI, FNDISI, FNSETPM: controls of older processors that do nothing now, not even wait. */
export function fnopObsolete(b: Exec, op: Op): void {
  available(b, op);
}

export function fwait(b: Exec, op: Op): void {
  if ((b.cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS)) raise(b, op, VECTOR_NM, 0);
  if ((b.fsw & ES_B) != 0) raise(b, op, VECTOR_MF, 0);
}

export function fninit(b: Exec, op: Op): void {
  available(b, op);
  initialise(b);
}

export function initialise(fpu: Exec): void {
  fpu.fcw = 0x37f;
  fpu.fsw = 0;
  fpu.ftw = 0;
  fpu.fop = 0;
  fpu.fip = 0;
  fpu.fdp = 0;
  fpu.fcs = 0;
  fpu.fds = 0;
}

export function fnclex(b: Exec, op: Op): void {
  available(b, op);
  b.fsw &= <u16>~(EXCEPTIONS | ES_B);
}

export function fldcw(b: Exec, op: Op): void {
  waiting(b, op);
  setControl(b, <u32>b.read<u16>(op, b.address(op)));
}

export function setControl(fpu: Exec, fcw: u32): void {
  fpu.fcw = <u16>((fcw & CONTROL_BITS) | CONTROL_ONES);
  summarise(fpu);
}

export function fnstcw(b: Exec, op: Op): void {
  available(b, op);
  b.write<u16>(op, b.address(op), <u64>b.fcw);
}

export function fnstsw<T, D>(b: Exec, op: Op): void {
  available(b, op);
  b.set<T, D>(op, <u64>b.fsw);
}

/** All registers empty, and the top at 0 as after any MMX instruction. */
export function emms(b: Exec, op: Op): void {
  if ((b.cr0 & CR0_EM) != 0) raiseUd(b, op);
  waiting(b, op);
  b.fsw &= <u16>~TOP;
  b.ftw = 0;
}
