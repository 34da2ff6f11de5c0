/**
 * Conversions between floats and integers and between the two float formats. SDM Vol. 2 "CVTSI2SD", "CVTTSD2SI", … An integer that does not
 * exist is the integer indefinite, with IE.
 */
import { Exec } from "../../backend/exec";
import {
  beginSoft,
  FROM_DOUBLE,
  FROM_INTEGER,
  FROM_SINGLE,
  settle,
  softLane,
  TO_INTEGER,
  TO_INTEGER_32,
  TRUNCATE,
  TRUNCATE_32,
} from "../../backend/soft-float";
import { beginMmx, enterMmx } from "../../backend/vector-operand";
import { Op, REG } from "../../decode/op";

// ---- scalar

export function cvtsi2s<B, T, S, U>(b: B, op: Op): void {
  const v = b.src<T, S>(op);
  const r = b.fromIntegerF<T, U>(v);
  // 32 bits always fit into a double
  if (sizeof<T>() == 4 && sizeof<U>() == 8) b.setF<U>(<usize>op.d, r);
  else b.setF<U>(<usize>op.d, b.rarely(b.strictF()) ? b.soft<U>(op, FROM_INTEGER, v, b.sext<T>(v)) : r);
}

export function cvtts2si<B, T, S, U>(b: B, op: Op): void {
  const y = b.srcF<U, S>(op);
  const r = b.truncateF<U>(y);
  const odd = b.or(b.and(b.strictF(), b.differF<U>(b.fromIntegerF<i64, U>(r), y)), b.doesNotFit<T, U>(r, y));
  b.setRegister<T>(<usize>op.d, b.rarely(odd) ? b.soft<U>(op, sizeof<T>() == 4 ? TRUNCATE_32 : TRUNCATE, y, y) : r);
}

/** Where MXCSR does not round to nearest, integers need no rounding at least. */
export function cvts2si<B, T, S, U>(b: B, op: Op): void {
  const y = b.srcF<U, S>(op);
  const r = b.truncateF<U>(b.nearestF<U>(y));
  const odd = b.or(b.and(b.strictF(), b.differF<U>(b.fromIntegerF<i64, U>(r), y)), b.doesNotFit<T, U>(r, y));
  b.setRegister<T>(<usize>op.d, b.rarely(odd) ? b.soft<U>(op, sizeof<T>() == 4 ? TO_INTEGER_32 : TO_INTEGER, y, y) : r);
}

export function cvtss2sd<B, S>(b: B, op: Op): void {
  const y = b.srcF<f32, S>(op);
  b.setF<f64>(<usize>op.d, b.rarely(b.nanOrDenormalF<f32>(y)) ? b.soft<f64>(op, FROM_SINGLE, y, y) : b.promoteF(y));
}

export function cvtsd2ss<B, S>(b: B, op: Op): void {
  const y = b.srcF<f64, S>(op);
  const r = b.demoteF(y);
  const odd = b.or(b.or(b.strictF(), b.denormalF<f64>(y)), b.or(b.oddSumF<f32>(r), b.vanishedF(r, y)));
  b.setF<f32>(<usize>op.d, b.rarely(odd) ? b.soft<f32>(op, FROM_DOUBLE, y, y) : r);
}

// ---- packed

/** The first `count` lanes of y, one by one, the rest of the result zero. From and To are the lanes' types. */
function each<From, To>(b: Exec, op: Op, operation: u32, y: v128, count: u32): v128 {
  v128.store(LANES, y);
  v128.store(RESULT, i64x2.splat(0));
  beginSoft();
  for (let i: u32 = 0; i < count; i++) {
    const from = LANES + <usize>i * sizeof<From>();
    const to = RESULT + <usize>i * sizeof<To>();
    if (isInteger<From>()) b.setF<To>(to, softLane<To>(b, operation, 0, <u64>(<i64>load<i32>(from))));
    else if (isInteger<To>()) store<u32>(to, <u32>softLane<From>(b, operation, 0, b.getF<From>(from)));
    else b.setF<To>(to, softLane<To>(b, operation, 0, b.getF<From>(from)));
  }
  settle(b, op);
  return v128.load(RESULT);
}

const LANES: usize = memory.data(16, 16);
const RESULT: usize = memory.data(16, 16);

export function cvtdq2ps<S>(b: Exec, op: Op): void {
  const y = b.srcX<v128, S>(op);
  b.setX<v128>(<usize>op.d, b.strictF() != 0 ? each<i32, f32>(b, op, FROM_INTEGER, y, 4) : v128.convert<i32>(y));
}

