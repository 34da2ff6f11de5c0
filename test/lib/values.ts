/**
 * Values worth trying: edges of integers, single bits, carries; floats around every boundary that rounding, underflow, overflow and NaN
 * rules have. Everything is written as bytes into a buffer, so that the same values serve registers and memory.
 */
import type { Random } from "./random.ts";

/** What the bytes will be read as. */
export type Kind = "int" | "f32" | "f64" | "f80" | "bcd";

/** 32 bits that are an edge of some integer width, or random. */
export function word(r: Random): number {
  switch (r.below(10)) {
    case 0:
      return r.between(-2, 2);
    case 1:
      return 1 << r.below(32);
    case 2:
      return ~(1 << r.below(32));
    case 3:
      return (
        r.pick([0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0x7fff8000, 0x80008000, 0x7f807f80]) | 0
      );
    case 4:
      return (1 << r.below(32)) - 1;
    case 5:
      return r.below(256);
    default:
      return r.bits();
  }
}

/** Fills bytes with values of a kind; lanes are as wide as the kind. */
export function fill(r: Random, bytes: Uint8Array, kind: Kind): void {
  const v = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const lane = { int: 8, f32: 4, f64: 8, f80: 16, bcd: 16 }[kind];
  let at = 0;
  for (; at + lane <= bytes.length; at += lane) write(r, v, at, kind);
  for (; at < bytes.length; at++) bytes[at] = r.bits();
}

function write(r: Random, v: DataView, at: number, kind: Kind): void {
  if (kind === "int") integer(r, v, at);
  else if (kind === "f32") f32(r, v, at);
  else if (kind === "f64") f64(r, v, at);
  else if (kind === "f80") f80(r, v, at);
  else for (let i = 0; i < 16; i++) v.setUint8(at + i, r.oneIn(12) ? r.bits() : r.below(10) | (r.below(10) << 4));
}

/** 64 bits: one edge value of 64, two of 32, four of 16 or eight bytes. */
export function integer(r: Random, v: DataView, at: number): void {
  switch (r.below(6)) {
    case 0:
      v.setInt32(at, word(r), true);
      v.setInt32(at + 4, r.pick([0, 0, -1, 0x80000000, 0x7fffffff]), true);
      break;
    case 1: {
      const bit = r.below(64);
      const flip = r.oneIn(2) ? -1 : 0;
      v.setInt32(at, flip ^ (bit < 32 ? 1 << bit : 0), true);
      v.setInt32(at + 4, flip ^ (bit < 32 ? 0 : 1 << bit), true);
      break;
    }
    case 2:
      for (let i = 0; i < 8; i += 2) v.setInt16(at + i, word(r), true);
      break;
    case 3:
      for (let i = 0; i < 8; i++) v.setInt8(at + i, r.oneIn(2) ? r.pick([0, 1, 2, 0x7f, 0x80, 0x81, 0xfe, 0xff]) : r.bits());
      break;
    default:
      v.setInt32(at, word(r), true);
      v.setInt32(at + 4, word(r), true);
  }
}

/** A fraction of up to 52 bits in two halves: zero, all ones, one bit, the quiet bit, a halfway pattern, or random. */
function fraction(r: Random): [number, number] {
  switch (r.below(9)) {
    case 0:
      return [0, 0];
    case 1:
      return [-1, -1];
    case 2: {
      const bit = r.below(64);
      return bit < 32 ? [1 << bit, 0] : [0, 1 << bit];
    }
    case 3:
      return [0, r.bits()];
    case 4:
      // ends in 1000…0, or in just less: what a narrower format has to round
      return [r.oneIn(2) ? 1 << r.below(32) : (1 << r.below(32)) - 1, r.bits()];
    case 5:
      return [r.below(4), 0];
    case 6:
      return [-r.below(4), -1];
    default:
      return [r.bits(), r.bits()];
  }
}

/** A biased exponent: the ends, those where another format ends, those near 1.0 and of integers, or random. */
function exponent(r: Random, bias: number, narrower: readonly number[], digits: number): number {
  const max = 2 * bias + 1;
  switch (r.below(10)) {
    case 0:
      return 0;
    case 1:
      return max;
    case 2:
      return r.between(1, 3);
    case 3:
      return max - r.between(1, 3);
    case 4: {
      // where a narrower format overflows or underflows, and where products and quotients leave this one
      const e = bias + r.pick([...narrower, bias / 2, -bias / 2].map(Math.trunc)) + r.between(-2, 2);
      return Math.min(Math.max(e, 0), max);
    }
    case 5:
      return bias + r.between(digits - 3, digits + 12);
    case 6:
      return r.below(max + 1);
    default:
      return bias + r.between(-4, Math.min(12, bias));
  }
}

export function f32(r: Random, v: DataView, at: number): void {
  const [, high] = fraction(r);
  const e = exponent(r, 127, [], 24);
  v.setInt32(at, (r.bits() & 0x8000_0000) | (e << 23) | (high & 0x7fffff), true);
}

export function f64(r: Random, v: DataView, at: number): void {
  const [low, high] = fraction(r);
  const e = exponent(r, 1023, [127, -126, -149, -150], 53);
  // fractions whose tail is where an f32 rounds
  v.setInt32(at, r.oneIn(3) ? low & 0xf000_0000 : low, true);
  v.setInt32(at + 4, (r.bits() & 0x8000_0000) | (e << 20) | (high & 0xfffff), true);
}

/** 80 bits and 48 zero ones. Mostly normal numbers, sometimes denormals, and encodings that are not supported. */
export function f80(r: Random, v: DataView, at: number): void {
  const [low, high] = fraction(r);
  const e = exponent(r, 16383, [127, -126, -149, 1023, -1022, -1074], 64);
  const integerBit = r.oneIn(24) ? r.below(2) : e === 0 ? (r.oneIn(8) ? 1 : 0) : 1;
  // tails where an f64 or an f32 rounds
  const tail = r.below(6);
  v.setInt32(at, tail === 0 ? low & 0xfffff800 : tail === 1 ? low & 0xfffffc00 : low, true);
  v.setInt32(at + 4, (integerBit << 31) | (high & 0x7fff_ffff), true);
  v.setUint16(at + 8, (r.oneIn(2) ? 0x8000 : 0) | e, true);
  v.setUint16(at + 10, 0, true);
  v.setUint32(at + 12, 0, true);
}

/** Makes the second of two values a relative of the first: equal, negated, a neighbour, or of a near exponent. */
export function relate(r: Random, v: DataView, first: number, second: number, kind: Kind): void {
  const bytes = kind === "f32" ? 4 : kind === "f80" || kind === "bcd" ? 10 : 8;
  for (let i = 0; i < bytes; i++) v.setUint8(second + i, v.getUint8(first + i));
  switch (r.below(5)) {
    case 0:
      break;
    case 1:
      v.setUint8(second + bytes - 1, v.getUint8(second + bytes - 1) ^ 0x80);
      break;
    case 2:
      v.setInt32(second, (v.getInt32(second, true) + r.between(-2, 2)) | 0, true);
      break;
    default: {
      // another fraction, the exponent off by a few
      v.setInt32(second, r.bits(), true);
      if (bytes > 4) v.setInt16(second + 4, r.bits(), true);
      const top = second + bytes - 2;
      const unit = kind === "f32" ? 0x80 : kind === "f64" ? 0x10 : 1;
      v.setInt16(top, (v.getInt16(top, true) + unit * r.between(-3, 3)) ^ (r.oneIn(2) ? 0x8000 : 0), true);
    }
  }
}
