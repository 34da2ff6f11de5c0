/** Where the operand of a bit test lies: the bit number of a register counts from the memory address on, in both directions. SDM Vol. 2 "BT". */
import { Op } from "../decode/op";

/** Bytes from the address to the operand-sized unit that holds the bit named by the source register. */
export function bitDisplacement(op: Op): u64 {
  const size = op.operandSize;
  if (size == 2) return <u64>((<i64>load<u64>(<usize>op.s) >> 6) << 3);
  if (size == 1) return <u64>((<i64>(<i32>load<u32>(<usize>op.s)) >> 5) << 2);
  return <u64>((<i64>(<i16>load<u16>(<usize>op.s)) >> 4) << 1);
}
