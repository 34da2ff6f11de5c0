/** Moves between segment registers and registers, memory or stack. SDM Vol. 2 "MOV", "PUSH", "POP", "LDS/LES/LFS/LGS/LSS". */
import { Exec } from "../backend/exec";
import { castShadow, loadSegment, SHADOW_SS } from "../cpu/load";
import { DS, ES, FS, GS, SS, selectorOf } from "../cpu/segments";
import { Op } from "../decode/op";

export function movFromSeg<T, D>(b: Exec, op: Op): void {
  b.set<T, D>(op, <u64>selectorOf(b, op.s));
}

export function movToSeg<S>(b: Exec, op: Op): void {
  const segment: u32 = op.d;
  loadSegment(b, op, segment, <u32>b.src<u16, S>(op));
  if (segment == SS) castShadow(b, op, SHADOW_SS);
  b.jump(b.nextRip(op));
}

export function pushSeg<T>(b: Exec, op: Op): void {
  b.push<T>(op, <u64>selectorOf(b, op.s));
}

/** POP SS moves the stack pointer by the width the stack had before. */
export function popSeg<T>(b: Exec, op: Op): void {
  const selector = <u32>b.top<T>(op) & 0xffff;
  const sp = (b.rsp & ~b.stackMask) | ((b.rsp + sizeof<T>()) & b.stackMask);
  loadSegment(b, op, op.d, selector);
  b.rsp = sp;
  if (op.d == SS) castShadow(b, op, SHADOW_SS);
  b.jump(b.nextRip(op));
}

export function les<T>(b: Exec, op: Op): void {
  loadFarPointer<T>(b, op, ES);
}

export function lds<T>(b: Exec, op: Op): void {
  loadFarPointer<T>(b, op, DS);
}

export function lss<T>(b: Exec, op: Op): void {
  loadFarPointer<T>(b, op, SS);
}

export function lfs<T>(b: Exec, op: Op): void {
  loadFarPointer<T>(b, op, FS);
}

export function lgs<T>(b: Exec, op: Op): void {
  loadFarPointer<T>(b, op, GS);
}

function loadFarPointer<T>(b: Exec, op: Op, segment: u32): void {
  const va = b.address(op);
  const offset = b.read<T>(op, va);
  loadSegment(b, op, segment, <u32>b.read<u16>(op, va + sizeof<T>()));
  b.setRegister<T>(<usize>op.d, offset);
  b.jump(b.nextRip(op));
}
