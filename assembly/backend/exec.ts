/**
 * The back end that does it now. An Exec *is* the vCPU's state; values are u64, zero-extended from the operand's width. Registers are
 * memory cells too, so a register and a memory operand differ only in how their address is found and in how 32 bits are written.
 */

import { endSlice } from "../clock";
import { linear, READ, SS, WRITE } from "../cpu/segments";
import { E, I, IMM, M, MEM, Op, R, REG } from "../decode/op";
import { condition, FLAGS_ADD, FLAGS_ALL, FLAGS_LOGIC, FLAGS_PARTIAL, FLAGS_SUB } from "../flags";
import { BOUNCE_END, PAGE_MASK, TLB_ENTRIES } from "../memory-map";
import { checkRead, checkWrite, commit, readable, readableStack, updatable, writable, writableStack } from "../mmu/access";
import { raiseGp } from "../raise";
import { Floats } from "./floats";
import { softPacked, softScalar } from "./soft-float";
import { beginMmx, enterMmx, mmxSource, setMmx, setMmxOperand, setXmmOperand, xmmSource } from "./vector-operand";

@unmanaged
@final
export class Exec extends Floats {
  // ---- operands

  /** linear address of the memory operand */
  @inline address(op: Op): u64 {
    return load<u64>(<usize>op.base) + (load<u64>(<usize>op.index) << (op.scale & 3)) + <u64>op.disp;
  }

  @inline read<T>(op: Op, va: u64): u64 {
    const e = <usize>this.tlb + ((<usize>(va >> 12) & (TLB_ENTRIES - 1)) << 5);
    if (((va + (sizeof<T>() - 1)) & PAGE_MASK) == load<u64>(e)) return <u64>load<T>(<usize>va + load<u32>(e, 24));
    return <u64>load<T>(readable(this, op, va, sizeof<T>()));
  }

  @inline write<T>(op: Op, va: u64, v: u64): void {
    const e = <usize>this.tlb + ((<usize>(va >> 12) & (TLB_ENTRIES - 1)) << 5);
    if (((va + (sizeof<T>() - 1)) & PAGE_MASK) == load<u64>(e, 8)) store<T>(<usize>va + load<u32>(e, 24), <T>v);
    else {
      const at = writable(this, op, va, sizeof<T>());
      store<T>(at, <T>v);
      commit(this, at);
    }
  }

  /** Where `size` bytes at `va` can be read; valid until the next access. */
  @inline readableAt(op: Op, va: u64, size: u32): usize {
    const e = <usize>this.tlb + ((<usize>(va >> 12) & (TLB_ENTRIES - 1)) << 5);
    if (((va + (size - 1)) & PAGE_MASK) == load<u64>(e)) return <usize>va + load<u32>(e, 24);
    return readable(this, op, va, size);
  }

  /** Where `size` bytes at `va` can be read and written; `commit` it after the last store. */
  @inline writableAt(op: Op, va: u64, size: u32): usize {
    const e = <usize>this.tlb + ((<usize>(va >> 12) & (TLB_ENTRIES - 1)) << 5);
    if (((va + (size - 1)) & PAGE_MASK) == load<u64>(e, 8)) return <usize>va + load<u32>(e, 24);
    return updatable(this, op, va, size);
  }

  /** Where at most 16 bytes at `va` can be stored, all of them, to be committed; they must not be read. */
  @inline storableAt(op: Op, va: u64, size: u32): usize {
    const e = <usize>this.tlb + ((<usize>(va >> 12) & (TLB_ENTRIES - 1)) << 5);
    if (((va + (size - 1)) & PAGE_MASK) == load<u64>(e, 8)) return <usize>va + load<u32>(e, 24);
    return writable(this, op, va, size);
  }

  /** Faults as a read would, without one. Where the bytes stand if that is in one piece of RAM, else 0. */
  @inline checkRead(op: Op, va: u64, size: u32): usize {
    const e = <usize>this.tlb + ((<usize>(va >> 12) & (TLB_ENTRIES - 1)) << 5);
    if (((va + (size - 1)) & PAGE_MASK) == load<u64>(e)) return <usize>va + load<u32>(e, 24);
    return checkRead(this, op, va, size);
  }

  @inline checkWrite(op: Op, va: u64, size: u32): usize {
    const e = <usize>this.tlb + ((<usize>(va >> 12) & (TLB_ENTRIES - 1)) << 5);
    if (((va + (size - 1)) & PAGE_MASK) == load<u64>(e, 8)) return <usize>va + load<u32>(e, 24);
    return checkWrite(this, op, va, size);
  }

  @inline commit(at: usize): void {
    if (at < BOUNCE_END) commit(this, at);
  }

