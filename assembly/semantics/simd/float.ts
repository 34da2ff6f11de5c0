/**
 * Float arithmetic, packed (`p`) and scalar (`s`). SDM Vol. 2 "ADDPS", "ADDSD", … `U` is f32 or f64.
 *
 * Nearly always operands and result are ordinary numbers and MXCSR is as programs find it, and then wasm's operation is the instruction.
 * Whatever is not provably so goes the long way (backend/soft-float.ts), which may raise #XM: nothing is changed before.
 */
import { ADD, DIV, MAX, MIN, MUL, SQRT, SUB } from "../../backend/soft-float";
import { Op } from "../../decode/op";

export function adds<B, S, U>(b: B, op: Op): void {
  const y = b.srcF<U, S>(op);
  const x = b.getF<U>(<usize>op.d);
  const r = b.addF<U>(x, y);
  const odd = b.or(b.or(b.strictF(), b.oddSumF<U>(r)), b.or(b.denormalF<U>(x), b.denormalF<U>(y)));
  b.setF<U>(<usize>op.d, b.rarely(odd) ? b.soft<U>(op, ADD, x, y) : r);
}

export function subs<B, S, U>(b: B, op: Op): void {
  const y = b.srcF<U, S>(op);
  const x = b.getF<U>(<usize>op.d);
  const r = b.subF<U>(x, y);
  const odd = b.or(b.or(b.strictF(), b.oddSumF<U>(r)), b.or(b.denormalF<U>(x), b.denormalF<U>(y)));
  b.setF<U>(<usize>op.d, b.rarely(odd) ? b.soft<U>(op, SUB, x, y) : r);
}

export function muls<B, S, U>(b: B, op: Op): void {
  const y = b.srcF<U, S>(op);
  const x = b.getF<U>(<usize>op.d);
  const r = b.mulF<U>(x, y);
  const odd = b.or(b.or(b.strictF(), b.oddProductF<U>(r, x, y)), b.or(b.denormalF<U>(x), b.denormalF<U>(y)));
  b.setF<U>(<usize>op.d, b.rarely(odd) ? b.soft<U>(op, MUL, x, y) : r);
}

export function divs<B, S, U>(b: B, op: Op): void {
  const y = b.srcF<U, S>(op);
  const x = b.getF<U>(<usize>op.d);
  const r = b.divF<U>(x, y);
  const odd = b.or(b.or(b.strictF(), b.oddProductF<U>(r, x, x)), b.or(b.denormalF<U>(x), b.denormalF<U>(y)));
  b.setF<U>(<usize>op.d, b.rarely(odd) ? b.soft<U>(op, DIV, x, y) : r);
}

export function sqrts<B, S, U>(b: B, op: Op): void {
  const y = b.srcF<U, S>(op);
  const r = b.sqrtF<U>(y);
  const odd = b.or(b.or(b.strictF(), b.oddSumF<U>(r)), b.denormalF<U>(y));
  b.setF<U>(<usize>op.d, b.rarely(odd) ? b.soft<U>(op, SQRT, y, y) : r);
}

/** The source unless the destination is below it: also if either is a NaN, or both are zeros. */
export function mins<B, S, U>(b: B, op: Op): void {
  const y = b.srcF<U, S>(op);
  const x = b.getF<U>(<usize>op.d);
  const odd = b.or(b.nanOrDenormalF<U>(x), b.nanOrDenormalF<U>(y));
  b.setF<U>(<usize>op.d, b.rarely(odd) ? b.soft<U>(op, MIN, x, y) : b.select(b.belowF<U>(x, y), x, y));
}

export function maxs<B, S, U>(b: B, op: Op): void {
  const y = b.srcF<U, S>(op);
  const x = b.getF<U>(<usize>op.d);
  const odd = b.or(b.nanOrDenormalF<U>(x), b.nanOrDenormalF<U>(y));
  b.setF<U>(<usize>op.d, b.rarely(odd) ? b.soft<U>(op, MAX, x, y) : b.select(b.belowF<U>(y, x), x, y));
}

export function addp<B, S, U>(b: B, op: Op): void {
  const y = b.srcX<v128, S>(op);
  const x = b.getX<v128>(<usize>op.d);
  const r = b.addX<U>(x, y);
  const odd = b.orX(b.oddSumX<U>(r), b.orX(b.denormalX<U>(x), b.denormalX<U>(y)));
  b.setX<v128>(<usize>op.d, b.rarely(b.or(b.strictF(), b.anyX(odd))) ? b.softX<U>(op, ADD, x, y) : r);
}

export function subp<B, S, U>(b: B, op: Op): void {
  const y = b.srcX<v128, S>(op);
  const x = b.getX<v128>(<usize>op.d);
  const r = b.subX<U>(x, y);
  const odd = b.orX(b.oddSumX<U>(r), b.orX(b.denormalX<U>(x), b.denormalX<U>(y)));
  b.setX<v128>(<usize>op.d, b.rarely(b.or(b.strictF(), b.anyX(odd))) ? b.softX<U>(op, SUB, x, y) : r);
}

export function mulp<B, S, U>(b: B, op: Op): void {
  const y = b.srcX<v128, S>(op);
  const x = b.getX<v128>(<usize>op.d);
  const r = b.mulX<U>(x, y);
  const odd = b.orX(b.oddProductX<U>(r, x, y), b.orX(b.denormalX<U>(x), b.denormalX<U>(y)));
  b.setX<v128>(<usize>op.d, b.rarely(b.or(b.strictF(), b.anyX(odd))) ? b.softX<U>(op, MUL, x, y) : r);
}

export function divp<B, S, U>(b: B, op: Op): void {
  const y = b.srcX<v128, S>(op);
  const x = b.getX<v128>(<usize>op.d);
  const r = b.divX<U>(x, y);
  const odd = b.orX(b.oddProductX<U>(r, x, x), b.orX(b.denormalX<U>(x), b.denormalX<U>(y)));
  b.setX<v128>(<usize>op.d, b.rarely(b.or(b.strictF(), b.anyX(odd))) ? b.softX<U>(op, DIV, x, y) : r);
}

export function sqrtp<B, S, U>(b: B, op: Op): void {
  const y = b.srcX<v128, S>(op);
  const r = b.sqrtX<U>(y);
  const odd = b.orX(b.oddSumX<U>(r), b.denormalX<U>(y));
  b.setX<v128>(<usize>op.d, b.rarely(b.or(b.strictF(), b.anyX(odd))) ? b.softX<U>(op, SQRT, y, y) : r);
}

export function minp<B, S, U>(b: B, op: Op): void {
  const y = b.srcX<v128, S>(op);
  const x = b.getX<v128>(<usize>op.d);
  const odd = b.anyX(b.orX(b.nanOrDenormalX<U>(x), b.nanOrDenormalX<U>(y)));
  b.setX<v128>(<usize>op.d, b.rarely(odd) ? b.softX<U>(op, MIN, x, y) : b.blendX(y, x, b.gtX<U>(y, x)));
}

export function maxp<B, S, U>(b: B, op: Op): void {
  const y = b.srcX<v128, S>(op);
  const x = b.getX<v128>(<usize>op.d);
  const odd = b.anyX(b.orX(b.nanOrDenormalX<U>(x), b.nanOrDenormalX<U>(y)));
  b.setX<v128>(<usize>op.d, b.rarely(odd) ? b.softX<U>(op, MAX, x, y) : b.blendX(y, x, b.gtX<U>(x, y)));
}
