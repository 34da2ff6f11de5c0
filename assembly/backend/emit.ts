/**
 * The back end that writes WebAssembly: the same semantics as Exec, but each call appends the instructions that do it. Values are numbers of
 * locals. General registers and the lazy flags live in locals for the length of the function; vector registers stay in the state.
 *
 * What the function cannot do (a TLB miss, a record without an emitted form) ends it at that instruction's boundary: everything is
 * written back and the number of the record is returned, so that the interpreter goes on from exactly there and raises whatever there is
 * to raise. Nothing of an instruction may therefore be changed before its last memory access.
 */

import { IMM, MEM, Op, REG } from "../decode/op";
import { State } from "../generated/state";
import { PAGE_MASK, TLB_ENTRIES } from "../memory-map";
import { EmitFlags, loadFlagLocals, storeFlags } from "./emit-flags";
import {
  cpu,
  EXIT,
  keep,
  keepAddress,
  keepVector,
  leaveIf,
  loadCell,
  openFunction,
  REGISTER,
  RIP,
  storeCell,
  TLB_AT,
} from "./emit-function";
import {
  access,
  access128,
  BLOCK,
  byte,
  END,
  get,
  I32_ADD,
  I32_LOAD,
  I32_WRAP,
  I64_ADD,
  I64_AND,
  I64_LOAD,
  I64_LOAD8_U,
  I64_LOAD16_U,
  I64_LOAD32_U,
  I64_LT_U,
  I64_NE,
  I64_OR,
  I64_SHL,
  I64_SHR_U,
  I64_STORE,
  I64_STORE8,
  I64_STORE16,
  I64_STORE32,
  i32Const,
  i64Const,
  index,
  LOCAL_TEE,
  SELECT,
  set,
  TYPE_EMPTY,
  V128_LOAD,
  V128_STORE,
} from "./wasm";

/** code size of the vCPU the code is for */
let mode: u32 = 0;

/** Starts a function: loads what lives in locals and opens the block that exits leave through. */
export function prologue(vcpu: usize): void {
  openFunction(vcpu);
  mode = changetype<State>(vcpu).mode;
  for (let n: u32 = 0; n < 16; n++) loadCell(<u32>cpu + (n << 3), REGISTER + n);
  loadFlagLocals();
  byte(BLOCK);
  byte(TYPE_EMPTY);
}

/** Ends it: the way out with `records` when the whole block has run, then the write-back that every exit shares. */
export function epilogue(records: u32): void {
  i32Const(<i32>records);
  set(EXIT);
  byte(END);
  for (let n: u32 = 0; n < 16; n++) storeCell(<u32>cpu + (n << 3), REGISTER + n);
  storeCell(<u32>(cpu + offsetof<State>("rip")), RIP);
  storeFlags();
  get(EXIT);
  byte(END);
}

function loadOpcode<T>(): u32 {
  return sizeof<T>() == 8 ? I64_LOAD : sizeof<T>() == 4 ? I64_LOAD32_U : sizeof<T>() == 2 ? I64_LOAD16_U : I64_LOAD8_U;
}

function storeOpcode<T>(): u32 {
  return sizeof<T>() == 8 ? I64_STORE : sizeof<T>() == 4 ? I64_STORE32 : sizeof<T>() == 2 ? I64_STORE16 : I64_STORE8;
}

@unmanaged
@final
export class Emit extends EmitFlags {
  // ---- operands

  address(op: Op): u32 {
    this.cell(op.base);
    if (<usize>op.index != cpu + offsetof<State>("zero")) {
      this.cell(op.index);
      if ((op.scale & 3) != 0) {
        i64Const(<i64>(op.scale & 3));
        byte(I64_SHL);
      }
      byte(I64_ADD);
    }
    if (op.disp != 0) {
      i64Const(op.disp);
      byte(I64_ADD);
    }
    return keep();
  }

  /** pushes the 64-bit cell a base or index names */
  cell(at: u32): void {
    const n = at - <u32>cpu;
    if (n < 128) get(REGISTER + (n >> 3));
    else if (n == offsetof<State>("zero")) i64Const(0);
    else if (n == offsetof<State>("blockRip")) get(0);
    else {
      i32Const(0);
      access(I64_LOAD, at);
    }
  }

  /** Linear address of T at `va`, by the TLB's tag at `tag` bytes into its entry; a miss leaves the function. */
  place<T>(va: u32, tag: u32): u32 {
    return this.placeBytes(va, tag, sizeof<T>());
  }

  placeBytes(va: u32, tag: u32, size: u32): u32 {
    i32Const(0);
    access(I32_LOAD, <u32>(cpu + offsetof<State>("tlb")));
    get(va);
    i64Const(7);
    byte(I64_SHR_U);
    i64Const(<i64>((TLB_ENTRIES - 1) << 5));
    byte(I64_AND);
    byte(I32_WRAP);
    byte(I32_ADD);
    byte(LOCAL_TEE);
    index(TLB_AT);
    access(I64_LOAD, tag);
    get(va);
    i64Const(<i64>(size - 1));
    byte(I64_ADD);
    i64Const(<i64>PAGE_MASK);
    byte(I64_AND);
    byte(I64_NE);
    leaveIf();
    get(va);
    byte(I32_WRAP);
    get(TLB_AT);
    access(I32_LOAD, 24);
    byte(I32_ADD);
    return keepAddress();
  }

  load<T>(at: u32): u32 {
    get(at);
    access(loadOpcode<T>(), 0);
    return keep();
  }

  store<T>(at: u32, v: u32): void {
    get(at);
    get(v);
    access(storeOpcode<T>(), 0);
  }

  read<T>(op: Op, va: u32): u32 {
    return this.load<T>(this.place<T>(va, 0));
  }

