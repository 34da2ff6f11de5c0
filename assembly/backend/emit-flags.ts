/**
 * Flags for the back end that writes WebAssembly. They are lazy as in the interpreter (assembly/flags.ts), in three locals; while their kind is
 * known, a condition is a comparison of what they were made from.
 */
import { FLAGS_ADD, FLAGS_ALL, FLAGS_LOGIC, FLAGS_PARTIAL, FLAGS_SUB } from "../flags";
import { State } from "../generated/state";
import { closeIf, cpu, FLAG_A, FLAG_KIND, FLAG_R, loadCell, openIf, storeCell } from "./emit-function";
import { EmitValues } from "./emit-values";
import {
  access,
  byte,
  CALL,
  get,
  I32_EQZ,
  I32_LOAD,
  I32_STORE,
  I64_EQ,
  I64_EQZ,
  I64_EXTEND8_S,
  I64_EXTEND16_S,
  I64_EXTEND32_S,
  I64_LE_S,
  I64_LE_U,
  I64_LT_S,
  I64_LT_U,
  I64_NE,
  I64_SUB,
  i32Const,
  i64Const,
  index,
  set,
} from "./wasm";

/** not known when the code is written: the flags are those of before the block, or of either side of a `when` */
const UNKNOWN: u32 = 0xffffffff;

let flagKind: u32 = UNKNOWN;

/** At the start of a function. */
export function loadFlagLocals(): void {
  flagKind = UNKNOWN;
  loadCell(<u32>(cpu + offsetof<State>("flagR")), FLAG_R);
  loadCell(<u32>(cpu + offsetof<State>("flagA")), FLAG_A);
  i32Const(0);
  access(I32_LOAD, <u32>(cpu + offsetof<State>("flagKind")));
  set(FLAG_KIND);
}

export function storeFlags(): void {
  storeCell(<u32>(cpu + offsetof<State>("flagR")), FLAG_R);
  storeCell(<u32>(cpu + offsetof<State>("flagA")), FLAG_A);
  i32Const(0);
  get(FLAG_KIND);
  access(I32_STORE, <u32>(cpu + offsetof<State>("flagKind")));
}

@unmanaged
export class EmitFlags extends EmitValues {
  when(c: u32): bool {
    get(c);
    i64Const(0);
    byte(I64_NE);
    openIf();
    return true;
  }

  end(): void {
    closeIf();
    flagKind = UNKNOWN;
  }

  setFlags(r: u32, a: u32, kind: u32): void {
    get(r);
    set(FLAG_R);
    get(a);
    set(FLAG_A);
    this.setFlagKind(kind);
  }

  setFlagKind(kind: u32): void {
    i32Const(<i32>kind);
    set(FLAG_KIND);
    flagKind = kind;
  }

  flagsAdd<T>(a: u32, r: u32): void {
    this.setFlags(this.sext<T>(r), this.sext<T>(a), FLAGS_ADD | (64 - sizeof<T>() * 8));
  }

  flagsSub<T>(a: u32, r: u32): void {
    this.setFlags(this.sext<T>(r), this.sext<T>(a), FLAGS_SUB | (64 - sizeof<T>() * 8));
  }

  flagsLogic<T>(r: u32): void {
    const v = this.sext<T>(r);
    get(v);
    set(FLAG_R);
    this.setFlagKind(FLAGS_LOGIC);
  }

  flagsPartial<T>(r: u32, bits: u32): void {
    this.setFlags(this.sext<T>(r), bits, FLAGS_PARTIAL);
  }

  flagsAll(bits: u32): void {
    get(bits);
    set(FLAG_A);
    this.setFlagKind(FLAGS_ALL);
  }

  /** 1 if the condition holds: straight from the operands when the flags' kind is known, else by the core's own function */
  condition(cc: u32): u32 {
    const kind = flagKind == UNKNOWN ? UNKNOWN : flagKind & ~63;
    const pair = cc >> 1;
    if (kind == FLAGS_SUB && pair != 0 && pair != 5) this.compared(pair);
    else if (kind != UNKNOWN && kind != FLAGS_ALL && (pair == 2 || pair == 4)) {
      get(FLAG_R);
      if (pair == 2) byte(I64_EQZ);
      else {
        i64Const(0);
        byte(I64_LT_S);
      }
    } else {
      storeFlags();
      i32Const(<i32>cpu);
      i32Const(<i32>(cc & 14));
      byte(CALL);
      index(0);
    }
    if ((cc & 1) != 0) byte(I32_EQZ);
    return this.truth();
  }

  /** pushes the condition after a subtraction: a comparison of its operands */
  compared(pair: u32): void {
    if (pair == 4) {
      get(FLAG_R);
      i64Const(0);
      byte(I64_LT_S);
      return;
    }
    get(FLAG_A);
    const width = flagKind & 63;
    get(FLAG_A);
    get(FLAG_R);
    byte(I64_SUB);
    if (width != 0) byte(width == 32 ? I64_EXTEND32_S : width == 48 ? I64_EXTEND16_S : I64_EXTEND8_S);
    byte(pair == 1 ? I64_LT_U : pair == 2 ? I64_EQ : pair == 3 ? I64_LE_U : pair == 6 ? I64_LT_S : I64_LE_S);
  }
}
