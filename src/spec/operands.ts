/**
 * Operand codes of the instruction rows: an addressing method (one letter) and a type (the rest), or the name of a fixed operand.
 * SDM Vol. 2 "Codes for Addressing Method" and "Codes for Operand Type"; where the manual has several letters for one size in a
 * vector register (ps, pd, ss, sd, dq, pi) we say the size.
 */

/** The method says where the operand is. */
export const METHODS = {
  A: "far pointer in the instruction",
  B: "general register in VEX.vvvv",
  C: "control register in ModRM.reg",
  D: "debug register in ModRM.reg",
  E: "general register or memory in ModRM.rm",
  F: "the flags register",
  G: "general register in ModRM.reg",
  I: "immediate",
  J: "branch target relative to the next instruction",
  M: "memory in ModRM.rm",
  N: "MMX register in ModRM.rm",
  O: "memory at an address in the instruction, as wide as the address size",
  P: "MMX register in ModRM.reg",
  Q: "MMX register or memory in ModRM.rm",
  R: "general register in ModRM.rm, whatever mod says",
  S: "segment register in ModRM.reg",
  U: "XMM register in ModRM.rm",
  V: "XMM register in ModRM.reg",
  W: "XMM register or memory in ModRM.rm",
  X: "memory at DS:rSI; the segment may be overridden",
  Y: "memory at ES:rDI",
  Z: "general register in the low three bits of the opcode",
} as const;
export type Method = keyof typeof METHODS;

/** The type says how many bytes the operand has, by effective operand size (16, 32, 64) where they differ. */
export const TYPES: Readonly<Record<string, readonly [number, number, number]>> = {
  "": [0, 0, 0], // an address only, or an area whose size the semantics know
  b: [1, 1, 1],
  w: [2, 2, 2],
  d: [4, 4, 4],
  q: [8, 8, 8],
  x: [16, 16, 16], // vector
  dq: [16, 16, 16], // not a vector
  t: [10, 10, 10], // extended real or packed BCD
  v: [2, 4, 8],
  y: [4, 4, 8],
  z: [2, 4, 4],
  p: [4, 6, 10], // far pointer: offset, then selector
  s: [6, 6, 10], // pseudo-descriptor: limit, then base (six bytes with 32-bit operands)
  a: [4, 8, 8], // the two bounds of BOUND; behind G and R: as wide as the address size
};

/** Fixed operands: bytes by effective operand size. */
export const FIXED: Readonly<Record<string, readonly [number, number, number]>> = {
  AL: [1, 1, 1],
  CL: [1, 1, 1],
  AX: [2, 2, 2],
  DX: [2, 2, 2],
  eAX: [2, 4, 4],
  rAX: [2, 4, 8],
  ES: [2, 2, 2],
  CS: [2, 2, 2],
  SS: [2, 2, 2],
  DS: [2, 2, 2],
  FS: [2, 2, 2],
  GS: [2, 2, 2],
  BX: [1, 1, 1], // the byte at DS:rBX + AL, for XLAT
  ST: [10, 10, 10],
  STi: [10, 10, 10], // ST(i), i in the low three bits of the ModRM byte
  XMM0: [16, 16, 16],
  "1": [1, 1, 1],
};

export interface OperandCode {
  readonly text: string;
  /** absent for a fixed operand */
  readonly method?: Method;
  /** `v`, `b`, …; for a fixed operand its name */
  readonly type: string;
  /** bytes for an effective operand size of 16, 32, 64 */
  readonly bytes: readonly [number, number, number];
}

/** Reads an operand code; undefined if there is no such code. */
export function operandCode(text: string): OperandCode | undefined {
  if (Object.hasOwn(FIXED, text)) return { text, type: text, bytes: FIXED[text] };
  const type = text.slice(1);
  if (!Object.hasOwn(METHODS, text[0])) return undefined;
  if (type === "a" && (text[0] === "G" || text[0] === "R")) return { text, method: text[0] as Method, type: "address", bytes: [2, 4, 8] };
  return Object.hasOwn(TYPES, type) ? { text, method: text[0] as Method, type, bytes: TYPES[type] } : undefined;
}
