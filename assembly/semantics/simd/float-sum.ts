/** Sums across lanes: HADDPS, HSUBPS, ADDSUBPS, DPPS and their kin. SDM Vol. 2 under the names. */
import { Exec } from "../../backend/exec";
import { ADD, ADDSUB, beginSoft, MUL, SUB, settle, softLane } from "../../backend/soft-float";
import { Op } from "../../decode/op";

function evens<U>(x: v128, y: v128): v128 {
  return sizeof<U>() == 4 ? v128.shuffle<u32>(x, y, 0, 2, 4, 6) : v128.shuffle<u64>(x, y, 0, 2);
}

function odds<U>(x: v128, y: v128): v128 {
  return sizeof<U>() == 4 ? v128.shuffle<u32>(x, y, 1, 3, 5, 7) : v128.shuffle<u64>(x, y, 1, 3);
}

/** x + y where wasm's addition is not known to do it */
function sum<U>(b: Exec, op: Op, x: v128, y: v128): v128 {
  const r = v128.add<U>(x, y);
  const odd = b.orX(b.oddSumX<U>(r), b.orX(b.denormalX<U>(x), b.denormalX<U>(y)));
  return b.rarely(b.strictF() | b.anyX(odd)) ? b.softX<U>(op, ADD, x, y) : r;
}

export function haddp<S, U>(b: Exec, op: Op): void {
  const y = b.srcX<v128, S>(op);
  const x = b.getX<v128>(<usize>op.d);
  b.setX<v128>(<usize>op.d, sum<U>(b, op, evens<U>(x, y), odds<U>(x, y)));
}

export function hsubp<S, U>(b: Exec, op: Op): void {
  const y = b.srcX<v128, S>(op);
  const x = b.getX<v128>(<usize>op.d);
  b.setX<v128>(<usize>op.d, b.softX<U>(op, SUB, evens<U>(x, y), odds<U>(x, y)));
}

export function addsubp<S, U>(b: Exec, op: Op): void {
  const y = b.srcX<v128, S>(op);
  b.setX<v128>(<usize>op.d, b.softX<U>(op, ADDSUB, b.getX<v128>(<usize>op.d), y));
}

/**
 * The high four bits of the immediate choose the products, the low four the lanes that get their sum; other lanes become zero. The
 * products, the sums of neighbours and the whole sum are instructions of their own to MXCSR: the first that faults is the last.
 */
export function dpp<S, U>(b: Exec, op: Op): void {
  const y = b.srcX<v128, S>(op);
  const choice = chosen<U>(<u32>op.imm >> 4);
  const x = v128.and(b.getX<v128>(<usize>op.d), choice);
  let sums = b.softX<U>(op, MUL, x, v128.and(y, choice));
  sums = sum<U>(b, op, evens<U>(sums, sums), odds<U>(sums, sums));
  if (sizeof<U>() == 4) sums = sum<U>(b, op, evens<U>(sums, sums), odds<U>(sums, sums));
  b.setX<v128>(<usize>op.d, v128.and(sums, chosen<U>(<u32>op.imm)));
}

/** ones in the lanes for which `bits` has a bit */
function chosen<U>(bits: u32): v128 {
  const bit = sizeof<U>() == 4 ? i32x4(1, 2, 4, 8) : i64x2(1, 2);
  return sizeof<U>() == 4
    ? v128.eq<u32>(v128.and(v128.splat<u32>(bits), bit), bit)
    : v128.eq<u64>(v128.and(v128.splat<u64>(bits), bit), bit);
}
