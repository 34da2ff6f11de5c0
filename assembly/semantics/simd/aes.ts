/** AES-NI: SDM Vol. 2 under the names; FIPS 197 "Advanced Encryption Standard". A state is a register, byte r + 4c in row r and column c. */
import { Exec } from "../../backend/exec";
import { Op } from "../../decode/op";

/** The S-box and its inverse, made when first needed: FIPS 197 5.1.1 "SubBytes() Transformation". */
const SBOX: usize = memory.data(256);
const INVERSE_SBOX: usize = memory.data(256);

function makeTables(): void {
  // p runs through the powers of 3, q through those of its inverse
  let p: u32 = 1;
  let q: u32 = 1;
  do {
    p = (p ^ (p << 1) ^ ((p & 0x80) != 0 ? 0x11b : 0)) & 0xff;
    q ^= q << 1;
    q ^= q << 2;
    q ^= q << 4;
    q &= 0xff;
    if ((q & 0x80) != 0) q ^= 0x09;
    setSbox(p, q);
  } while (p != 1);
  setSbox(0, 0);
}

function setSbox(x: u32, inverse: u32): void {
  const q = <u8>inverse;
  const s = q ^ rotl<u8>(q, 1) ^ rotl<u8>(q, 2) ^ rotl<u8>(q, 3) ^ rotl<u8>(q, 4) ^ 0x63;
  store<u8>(SBOX + x, s);
  store<u8>(INVERSE_SBOX + s, <u8>x);
}

const CELL: usize = memory.data(16, 16);

/** Each byte replaced by the table's. */
function substitute(x: v128, table: usize): v128 {
  if (load<u8>(SBOX) == 0) makeTables();
  v128.store(CELL, x);
  for (let at = CELL; at < CELL + 16; at++) store<u8>(at, load<u8>(table + load<u8>(at)));
  return v128.load(CELL);
}

function shiftRows(x: v128): v128 {
  return i8x16.shuffle(x, x, 0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11);
}

function inverseShiftRows(x: v128): v128 {
  return i8x16.shuffle(x, x, 0, 13, 10, 7, 4, 1, 14, 11, 8, 5, 2, 15, 12, 9, 6, 3);
}

/** Each byte times 2 in the field of AES. */
function doubled(x: v128): v128 {
  return v128.xor(v128.shl<i8>(x, 1), v128.and(v128.shr<i8>(x, 7), i8x16.splat(0x1b)));
}

/** Each column rotated by one row. */
function rotated(x: v128): v128 {
  return i8x16.shuffle(x, x, 1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12);
}

/** 2 3 1 1 and its rotations */
function mixColumns(x: v128): v128 {
  const x2 = doubled(x);
  const next = rotated(x);
  const others = rotated(v128.xor(next, rotated(next)));
  return v128.xor(v128.xor(x2, v128.xor(rotated(x2), next)), others);
}

/** 14 11 13 9 and its rotations: MixColumns after multiplication by 5 0 4 0 */
function inverseMixColumns(x: v128): v128 {
  const x4 = doubled(doubled(v128.xor(x, rotated(rotated(x)))));
  return mixColumns(v128.xor(x, x4));
}

export function aesenc<S>(b: Exec, op: Op): void {
  const key = b.srcX<v128, S>(op);
  v128.store(<usize>op.d, v128.xor(mixColumns(substitute(shiftRows(v128.load(<usize>op.d)), SBOX)), key));
}

export function aesenclast<S>(b: Exec, op: Op): void {
  const key = b.srcX<v128, S>(op);
  v128.store(<usize>op.d, v128.xor(substitute(shiftRows(v128.load(<usize>op.d)), SBOX), key));
}

export function aesdec<S>(b: Exec, op: Op): void {
  const key = b.srcX<v128, S>(op);
  v128.store(<usize>op.d, v128.xor(inverseMixColumns(substitute(inverseShiftRows(v128.load(<usize>op.d)), INVERSE_SBOX)), key));
}

export function aesdeclast<S>(b: Exec, op: Op): void {
  const key = b.srcX<v128, S>(op);
  v128.store(<usize>op.d, v128.xor(substitute(inverseShiftRows(v128.load(<usize>op.d)), INVERSE_SBOX), key));
}

export function aesimc<S>(b: Exec, op: Op): void {
  v128.store(<usize>op.d, inverseMixColumns(b.srcX<v128, S>(op)));
}

/** S-box of the odd words, and the same rotated with the round constant: FIPS 197 5.2 "Key Expansion". */
export function aeskeygenassist<S>(b: Exec, op: Op): void {
  const x = substitute(b.srcX<v128, S>(op), SBOX);
  const words = i8x16.shuffle(x, x, 4, 5, 6, 7, 5, 6, 7, 4, 12, 13, 14, 15, 13, 14, 15, 12);
  const constant = <i32>op.imm & 0xff;
  v128.store(<usize>op.d, v128.xor(words, v128.and(i32x4.splat(constant), i32x4(0, -1, 0, -1))));
}
