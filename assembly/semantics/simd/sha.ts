/**
 * SHA-1 and SHA-256: SDM Vol. 2 under the names; FIPS 180-4 "Secure Hash Standard". Registers hold words in descending order: the first of
 * the manual's names (A, or W0 of the message) is the highest.
 */
import { Exec } from "../../backend/exec";
import { Op } from "../../decode/op";

function word(at: usize, i: u32): u32 {
  return load<u32>(at + 4 * i);
}

function setWord(at: usize, i: u32, v: u32): void {
  store<u32>(at + 4 * i, v);
}

/** the source, where its words have addresses */
const SOURCE: usize = memory.data(16, 16);

function source<S>(b: Exec, op: Op): usize {
  v128.store(SOURCE, b.srcX<v128, S>(op));
  return SOURCE;
}

// ---- SHA-1

/** E of the next four rounds: A rotated, added to the message. */
export function sha1nexte<S>(b: Exec, op: Op): void {
  const y = source<S>(b, op);
  const e = word(y, 3) + rotl<u32>(word(<usize>op.d, 3), 30);
  v128.store(<usize>op.d, v128.load(y));
  setWord(<usize>op.d, 3, e);
}

export function sha1msg1<S>(b: Exec, op: Op): void {
  const y = b.srcX<v128, S>(op);
  const x = v128.load(<usize>op.d);
  v128.store(<usize>op.d, v128.xor(x, v128.shuffle<u64>(y, x, 1, 2)));
}

export function sha1msg2<S>(b: Exec, op: Op): void {
  const y = source<S>(b, op);
  const d = <usize>op.d;
  const w16 = rotl<u32>(word(d, 3) ^ word(y, 2), 1);
  const w17 = rotl<u32>(word(d, 2) ^ word(y, 1), 1);
  const w18 = rotl<u32>(word(d, 1) ^ word(y, 0), 1);
  const w19 = rotl<u32>(word(d, 0) ^ w16, 1);
  setWord(d, 3, w16);
  setWord(d, 2, w17);
  setWord(d, 1, w18);
  setWord(d, 0, w19);
}

/** Four rounds; the immediate says which of the four functions and constants. */
export function sha1rnds4<S>(b: Exec, op: Op): void {
  const y = source<S>(b, op);
  const at = <usize>op.d;
  const quarter = <u32>op.imm & 3;
  const k: u32 = quarter == 0 ? 0x5a827999 : quarter == 1 ? 0x6ed9eba1 : quarter == 2 ? 0x8f1bbcdc : 0xca62c1d6;
  let a = word(at, 3);
  let bb = word(at, 2);
  let c = word(at, 1);
  let d = word(at, 0);
  let e: u32 = 0;
  for (let i: u32 = 0; i < 4; i++) {
    const f = quarter == 0 ? (bb & c) ^ (~bb & d) : quarter == 2 ? (bb & c) ^ (bb & d) ^ (c & d) : bb ^ c ^ d;
    // the first word of the source has E in it already
    const next = f + rotl<u32>(a, 5) + word(y, 3 - i) + e + k;
    e = d;
    d = c;
    c = rotl<u32>(bb, 30);
    bb = a;
    a = next;
  }
  setWord(at, 3, a);
  setWord(at, 2, bb);
  setWord(at, 1, c);
  setWord(at, 0, d);
}

// ---- SHA-256

/** σ0 of the message schedule, on four words */
function sigma0(w: u32): u32 {
  return rotr<u32>(w, 7) ^ rotr<u32>(w, 18) ^ (w >> 3);
}

function sigma1(w: u32): u32 {
  return rotr<u32>(w, 17) ^ rotr<u32>(w, 19) ^ (w >> 10);
}

export function sha256msg1<S>(b: Exec, op: Op): void {
  const y = source<S>(b, op);
  const d = <usize>op.d;
  for (let i: u32 = 0; i < 4; i++) setWord(d, i, word(d, i) + sigma0(i == 3 ? word(y, 0) : word(d, i + 1)));
}

export function sha256msg2<S>(b: Exec, op: Op): void {
  const y = source<S>(b, op);
  const d = <usize>op.d;
  for (let i: u32 = 0; i < 4; i++) setWord(d, i, word(d, i) + sigma1(i < 2 ? word(y, i + 2) : word(d, i - 2)));
}

/** Two rounds: C D G H in the destination, A B E F in the source, message plus constants in the low half of XMM0. */
export function sha256rnds2<S>(b: Exec, op: Op): void {
  const y = source<S>(b, op);
  const at = <usize>op.d;
  const wk = changetype<usize>(b) + offsetof<Exec>("xmm0");
  let a = word(y, 3);
  let bb = word(y, 2);
  let e = word(y, 1);
  let f = word(y, 0);
  let c = word(at, 3);
  let d = word(at, 2);
  let g = word(at, 1);
  let h = word(at, 0);
  const first = word(wk, 0);
  const second = word(wk, 1);
  for (let i: u32 = 0; i < 2; i++) {
    const t1 = ((e & f) ^ (~e & g)) + (rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25)) + (i == 0 ? first : second) + h;
    const t2 = ((a & bb) ^ (a & c) ^ (bb & c)) + (rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = bb;
    bb = a;
    a = t1 + t2;
  }
  setWord(at, 3, a);
  setWord(at, 2, bb);
  setWord(at, 1, e);
  setWord(at, 0, f);
}
