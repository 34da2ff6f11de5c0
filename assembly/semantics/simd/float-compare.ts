/** Float comparisons. SDM Vol. 2 "COMISS", "UCOMISS", "CMPPS" (table "Comparison Predicate for CMPPD and CMPPS Instructions"). */
import { Exec } from "../../backend/exec";
import { COMI, COMPARE, holds, UCOMI } from "../../backend/soft-float";
import { Op } from "../../decode/op";
import { EQUAL, GREATER, LESS } from "../../float80/compare";

/** ZF PF CF: unordered 111, greater 000, less 001, equal 100 */
export function ucomis<B, S, U>(b: B, op: Op): void {
  const y = b.srcF<U, S>(op);
  const x = b.getF<U>(<usize>op.d);
  const odd = b.or(b.nanOrDenormalF<U>(x), b.nanOrDenormalF<U>(y));
  const order = b.or(b.belowF<U>(x, y), b.shl<u64>(b.equalF<U>(x, y), b.const(6)));
  b.flagsAll(b.rarely(odd) ? b.soft<U>(op, UCOMI, x, y) : order);
}

export function comis<B, S, U>(b: B, op: Op): void {
  const y = b.srcF<U, S>(op);
  const x = b.getF<U>(<usize>op.d);
  const odd = b.or(b.nanOrDenormalF<U>(x), b.nanOrDenormalF<U>(y));
  const order = b.or(b.belowF<U>(x, y), b.shl<u64>(b.equalF<U>(x, y), b.const(6)));
  b.flagsAll(b.rarely(odd) ? b.soft<U>(op, COMI, x, y) : order);
}

/** The predicate of the immediate: equal, less, less or equal, unordered, and from 4 on their negations. */
export function compares<S, U>(b: Exec, op: Op): void {
  const y = b.srcF<U, S>(op);
  const x = b.getF<U>(<usize>op.d);
  const predicate = <u32>op.imm & 7;
  if (b.rarely(b.nanOrDenormalF<U>(x) | b.nanOrDenormalF<U>(y))) b.setF<U>(<usize>op.d, b.soft<U>(op, COMPARE + predicate, x, y));
  else {
    const order = b.equalF<U>(x, y) != 0 ? EQUAL : b.belowF<U>(x, y) != 0 ? LESS : GREATER;
    b.setF<U>(<usize>op.d, 0 - <u64>holds(predicate, order));
  }
}

export function comparep<S, U>(b: Exec, op: Op): void {
  const y = b.srcX<v128, S>(op);
  const x = b.getX<v128>(<usize>op.d);
  const predicate = <u32>op.imm & 7;
  if (b.rarely(b.anyX(b.orX(b.nanOrDenormalX<U>(x), b.nanOrDenormalX<U>(y)))))
    b.setX<v128>(<usize>op.d, b.softX<U>(op, COMPARE + predicate, x, y));
  else {
    const choice = predicate & 3;
    const ordered = choice == 0 ? v128.eq<U>(x, y) : choice == 1 ? v128.lt<U>(x, y) : choice == 2 ? v128.le<U>(x, y) : i64x2.splat(0);
    b.setX<v128>(<usize>op.d, predicate < 4 ? ordered : v128.not(ordered));
  }
}