  /** value of the source operand */
  @inline src<T, S>(op: Op): u64 {
    if (offsetof<S>() == offsetof<R>()) return <u64>load<T>(<usize>op.s);
    if (offsetof<S>() == offsetof<M>()) return this.read<T>(op, this.address(op));
    if (offsetof<S>() == offsetof<I>()) return <u64>(<T>op.imm);
    const k = op.sk;
    if (k == REG) return <u64>load<T>(<usize>op.s);
    if (k == IMM) return <u64>(<T>op.imm);
    return this.read<T>(op, this.address(op));
  }

  /** value of the destination operand of an instruction that does not write it */
  @inline dst<T, D>(op: Op): u64 {
    if (offsetof<D>() == offsetof<R>()) return <u64>load<T>(<usize>op.d);
    if (offsetof<D>() == offsetof<M>()) return this.read<T>(op, this.address(op));
    if (op.dk == REG) return <u64>load<T>(<usize>op.d);
    return this.read<T>(op, this.address(op));
  }

  /** opens the destination for reading and writing */
  @inline open<T, D>(op: Op): usize {
    if (offsetof<D>() == offsetof<R>()) return <usize>op.d;
    if (offsetof<D>() == offsetof<E>() && op.dk == REG) return <usize>op.d;
    return this.writableAt(op, this.address(op), sizeof<T>());
  }

  @inline fetch<T, D>(op: Op, at: usize): u64 {
    return <u64>load<T>(at);
  }

  @inline put<T, D>(op: Op, at: usize, v: u64): void {
    if (offsetof<D>() == offsetof<R>()) this.setRegister<T>(at, v);
    else if (offsetof<D>() == offsetof<E>() && op.dk == REG) this.setRegister<T>(at, v);
    else {
      store<T>(at, <T>v);
      if (at < BOUNCE_END) commit(this, at);
    }
  }

  /** writes the destination without reading it */
  @inline set<T, D>(op: Op, v: u64): void {
    if (offsetof<D>() == offsetof<R>()) this.setRegister<T>(<usize>op.d, v);
    else if (offsetof<D>() == offsetof<M>()) this.write<T>(op, this.address(op), v);
    else if (op.dk == REG) this.setRegister<T>(<usize>op.d, v);
    else this.write<T>(op, this.address(op), v);
  }

  /** value of a register by its address */
  @inline register<T>(at: usize): u64 {
    return <u64>load<T>(at);
  }

  /** a register by its address; 32-bit writes clear the upper half */
  @inline setRegister<T>(at: usize, v: u64): void {
    if (sizeof<T>() == 4) store<u64>(at, <u64>(<u32>v));
    else store<T>(at, <T>v);
  }

  /** general-purpose register by number */
  @inline gpr<T>(n: u32): u64 {
    return <u64>load<T>(changetype<usize>(this) + ((<usize>n) << 3));
  }

  @inline setGpr<T>(n: u32, v: u64): void {
    this.setRegister<T>(changetype<usize>(this) + ((<usize>n) << 3), v);
  }

  // ---- vector operands: XMM registers and 128 bits of memory (V = v128), MMX registers and 64 (V = u64)

  /** where the source in memory can be read, or #GP if it must be aligned and is not */
  @inline vectorAt(op: Op): usize {
    const va = this.address(op);
    if (op.aligned && (va & 15) != 0) raiseGp(this, op);
    return this.readableAt(op, va, 16);
  }

  /** Before the first access of an instruction with MMX operands. srcX does it too. */
  @inline beginX<V>(op: Op): void {
    if (sizeof<V>() < 16) beginMmx(this, op);
  }

  /** After the last access of one that writes no MMX register. putX and setX do it too. */
  @inline endX<V>(): void {
    if (sizeof<V>() < 16) enterMmx(this);
  }

  /** value of the source; V = u32 is the low half of an MMX register or 32 bits of memory */
  @inline srcX<V, S>(op: Op): v128 {
    if (sizeof<V>() < 16) return mmxSource<V>(this, op);
    if (offsetof<S>() == offsetof<R>()) return v128.load(<usize>op.s);
    if (offsetof<S>() == offsetof<M>()) return v128.load(this.vectorAt(op));
    return xmmSource(this, op);
  }

  /** value of a vector register by its address */
  @inline getX<V>(at: usize): v128 {
    return sizeof<V>() < 16 ? v128.load64_zero(at) : v128.load(at);
  }

  @inline setX<V>(at: usize, v: v128): void {
    if (sizeof<V>() < 16) setMmx(this, at, v);
    else v128.store(at, v);
  }

