/** Stores of chosen bytes to DS:rDI. SDM Vol. 2 "MASKMOVDQU", "MASKMOVQ". */
import { Exec } from "../../backend/exec";
import { linear, WRITE } from "../../cpu/segments";
import { Op } from "../../decode/op";

const RDI: u32 = 7;

/**
 * Bytes of the destination register whose byte in the source has its top bit set. The area is checked by eight bytes at a time, whatever
 * the mask says.
 */
export function maskmov<V, S>(b: Exec, op: Op): void {
  const mask = <u32>v128.bitmask<i8>(b.srcX<V, S>(op));
  // QUIRK: the x87 has changed to MMX even if the store faults, as on AMD; the manual does not say
  b.endX<V>();
  const size = op.addressSize;
  const offset = size == 2 ? b.rdi : size == 1 ? b.rdi & 0xffffffff : b.rdi & 0xffff;
  b.checkWrite(op, linear(b, op, op.segment, offset, 8, WRITE), 8);
  const va = linear(b, op, op.segment, offset, sizeof<V>(), WRITE);
  const at = b.writableAt(op, va, sizeof<V>());
  for (let i: usize = 0; i < sizeof<V>(); i++) if (((mask >> <u32>i) & 1) != 0) store<u8>(at + i, load<u8>(<usize>op.d + i));
  b.commit(at);
}
