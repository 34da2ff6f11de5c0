/** Values for the back end that writes WebAssembly: integers of up to 64 bits, zero-extended, each in a local of its own. */

import { EmitFloats } from "./emit-floats";
import { binary, keep } from "./emit-function";
import {
  byte,
  get,
  I64_ADD,
  I64_AND,
  I64_EQ,
  I64_EXTEND_I32_U,
  I64_EXTEND8_S,
  I64_EXTEND16_S,
  I64_EXTEND32_S,
  I64_LT_U,
  I64_MUL,
  I64_NE,
  I64_OR,
  I64_SHL,
  I64_SHR_S,
  I64_SHR_U,
  I64_SUB,
  I64_XOR,
  i64Const,
  SELECT,
} from "./wasm";

@unmanaged
export class EmitValues extends EmitFloats {
  /** cuts the value on the stack to T */
  mask<T>(): void {
    if (sizeof<T>() == 8) return;
    i64Const(sizeof<T>() == 4 ? 0xffffffff : sizeof<T>() == 2 ? 0xffff : 0xff);
    byte(I64_AND);
  }

  const(v: u64): u32 {
    i64Const(<i64>v);
    return keep();
  }

  add<T>(a: u32, b: u32): u32 {
    binary(I64_ADD, a, b);
    this.mask<T>();
    return keep();
  }

  sub<T>(a: u32, b: u32): u32 {
    binary(I64_SUB, a, b);
    this.mask<T>();
    return keep();
  }

  mul<T>(a: u32, b: u32): u32 {
    binary(I64_MUL, a, b);
    this.mask<T>();
    return keep();
  }

  and(a: u32, b: u32): u32 {
    binary(I64_AND, a, b);
    return keep();
  }

  or(a: u32, b: u32): u32 {
    binary(I64_OR, a, b);
    return keep();
  }

  xor(a: u32, b: u32): u32 {
    binary(I64_XOR, a, b);
    return keep();
  }

  not<T>(a: u32): u32 {
    get(a);
    i64Const(-1);
    byte(I64_XOR);
    this.mask<T>();
    return keep();
  }

  shl<T>(a: u32, n: u32): u32 {
    binary(I64_SHL, a, n);
    this.mask<T>();
    return keep();
  }

  shr(a: u32, n: u32): u32 {
    binary(I64_SHR_U, a, n);
    return keep();
  }

  sar(a: u32, n: u32): u32 {
    binary(I64_SHR_S, a, n);
    return keep();
  }

  sext<T>(v: u32): u32 {
    if (sizeof<T>() == 8) return v;
    get(v);
    byte(sizeof<T>() == 4 ? I64_EXTEND32_S : sizeof<T>() == 2 ? I64_EXTEND16_S : I64_EXTEND8_S);
    return keep();
  }

  trunc<T>(v: u32): u32 {
    if (sizeof<T>() == 8) return v;
    get(v);
    this.mask<T>();
    return keep();
  }

  /** the comparison on the stack, an i32, as a value */
  truth(): u32 {
    byte(I64_EXTEND_I32_U);
    return keep();
  }

  eq(a: u32, b: u32): u32 {
    binary(I64_EQ, a, b);
    return this.truth();
  }

  ne(a: u32, b: u32): u32 {
    binary(I64_NE, a, b);
    return this.truth();
  }

  below(a: u32, b: u32): u32 {
    binary(I64_LT_U, a, b);
    return this.truth();
  }

  select(c: u32, a: u32, b: u32): u32 {
    get(a);
    get(b);
    get(c);
    i64Const(0);
    byte(I64_NE);
    byte(SELECT);
    return keep();
  }
}