/** Two 32-bit integers always fit into two doubles. */
export function cvtdq2pd<S>(b: Exec, op: Op): void {
  b.setX<v128>(<usize>op.d, v128.convert_low<i32>(b.lowX(b.src<u64, S>(op))));
}

export function cvtps2pd<S>(b: Exec, op: Op): void {
  const y = b.lowX(b.src<u64, S>(op));
  const odd = b.anyX(b.nanOrDenormalX<f32>(y));
  b.setX<v128>(<usize>op.d, odd != 0 ? each<f32, f64>(b, op, FROM_SINGLE, y, 2) : v128.promote_low(y));
}

export function cvtpd2ps<S>(b: Exec, op: Op): void {
  const y = b.srcX<v128, S>(op);
  const r = v128.demote_zero(y);
  const vanished = v128.xor(b.isZeroX<f64>(y), b.isZeroX<f64>(v128.promote_low(r)));
  const odd = b.anyX(b.orX(b.orX(b.denormalX<f64>(y), vanished), b.oddSumX<f32>(r)));
  b.setX<v128>(<usize>op.d, (b.strictF() | odd) != 0 ? each<f64, f32>(b, op, FROM_DOUBLE, y, 2) : r);
}

// With an MMX destination (V = u64: CVTPS2PI, CVTPD2PI and the truncating ones) there are half the lanes.
// QUIRK: the x87 has changed to MMX even if the conversion then raises #XM, as on AMD; the manual does not say.

export function cvtps2dq<V, S>(b: Exec, op: Op): void {
  b.beginX<V>(op);
  const y = sizeof<V>() == 16 ? b.srcX<v128, S>(op) : b.lowX(b.src<u64, S>(op));
  b.endX<V>();
  const exact = b.strictF() == 0 && fits<f32>(y);
  b.setX<V>(<usize>op.d, exact ? v128.trunc_sat<i32>(v128.nearest<f32>(y)) : each<f32, i32>(b, op, TO_INTEGER_32, y, sizeof<V>() / 4));
}

export function cvttps2dq<V, S>(b: Exec, op: Op): void {
  b.beginX<V>(op);
  const y = sizeof<V>() == 16 ? b.srcX<v128, S>(op) : b.lowX(b.src<u64, S>(op));
  b.endX<V>();
  const exact = b.strictF() == 0 && fits<f32>(y);
  b.setX<V>(<usize>op.d, exact ? v128.trunc_sat<i32>(y) : each<f32, i32>(b, op, TRUNCATE_32, y, sizeof<V>() / 4));
}

export function cvtpd2dq<V, S>(b: Exec, op: Op): void {
  b.beginX<V>(op);
  const y = b.srcX<v128, S>(op);
  b.endX<V>();
  const exact = b.strictF() == 0 && fits<f64>(y);
  b.setX<V>(<usize>op.d, exact ? v128.trunc_sat_zero<i32>(v128.nearest<f64>(y)) : each<f64, i32>(b, op, TO_INTEGER_32, y, 2));
}

export function cvttpd2dq<V, S>(b: Exec, op: Op): void {
  b.beginX<V>(op);
  const y = b.srcX<v128, S>(op);
  b.endX<V>();
  const exact = b.strictF() == 0 && fits<f64>(y);
  b.setX<V>(<usize>op.d, exact ? v128.trunc_sat_zero<i32>(y) : each<f64, i32>(b, op, TRUNCATE_32, y, 2));
}

/** Every lane is a number well inside 32 bits. */
function fits<U>(y: v128): bool {
  return v128.all_true<i32>(v128.lt<U>(v128.abs<U>(y), v128.splat<U>(<U>2147483000)));
}

// QUIRK: of CVTPI2PS and CVTPI2PD the form with memory leaves the x87 alone, as on AMD; the manual says so of CVTPI2PD only.

/** The high half of the destination stays. */
export function cvtpi2ps<S>(b: Exec, op: Op): void {
  const y = b.lowX(integers<S>(b, op));
  const r = b.strictF() != 0 ? each<i32, f32>(b, op, FROM_INTEGER, y, 2) : v128.convert<i32>(y);
  b.setLane<u64>(<usize>op.d, b.lowOfX(r));
}

export function cvtpi2pd<S>(b: Exec, op: Op): void {
  b.setX<v128>(<usize>op.d, v128.convert_low<i32>(b.lowX(integers<S>(b, op))));
}

function integers<S>(b: Exec, op: Op): u64 {
  if (op.sk == REG) beginMmx(b, op);
  const v = b.src<u64, S>(op);
  if (op.sk == REG) enterMmx(b);
  return v;
}
