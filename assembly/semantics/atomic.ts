/** Read-modify-write for locks. SDM Vol. 2 "CMPXCHG", "XADD", "CMPXCHG8B/CMPXCHG16B". With one vCPU at a time everything is atomic. */
import { Exec } from "../backend/exec";
import { Op } from "../decode/op";
import { status } from "../flags";
import { RFLAGS_ZF } from "../generated/constants";
import { raiseGp } from "../raise";

/** Memory is written in any case, with its own value if the comparison fails; a register then keeps its upper half too. */
export function cmpxchg<T, D>(b: Exec, op: Op): void {
  const at = b.open<T, D>(op);
  const x = b.fetch<T, D>(op, at);
  const a = b.gpr<T>(0);
  if (a == x) b.put<T, D>(op, at, b.register<T>(<usize>op.s));
  else {
    b.commit(at);
    b.setGpr<T>(0, x);
  }
  b.flagsSub<T>(a, b.sub<T>(a, x));
}

export function xadd<T, D>(b: Exec, op: Op): void {
  const at = b.open<T, D>(op);
  const x = b.fetch<T, D>(op, at);
  const y = b.register<T>(<usize>op.s);
  const r = b.add<T>(x, y);
  b.setRegister<T>(<usize>op.s, x);
  b.put<T, D>(op, at, r);
  b.flagsAdd<T>(x, r);
}

export function cmpxchg8b(b: Exec, op: Op): void {
  const at = b.writableAt(op, b.address(op), 8);
  const x = load<u64>(at);
  const equal = x == ((b.rdx << 32) | (b.rax & 0xffffffff));
  if (equal) store<u64>(at, (b.rcx << 32) | (b.rbx & 0xffffffff));
  else {
    b.rax = x & 0xffffffff;
    b.rdx = x >> 32;
  }
  b.commit(at);
  zeroFlag(b, equal);
}

export function cmpxchg16b(b: Exec, op: Op): void {
  const va = b.address(op);
  if ((va & 15) != 0) raiseGp(b, op);
  const at = b.writableAt(op, va, 16);
  const low = load<u64>(at);
  const high = load<u64>(at, 8);
  const equal = low == b.rax && high == b.rdx;
  if (equal) {
    store<u64>(at, b.rbx);
    store<u64>(at, b.rcx, 8);
  } else {
    b.rax = low;
    b.rdx = high;
  }
  b.commit(at);
  zeroFlag(b, equal);
}

function zeroFlag(b: Exec, equal: bool): void {
  b.flagsAll(<u64>((status(b) & ~RFLAGS_ZF) | (equal ? RFLAGS_ZF : 0)));
}
