/** Compare and jump in one: the flags are left as always, but the jump does not read them. */
import { Exec } from "./backend/exec";
import { OP_SIZE, Op } from "./decode/op";

/** The condition `cc` (neither OF nor PF alone) after comparing sign-extended a with b; r is the sign-extended result. */
function holds(cc: u32, a: i64, b: i64, r: i64): u64 {
  let h: bool;
  switch (cc >> 1) {
    case 1:
      h = <u64>a < <u64>b;
      break;
    case 2:
      h = a == b;
      break;
    case 3:
      h = <u64>a <= <u64>b;
      break;
    case 4:
      h = r < 0;
      break;
    case 6:
      h = a < b;
      break;
    default:
      h = a <= b;
      break;
  }
  return <u64>(<u32>h ^ (cc & 1));
}

export function cmpJcc<T, D, S>(b: Exec, op: Op): void {
  const y = b.src<T, S>(op);
  const x = b.dst<T, D>(op);
  const r = b.sub<T>(x, y);
  b.flagsSub<T>(x, r);
  const jump = changetype<Op>(changetype<usize>(op) + OP_SIZE);
  b.branch(jump, holds(<u32>jump.d, <i64>b.sext<T>(x), <i64>b.sext<T>(y), <i64>b.sext<T>(r)));
}

/** After TEST carry and overflow are clear, as after comparing the result with zero. */
export function testJcc<T, D, S>(b: Exec, op: Op): void {
  const y = b.src<T, S>(op);
  const r = b.and(b.dst<T, D>(op), y);
  b.flagsLogic<T>(r);
  const jump = changetype<Op>(changetype<usize>(op) + OP_SIZE);
  const v = <i64>b.sext<T>(r);
  b.branch(jump, holds(<u32>jump.d, v, 0, v));
}
