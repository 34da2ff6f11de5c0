/**
 * The decoded record: one instruction, or one step of it, as the interpreter and the compiler see it.
 *
 *      0        2        4     5     6     7       8     10    12     14      16            24
 *     ┌────────┬────────┬─────┬─────┬─────┬───────┬─────┬─────┬──────┬───────┬─────────────┬──────────┐
 *     │ kind   │ off    │ len │left │form │ scale │ d   │ s   │ base │ index │ disp        │ imm      │
 *     └────────┴────────┴─────┴─────┴─────┴───────┴─────┴─────┴──────┴───────┴─────────────┴──────────┘
 *
 *     kind   what to execute               off    bytes from the start of the block     len   length of the instruction
 *     left   instructions from here to the end of the block, this one included
 *     form   0-1 destination: R M · 2-3 source: R M I · 4-5 REP: 0 none 1 F3 2 F2 · 6-7 operand size: 0 16 1 32 2 64
 *     scale  0-1 log2 of the scale · 2-4 segment register · 5-6 address size: 0 16 1 32 2 64 · 7 operand must be aligned
 *     d s base index   addresses of registers in the vCPU's State
 *
 * A jump keeps its displacement in `imm` and in place of `disp` the two links: the block behind it when not taken, and when taken.
 */
export const OP_SIZE: usize = 32;

export const REG: u32 = 0;
export const MEM: u32 = 1;
export const IMM: u32 = 2;

@unmanaged
@final
export class Op {
  kind: u16;
  off: u16;
  len: u8;
  left: u8;
  form: u8;
  scale: u8;
  d: u16;
  s: u16;
  base: u16;
  index: u16;
  disp: i64;
  imm: i64;

  /** destination class */
  @inline get dk(): u32 {
    return this.form & 3;
  }
  /** source class */
  @inline get sk(): u32 {
    return (this.form >> 2) & 3;
  }
  /** repeat prefix: 0 none, 1 F3 (REP, REPE), 2 F2 (REPNE) */
  @inline get rep(): u32 {
    return (this.form >> 4) & 3;
  }
  /** operand size: 0 16-bit, 1 32-bit, 2 64-bit */
  @inline get operandSize(): u32 {
    return <u32>this.form >> 6;
  }
  /** segment register of the memory operand, default or overridden: ES CS SS DS FS GS */
  @inline get segment(): u32 {
    return (this.scale >> 2) & 7;
  }
  /** a 16-byte memory operand must be aligned */
  @inline get aligned(): bool {
    return (this.scale & 128) != 0;
  }
  /** address size: 0 16-bit, 1 32-bit, 2 64-bit */
  @inline get addressSize(): u32 {
    return (this.scale >> 5) & 3;
  }
}

/** Operand classes as type arguments; told apart by size, which is a compile-time constant. */
@unmanaged
export class R {
  _: u8;
}
@unmanaged
export class M {
  _: u16;
}
@unmanaged
export class I {
  _: u32;
}
/** decided by the record at run time */
@unmanaged
export class E {
  _: u64;
}
