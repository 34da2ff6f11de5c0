/** A case while the generator works on it: the row, the choices made so far, and which registers are spoken for. */
import type { Row } from "../../src/spec/isa/row.ts";
import { Draft } from "./batch.ts";
import { CODE, DATA, LDT_DS16 } from "./layout.ts";
import type { Pool } from "./pool.ts";
import type { Random } from "./random.ts";

export type Size = 16 | 32 | 64;
export type SegmentName = "es" | "cs" | "ss" | "ds" | "fs" | "gs";

/** A linear address or offset in two halves. */
export interface Wide {
  readonly low: number;
  readonly high: number;
}

export class Making {
  readonly random: Random;
  readonly pool: Pool;
  readonly draft = new Draft();
  row!: Row;
  mode: Size = 64;
  operandSize: Size = 32;
  addressSize: Size = 64;
  /** registers whose value is decided */
  readonly fixed = new Uint8Array(16);
  /** legacy prefixes; the encoder adds those that operand and address size need */
  readonly prefixes: number[] = [];
  segment: SegmentName | undefined;
  lock = false;
  rep = 0;
  rexW = 0;
  /** REX.R, REX.X, REX.B as bits 2-0; `rex` asks for a REX byte even if none of them is set */
  rexBits = 0;
  rex = false;
  /** the fields of ModRM and what follows it */
  mod = 3;
  reg = 0;
  rm = 0;
  sib = -1;
  displacement = 0;
  displacementBytes = 0;
  /** the displacement is relative to the next instruction, and this is the target */
  ripRelative = false;
  vvvv = 0;
  /** low bits of the opcode that are an operand */
  opcodeLow = 0;
  readonly immediates: number[] = [];
  /** where a near branch goes, if its operand is a displacement */
  branchBytes = 0;
  branchTarget = 0;

  constructor(random: Random, pool: Pool) {
    this.random = random;
    this.pool = pool;
  }

  start(row: Row): void {
    this.row = row;
    this.draft.reset();
    this.fixed.fill(0);
    this.prefixes.length = 0;
    this.segment = undefined;
    this.lock = false;
    this.rep = 0;
    this.rexW = 0;
    this.rexBits = 0;
    this.rex = false;
    this.mod = 3;
    this.reg = 0;
    this.rm = 0;
    this.sib = -1;
    this.displacementBytes = 0;
    this.displacement = 0;
    this.ripRelative = false;
    this.vvvv = 0;
    this.opcodeLow = 0;
    this.immediates.length = 0;
    this.branchBytes = 0;
  }

  get registers(): 8 | 16 {
    return this.mode === 64 ? 16 : 8;
  }

  /** Decides a register's value, unless it is decided already. */
  set(register: number, low: number, high = 0): boolean {
    if (this.fixed[register] !== 0) return false;
    this.fixed[register] = 1;
    this.draft.set(register, low, high);
    return true;
  }

  /** A register that nothing depends on yet; -1 when there is none left. */
  free(except = -1): number {
    for (let tries = 0; tries < 40; tries++) {
      const r = this.random.below(this.registers);
      if (this.fixed[r] === 0 && r !== except) return r;
    }
    return -1;
  }

  /** The base of a segment as the case has it now. */
  base(segment: SegmentName): Wide {
    const d = this.draft;
    if (segment === "fs") return { low: d.fsBase[0], high: this.mode === 64 ? d.fsBase[1] : 0 };
    if (segment === "gs") return { low: d.gsBase[0], high: this.mode === 64 ? d.gsBase[1] : 0 };
    if (this.mode === 64) return { low: 0, high: 0 };
    if (segment === "cs") return { low: this.mode === 16 ? CODE : 0, high: 0 };
    const selector = segment === "ss" ? d.ss : d.segments[segment === "ds" ? 0 : 1];
    return { low: selector === LDT_DS16 ? DATA : 0, high: 0 };
  }
}

export function subtract(a: Wide, b: Wide): Wide {
  const low = (a.low - b.low) | 0;
  const borrow = a.low >>> 0 < b.low >>> 0 ? 1 : 0;
  return { low, high: (a.high - b.high - borrow) | 0 };
}

export function shiftLeft(a: Wide, n: number): Wide {
  return n === 0 ? a : { low: a.low << n, high: (a.high << n) | (a.low >>> (32 - n)) };
}

/** A 32-bit number, sign-extended. */
export const wide = (n: number): Wide => ({ low: n | 0, high: n >> 31 });
