/** What the interpreter's loop calls besides semantics: the way from block to block, and the records no row stands for. */
import { Exec } from "./backend/exec";
import { find, lookUp } from "./decode/block";
import { BLOCK_HEADER, Block } from "./decode/header";
import { Op } from "./decode/op";
import { dispatchCold } from "./generated/cold";
import { raiseGp, raiseUd } from "./raise";

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

export function undefinedOpcode(b: Exec, op: Op): void {
  raiseUd(b, op);
}

/** An instruction of more than 15 bytes. */
export function tooLong(b: Exec, op: Op): void {
  raiseGp(b, op);
}

/** Puts the linear address of the next record's memory operand into `ea`. */
export function addressRecord(b: Exec, op: Op): void {
  let va = b.address(op);
  const size = op.addressSize;
  va = size == 2 ? va : size == 1 ? va & 0xffffffff : va & 0xffff;
  if (op.imm == 0) {
    const segment = op.segment;
    if (b.mode != 2 || segment >= 4) va += segmentBase(b, segment);
    if (b.mode != 2) va &= 0xffffffff;
  }
  b.ea = va;
}

function segmentBase(b: Exec, segment: u32): u64 {
  switch (segment) {
    case 0:
      return b.esBase;
    case 1:
      return b.csBase;
    case 2:
      return b.ssBase;
    case 3:
      return b.dsBase;
    case 4:
      return b.fsBase;
    default:
      return b.gsBase;
  }
}

export function cold(b: Exec, op: Op): void {
  dispatchCold(b, op);
}