  /** writes the destination, a register or memory, without reading it */
  @inline putX<V, D>(op: Op, v: v128): void {
    if (sizeof<V>() < 16) setMmxOperand(this, op, v);
    else if (offsetof<D>() == offsetof<R>()) v128.store(<usize>op.d, v);
    else if (offsetof<D>() == offsetof<M>()) this.storeX(op, v);
    else setXmmOperand(this, op, v);
  }

  @inline xmm0X(): v128 {
    return v128.load(changetype<usize>(this) + offsetof<Exec>("xmm0"));
  }

  /** bits of a scalar float: the lowest lane of the source */
  @inline srcF<U, S>(op: Op): u64 {
    return sizeof<U>() == 4 ? this.src<u32, S>(op) : this.src<u64, S>(op);
  }

  @inline getF<U>(at: usize): u64 {
    return sizeof<U>() == 4 ? <u64>load<u32>(at) : load<u64>(at);
  }

  @inline setF<U>(at: usize, v: u64): void {
    if (sizeof<U>() == 4) store<u32>(at, <u32>v);
    else store<u64>(at, v);
  }

  /** writes the lowest lane of a register, and nothing else */
  @inline setLane<U>(at: usize, v: u64): void {
    store<U>(at, <U>v);
  }

  @inline storeX(op: Op, v: v128): void {
    const va = this.address(op);
    if (op.aligned && (va & 15) != 0) raiseGp(this, op);
    const at = this.storableAt(op, va, 16);
    v128.store(at, v);
    this.commit(at);
  }

  // ---- values

  @inline const(v: u64): u64 {
    return v;
  }
  @inline add<T>(a: u64, b: u64): u64 {
    return <u64>(<T>(a + b));
  }
  @inline sub<T>(a: u64, b: u64): u64 {
    return <u64>(<T>(a - b));
  }
  @inline mul<T>(a: u64, b: u64): u64 {
    return <u64>(<T>(a * b));
  }
  @inline and(a: u64, b: u64): u64 {
    return a & b;
  }
  @inline or(a: u64, b: u64): u64 {
    return a | b;
  }
  @inline xor(a: u64, b: u64): u64 {
    return a ^ b;
  }
  @inline not<T>(a: u64): u64 {
    return <u64>(<T>~a);
  }
  /** n is below 64 */
  @inline shl<T>(a: u64, n: u64): u64 {
    return <u64>(<T>(a << n));
  }
  @inline shr(a: u64, n: u64): u64 {
    return a >> n;
  }
  /** arithmetic, of a value at full 64 bits */
  @inline sar(a: u64, n: u64): u64 {
    return <u64>(<i64>a >> <i64>n);
  }
  /** sign-extends from T to 64 bits */
  @inline sext<T>(v: u64): u64 {
    if (sizeof<T>() == 1) return <u64>(<i64>(<i8>v));
    if (sizeof<T>() == 2) return <u64>(<i64>(<i16>v));
    if (sizeof<T>() == 4) return <u64>(<i64>(<i32>v));
    return v;
  }
  /** truncates to T */
  @inline trunc<T>(v: u64): u64 {
    return <u64>(<T>v);
  }
  @inline eq(a: u64, b: u64): u64 {
    return <u64>(a == b);
  }
  @inline ne(a: u64, b: u64): u64 {
    return <u64>(a != b);
  }
  @inline below(a: u64, b: u64): u64 {
    return <u64>(a < b);
  }
  @inline select(c: u64, a: u64, b: u64): u64 {
    return c != 0 ? a : b;
  }
  /** opens a part that runs only when `c` is not zero; `end()` closes it */
  @inline when(c: u64): bool {
    return c != 0;
  }
  @inline end(): void {}

  // ---- floats that wasm's arithmetic may not answer

  /** True if the long way must be taken. */
  @inline rarely(c: u64): bool {
    return c != 0;
  }

  @inline soft<U>(op: Op, operation: u32, x: u64, y: u64): u64 {
    return softScalar<U>(this, op, operation, x, y);
  }

  @inline softX<U>(op: Op, operation: u32, x: v128, y: v128): v128 {
    return softPacked<U>(this, op, operation, x, y);
  }

  // ---- flags

