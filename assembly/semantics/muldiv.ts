/** Multiplication and division. SDM Vol. 2 "MUL", "IMUL", "DIV", "IDIV". */
import { Exec } from "../backend/exec";
import { Op } from "../decode/op";
import { status } from "../flags";
import { RFLAGS_CF, RFLAGS_OF, VECTOR_DE } from "../generated/constants";
import { raise } from "../raise";
import { divide128, mulHigh, mulHighSigned, remainder } from "../wide";

const OVERFLOW: u64 = RFLAGS_CF | RFLAGS_OF;

function setOverflow(b: Exec, overflow: bool): void {
  b.flagsAll(<u64>(status(b) & ~(<u32>OVERFLOW)) | (overflow ? OVERFLOW : 0));
}

/** Low and high half to AX, DX:AX, EDX:EAX or RDX:RAX. */
function setPair<T>(b: Exec, low: u64, high: u64): void {
  if (sizeof<T>() == 1) b.setGpr<u16>(0, (low & 0xff) | ((high & 0xff) << 8));
  else {
    b.setGpr<T>(0, low);
    b.setGpr<T>(2, high);
  }
}

export function mul<T, S>(b: Exec, op: Op): void {
  const y = b.src<T, S>(op);
  const x = b.gpr<T>(0);
  const low = x * y;
  const high = sizeof<T>() == 8 ? mulHigh(x, y) : low >> (sizeof<T>() * 8);
  setPair<T>(b, low, high);
  setOverflow(b, high != 0);
}

export function imul<T, S>(b: Exec, op: Op): void {
  const y = b.sext<T>(b.src<T, S>(op));
  const x = b.sext<T>(b.gpr<T>(0));
  const low = x * y;
  const high = sizeof<T>() == 8 ? mulHighSigned(x, y) : <u64>(<i64>low >> (sizeof<T>() * 8));
  setPair<T>(b, low, high);
  setOverflow(b, b.sext<T>(low) != low || (sizeof<T>() == 8 && high != <u64>(<i64>low >> 63)));
}

export function imul2<T, S>(b: Exec, op: Op): void {
  signedProduct<T>(b, op, b.register<T>(<usize>op.d), b.src<T, S>(op));
}

export function imul3<T, S>(b: Exec, op: Op): void {
  signedProduct<T>(b, op, b.src<T, S>(op), <u64>op.imm);
}

function signedProduct<T>(b: Exec, op: Op, a: u64, c: u64): void {
  const x = b.sext<T>(a);
  const y = b.sext<T>(c);
  const low = x * y;
  b.setRegister<T>(<usize>op.d, low);
  const overflow = sizeof<T>() == 8 ? overflows(x, y, low) : b.sext<T>(low) != low;
  b.flagsPartial<T>(low, overflow ? OVERFLOW : 0);
}

/** Whether x * y does not fit in 64 bits; two 32-bit values always do. */
function overflows(x: u64, y: u64, low: u64): bool {
  if (<u64>(<i64>(<i32>x)) == x && <u64>(<i64>(<i32>y)) == y) return false;
  return mulHighSigned(x, y) != <u64>(<i64>low >> 63);
}

export function div<T, S>(b: Exec, op: Op): void {
  const d = b.src<T, S>(op);
  if (d == 0) raise(b, op, VECTOR_DE, 0);
  if (sizeof<T>() == 8) {
    if (b.rdx >= d) raise(b, op, VECTOR_DE, 0);
    const q = divide128(b.rdx, b.rax, d);
    setPair<T>(b, q, remainder);
  } else {
    const n = sizeof<T>() == 1 ? b.gpr<u16>(0) : (b.gpr<T>(2) << (sizeof<T>() * 8)) | b.gpr<T>(0);
    const q = n / d;
    if (b.trunc<T>(q) != q) raise(b, op, VECTOR_DE, 0);
    setPair<T>(b, q, n % d);
  }
}

export function idiv<T, S>(b: Exec, op: Op): void {
  const d = <i64>b.sext<T>(b.src<T, S>(op));
  if (d == 0) raise(b, op, VECTOR_DE, 0);
  if (sizeof<T>() == 8) divideSigned128(b, op, d);
  else {
    const n = dividend<T>(b);
    if (n == i64.MIN_VALUE && d == -1) raise(b, op, VECTOR_DE, 0);
    const q = n / d;
    if (<i64>b.sext<T>(<u64>q) != q) raise(b, op, VECTOR_DE, 0);
    setPair<T>(b, <u64>q, <u64>(n % d));
  }
}

/** AX, DX:AX or EDX:EAX, sign-extended */
function dividend<T>(b: Exec): i64 {
  if (sizeof<T>() == 1) return <i64>(<i16>b.rax);
  if (sizeof<T>() == 2) return <i64>(<i32>((b.gpr<u16>(2) << 16) | b.gpr<u16>(0)));
  return <i64>((b.gpr<u32>(2) << 32) | b.gpr<u32>(0));
}

function divideSigned128(b: Exec, op: Op, d: i64): void {
  const negative = <i64>b.rdx < 0;
  const low = negative ? 0 - b.rax : b.rax;
  const high = negative ? ~b.rdx + <u64>(b.rax == 0) : b.rdx;
  const divisor = <u64>(d < 0 ? -d : d);
  if (high >= divisor) raise(b, op, VECTOR_DE, 0);
  const q = divide128(high, low, divisor);
  const differ = negative != d < 0;
  if (q > (differ ? (<u64>1) << 63 : ((<u64>1) << 63) - 1)) raise(b, op, VECTOR_DE, 0);
  setPair<u64>(b, differ ? 0 - q : q, negative ? 0 - remainder : remainder);
}