  write<T>(op: Op, va: u32, v: u32): void {
    this.store<T>(this.place<T>(va, 8), v);
  }

  src<T, S>(op: Op): u32 {
    const k = op.sk;
    if (k == REG) return this.register<T>(op.s);
    if (k == IMM) return this.const(<u64>(<T>op.imm));
    return this.read<T>(op, this.address(op));
  }

  dst<T, D>(op: Op): u32 {
    return op.dk == REG ? this.register<T>(op.d) : this.read<T>(op, this.address(op));
  }

  /** location of the destination: a linear address in a local; a register needs none */
  open<T, D>(op: Op): u32 {
    return op.dk == REG ? 0 : this.place<T>(this.address(op), 8);
  }

  fetch<T, D>(op: Op, at: u32): u32 {
    return op.dk == REG ? this.register<T>(op.d) : this.load<T>(at);
  }

  put<T, D>(op: Op, at: u32, v: u32): void {
    if (op.dk == REG) this.setRegister<T>(op.d, v);
    else this.store<T>(at, v);
  }

  set<T, D>(op: Op, v: u32): void {
    if (op.dk == REG) this.setRegister<T>(op.d, v);
    else this.write<T>(op, this.address(op), v);
  }

  register<T>(at: usize): u32 {
    const n = <u32>(at - cpu);
    if (n >= 128) {
      i32Const(0);
      access(loadOpcode<T>(), <u32>at);
      return keep();
    }
    get(REGISTER + (n >> 3));
    if ((n & 7) != 0) {
      i64Const((<i64>(n & 7)) << 3);
      byte(I64_SHR_U);
    }
    this.mask<T>();
    return keep();
  }

  setRegister<T>(at: usize, v: u32): void {
    const n = <u32>(at - cpu);
    const local = REGISTER + (n >> 3);
    if (sizeof<T>() >= 4) {
      get(v);
      this.mask<T>();
    } else {
      const shift = (<i64>(n & 7)) << 3;
      const field: i64 = (sizeof<T>() == 1 ? 0xff : 0xffff) << shift;
      get(local);
      i64Const(~field);
      byte(I64_AND);
      get(v);
      this.mask<T>();
      i64Const(shift);
      byte(I64_SHL);
      byte(I64_OR);
    }
    set(local);
  }

  // ---- vector operands: XMM registers stay in the state; MMX is left to the interpreter

  beginX<V>(op: Op): void {}

  endX<V>(): void {}

  srcX<V, S>(op: Op): u32 {
    if (op.sk == REG) return this.getX<V>(op.s);
    get(this.placeX(op, 0));
    access128(V128_LOAD, 0);
    return keepVector();
  }

  putX<V, D>(op: Op, v: u32): void {
    if (op.dk == REG) this.setX<V>(op.d, v);
    else {
      get(this.placeX(op, 8));
      get(v);
      access128(V128_STORE, 0);
    }
  }

  placeX(op: Op, tag: u32): u32 {
    const va = this.address(op);
    if (op.aligned) {
      get(va);
      i64Const(15);
      byte(I64_AND);
      i64Const(0);
      byte(I64_NE);
      leaveIf();
    }
    return this.placeBytes(va, tag, 16);
  }

  getX<V>(at: usize): u32 {
    i32Const(0);
    access128(V128_LOAD, <u32>at);
    return keepVector();
  }

  setX<V>(at: usize, v: u32): void {
    i32Const(0);
    get(v);
    access128(V128_STORE, <u32>at);
  }

  srcF<U, S>(op: Op): u32 {
    return sizeof<U>() == 4 ? this.src<u32, S>(op) : this.src<u64, S>(op);
  }

  getF<U>(at: usize): u32 {
    return sizeof<U>() == 4 ? this.register<u32>(at) : this.register<u64>(at);
  }

  setF<U>(at: usize, v: u32): void {
    if (sizeof<U>() == 4) this.setLane<u32>(at, v);
    else this.setLane<u64>(at, v);
  }

  /** The long way is the interpreter's: leaves the function. */
  rarely(c: u32): bool {
    get(c);
    i64Const(0);
    byte(I64_NE);
    leaveIf();
    return false;
  }

  soft<U>(op: Op, operation: u32, x: u32, y: u32): u32 {
    return 0;
  }

  softX<U>(op: Op, operation: u32, x: u32, y: u32): u32 {
    return 0;
  }

  xmm0X(): u32 {
    return this.getX<v128>(cpu + offsetof<State>("xmm0"));
  }

  setLane<U>(at: usize, v: u32): void {
    i32Const(0);
    get(v);
    access(storeOpcode<U>(), <u32>at);
  }

  // ---- control flow

  branch(op: Op, taken: u32): void {
    const next = <i64>op.off + <i64>op.len;
    get(0);
    i64Const(next + op.imm);
    byte(I64_ADD);
    if (mode != 2) {
      i64Const(op.operandSize == 0 ? 0xffff : 0xffffffff);
      byte(I64_AND);
    }
    get(0);
    i64Const(next);
    byte(I64_ADD);
    get(taken);
    i64Const(0);
    byte(I64_NE);
    byte(SELECT);
    set(RIP);
    if (mode != 2) this.leaveOutsideSegment();
  }

  /** A target outside the code segment is for the interpreter to refuse. */
  leaveOutsideSegment(): void {
    i32Const(0);
    access(I64_LOAD32_U, <u32>(cpu + offsetof<State>("csLimit")));
    get(RIP);
    byte(I64_LT_U);
    leaveIf();
  }

  /** RIP behind a block that ends without a jump */
  fall(op: Op): void {
    get(0);
    i64Const(<i64>op.off);
    byte(I64_ADD);
    set(RIP);
  }
}

export function emitFall(op: Op): void {
  changetype<Emit>(0).fall(op);
}
