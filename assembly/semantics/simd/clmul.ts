/** SDM Vol. 2 "PCLMULQDQ": product of two polynomials over GF(2), chosen from the halves of the operands by bits 0 and 4 of the immediate. */
import { Exec } from "../../backend/exec";
import { Op } from "../../decode/op";

export function pclmulqdq<S>(b: Exec, op: Op): void {
  const y = b.srcX<v128, S>(op);
  const x = v128.load(<usize>op.d);
  const p = (op.imm & 1) != 0 ? b.highOfX(x) : b.lowOfX(x);
  let q = (op.imm & 16) != 0 ? b.highOfX(y) : b.lowOfX(y);
  let low: u64 = 0;
  let high: u64 = 0;
  for (; q != 0; q &= q - 1) {
    const n = ctz<u64>(q);
    low ^= p << n;
    // in two steps, as a shift by 64 would be one by 0
    high ^= (p >> 1) >> (63 - n);
  }
  store<u64>(<usize>op.d, low);
  store<u64>(<usize>op.d, high, 8);
}
