/** What the interpreter's loop calls besides semantics: the way from block to block, and the records no row stands for. */
import { Exec } from "./backend/exec";
import { bitDisplacement } from "./cpu/bit-offset";
import { endStep } from "./cpu/debug";
import { KEY_TRAP } from "./cpu/modes";
import { linear, segmentBase } from "./cpu/segments";
import { find, lookUp } from "./decode/block";
import { BLOCK_HEADER, Block } from "./decode/header";
import { Op } from "./decode/op";
import { dispatchCold } from "./generated/cold";
import { ACCESS_BITS, ACCESS_CPL0, ACCESS_OFFSET, ACCESS_POPS, ACCESS_WAITS, ACCESS_WRITE, VECTOR_MF } from "./generated/constants";
import { raise, raiseGp } from "./raise";

const FSW_ES: u32 = 0x80;

/** First record of the block at RIP, or 0 when the slice is over. */
export function next(b: Exec): usize {
  if (b.budget <= 0) return 0;
  let block: usize = load<u32>(b.link);
  if (block == 0) {
    if (b.link == <u32>(changetype<usize>(b) + offsetof<Exec>("zero"))) block = lookUp(b);
    if (block == 0) block = find(b);
  }
  b.budget -= <i64>changetype<Block>(block).count;
  changetype<Block>(block).runs++;
  b.blockRip = b.rip;
  return block + BLOCK_HEADER;
}

/** The block's code was written to: go on from here with what stands there now. */
export function stale(b: Exec, op: Op): void {
  b.budget += <i64>op.left;
  b.jump(b.blockRip + <u64>op.off);
}

/** The block ended without a jump. */
export function fall(b: Exec, op: Op): void {
  b.rip = b.blockRip + <u64>op.off;
  b.link = <u32>changetype<usize>(op) + 16;
}

/** An instruction that decoding refused: undefined, too long, its unit not available. */
export function refused(b: Exec, op: Op): void {
  raise(b, op, <u32>op.imm, 0);
}

/** Behind an instruction that is stepped; bit 0 of `imm`: it was a jump, KEY_TRAP: it began with the trap flag set. */
export function stepped(b: Exec, op: Op): void {
  const behind = b.blockRip + <u64>op.off;
  const to = (op.imm & 1) != 0 ? b.rip : behind;
  b.jump(to);
  endStep(b, (<u32>op.imm & KEY_TRAP) != 0, to != behind);
}

/** Puts the linear address of the next record's memory operand into `ea`, having checked the segment for it. */
export function addressRecord(b: Exec, op: Op): void {
  const access = <u32>op.imm;
  if ((access & (ACCESS_CPL0 | ACCESS_WAITS)) != 0) checkFirst(b, op, access);
  let offset = b.address(op);
  if ((access & ACCESS_BITS) != 0) offset += bitDisplacement(op);
  if ((access & ACCESS_POPS) != 0) offset += popped(b, op);
  const size = op.addressSize;
  offset = size == 2 ? offset : size == 1 ? offset & 0xffffffff : offset & 0xffff;
  // QUIRK: a misaligned operand is #GP before the segment's limit is looked at; measured on Zen 4, the SDM does not order the two
  if (op.aligned && b.mode != 2 && ((segmentBase(b, op.segment) + offset) & 15) != 0) raiseGp(b, op);
  b.ea = (access & ACCESS_OFFSET) != 0 ? offset : linear(b, op, op.segment, offset, access & 0xffff, access & ACCESS_WRITE);
}

/** What an instruction checks before it looks at its operand. */
function checkFirst(b: Exec, op: Op, access: u32): void {
  if ((access & ACCESS_CPL0) != 0 && b.cpl != 0) raiseGp(b, op);
  if ((access & ACCESS_WAITS) != 0 && (b.fsw & FSW_ES) != 0) raise(b, op, VECTOR_MF, 0);
}

/** POP reads the stack before it looks at its destination, which it addresses with the stack pointer already raised. */
function popped(b: Exec, op: Op): u64 {
  const size = op.operandSize;
  if (size == 2) b.top<u64>(op);
  else if (size == 1) b.top<u32>(op);
  else b.top<u16>(op);
  return <usize>op.base == changetype<usize>(b) + offsetof<Exec>("rsp") ? (<u64>2) << size : 0;
}

export function cold(b: Exec, op: Op): void {
  dispatchCold(b, op);
}