  @inline flagsAdd<T>(a: u64, r: u64): void {
    this.flagR = <i64>this.sext<T>(r);
    this.flagA = <i64>this.sext<T>(a);
    this.flagKind = FLAGS_ADD | (64 - sizeof<T>() * 8);
  }
  @inline flagsSub<T>(a: u64, r: u64): void {
    this.flagR = <i64>this.sext<T>(r);
    this.flagA = <i64>this.sext<T>(a);
    this.flagKind = FLAGS_SUB | (64 - sizeof<T>() * 8);
  }
  @inline flagsLogic<T>(r: u64): void {
    this.flagR = <i64>this.sext<T>(r);
    this.flagKind = FLAGS_LOGIC;
  }
  /** ZF SF PF by the result; `bits` has CF AF OF at their places in RFLAGS */
  @inline flagsPartial<T>(r: u64, bits: u64): void {
    this.flagR = <i64>this.sext<T>(r);
    this.flagA = <i64>bits;
    this.flagKind = FLAGS_PARTIAL;
  }
  @inline flagsAll(bits: u64): void {
    this.flagA = <i64>bits;
    this.flagKind = FLAGS_ALL;
  }
  /** 1 if the condition by its opcode bits holds */
  @inline condition(cc: u32): u64 {
    return <u64>condition(this, cc);
  }

  // ---- control flow

  /** RIP of the next instruction */
  @inline nextRip(op: Op): u64 {
    return this.blockRip + <u64>op.off + <u64>op.len;
  }

  /** A direct jump, taken if `taken` is not zero; the record caches the block behind it. */
  @inline branch(op: Op, taken: u64): void {
    const next = this.nextRip(op);
    const target = taken != 0 ? next + <u64>op.imm : next;
    this.rip = this.mode == 2 || taken == 0 ? target : this.near(op, target);
    this.link = <u32>changetype<usize>(op) + 16 + ((<u32>(taken != 0)) << 2);
  }

  /** The target of a direct jump in 16- and 32-bit code: cut to the operand size, within the code segment. */
  near(op: Op, target: u64): u64 {
    const to = op.operandSize == 0 ? target & 0xffff : target & 0xffffffff;
    if (to > <u64>this.csLimit) raiseGp(this, op);
    return to;
  }

  /** An indirect jump to a target already truncated to the operand size. */
  @inline jump(target: u64): void {
    this.rip = target;
    this.link = <u32>(changetype<usize>(this) + offsetof<Exec>("zero"));
  }

  /** On behind the instruction; the record caches the block there in place of `disp`, so it has no memory operand. */
  @inline goOn(op: Op): void {
    this.rip = this.nextRip(op);
    this.link = <u32>changetype<usize>(op) + 16;
  }

  /** The same instruction once more, from its first byte; caches as `goOn` does. */
  @inline restart(op: Op): void {
    this.rip = this.blockRip + <u64>op.off;
    this.link = <u32>changetype<usize>(op) + 20;
  }

  /** The slice ends behind this block; what is left of the budget stays. */
  @inline endSlice(): void {
    endSlice(this);
  }

  // ---- stack

  @inline push<T>(op: Op, v: u64): void {
    this.writeStack<T>(op, this.rsp - sizeof<T>(), v);
    this.setStackPointer(this.rsp - sizeof<T>());
  }

  /** reads the top of the stack; `drop` takes it off once nothing can fault any more */
  @inline top<T>(op: Op): u64 {
    return this.readStack<T>(op, this.rsp);
  }

  @inline drop(bytes: u64): void {
    this.setStackPointer(this.rsp + bytes);
  }

  /** reads at a stack pointer, which is cut to the stack's width */
  @inline readStack<T>(op: Op, sp: u64): u64 {
    const va = this.mode == 2 ? sp : linear(this, op, SS, sp & this.stackMask, sizeof<T>(), READ);
    const e = <usize>this.tlb + ((<usize>(va >> 12) & (TLB_ENTRIES - 1)) << 5);
    if (((va + (sizeof<T>() - 1)) & PAGE_MASK) == load<u64>(e)) return <u64>load<T>(<usize>va + load<u32>(e, 24));
    return <u64>load<T>(readableStack(this, op, va, sizeof<T>()));
  }

  @inline writeStack<T>(op: Op, sp: u64, v: u64): void {
    const va = this.mode == 2 ? sp : linear(this, op, SS, sp & this.stackMask, sizeof<T>(), WRITE);
    const e = <usize>this.tlb + ((<usize>(va >> 12) & (TLB_ENTRIES - 1)) << 5);
    if (((va + (sizeof<T>() - 1)) & PAGE_MASK) == load<u64>(e, 8)) store<T>(<usize>va + load<u32>(e, 24), <T>v);
    else {
      const at = writableStack(this, op, va, sizeof<T>());
      store<T>(at, <T>v);
      commit(this, at);
    }
  }

  /** faults as a write would */
  @inline checkStack<T>(op: Op, sp: u64): void {
    writableStack(this, op, this.mode == 2 ? sp : linear(this, op, SS, sp & this.stackMask, sizeof<T>(), WRITE), sizeof<T>());
  }

  @inline setStackPointer(sp: u64): void {
    if (this.mode == 2) this.rsp = sp;
    else this.rsp = (this.rsp & ~this.stackMask) | (sp & this.stackMask);
  }
}
