/**
 * What rows need beyond their operands: registers and memory that are used without being named (stack, strings, counts), and values that
 * make the interesting thing likely (an equal comparand, a quotient that fits). Keyed by semantics, as in the rows.
 */

import { override } from "./address.ts";
import { controlWord, mxcsr, statusWord } from "./fx.ts";
import { CODE, DATA } from "./layout.ts";
import { type Making, subtract, wide } from "./making.ts";
import { type Demand, type Placed, place } from "./place.ts";

const [RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI] = [0, 1, 2, 3, 4, 5, 6, 7];
const FLAG_BITS = 0x8d5 | 0x400;

export interface Shape {
  /** decides registers before the operands are chosen */
  before?(m: Making): void;
  /** bytes that the memory operand has when its operand code does not say */
  size?(m: Making): number;
  align?: number;
  /** moves the memory operand, in bytes, from what its register operand will make of it */
  displace?(m: Making): number;
  /** fills the memory operand */
  memory?(m: Making, bytes: Uint8Array): void;
  /** last changes, when all operands are there */
  after?(m: Making): void;
}

/** Sets a register to the offset of a linear address in a segment. */
function point(m: Making, register: number, placed: Placed, segment: "ss" | "ds" | "es", bits: number): void {
  const offset = subtract(placed.address, m.base(m.segment !== undefined && segment === "ds" ? m.segment : segment));
  if (bits === 64) m.set(register, offset.low, offset.high);
  else if (bits === 32) m.set(register, offset.low, m.mode === 64 && m.random.oneIn(2) ? m.random.bits() : 0);
  else m.set(register, (offset.low & 0xffff) | (m.random.oneIn(2) ? 0 : m.random.bits() << 16), 0);
}

const stackBits = (m: Making): number => (m.mode === 64 ? 64 : m.draft.ss === 0x0f ? 16 : 32);
const slot = (m: Making): number => m.operandSize / 8;

/** Puts the stack where `before` bytes will be pushed and `after` bytes are there to pop. */
export function stack(m: Making, before: number, after: number, register = RSP): Uint8Array {
  const placed = place(m, { size: after, before, align: m.random.oneIn(3) ? 1 : 8 });
  point(m, register, placed, "ss", stackBits(m));
  return placed.bytes;
}

const number = (bytes: Uint8Array, at: number, size: number, value: number): void => {
  for (let i = 0; i < size; i++) bytes[at + i] = i < 4 ? value >> (8 * i) : 0;
};

/** An address where code may go on: mostly int3 in the code pages, sometimes memory that cannot be executed or is not there. */
export function target(m: Making): number {
  const { random: r } = m;
  const base = m.base("cs").low;
  const linear = r.below(10) < 8 ? CODE + r.below(0x2000) : r.pick([CODE + 0x2000 + r.below(0x1000), DATA + r.below(0x1000), CODE - 1]);
  // never back into the instruction: it would run for ever
  const own = linear - m.draft.rip - base;
  return linear - base + (own >= -1 && own < 16 ? 20 : 0);
}

const flagsImage = (m: Making): number => {
  const { random: r } = m;
  // all but TF, AC and the bits above ID; RF and VM are ignored
  return (r.bits() & 0x3f_feff & ~0x4_0000) | (r.oneIn(2) ? 2 : 0);
};

const push = (bytes: (m: Making) => number): Shape => ({
  before(m) {
    stack(m, bytes(m), 0);
  },
});
const pop = (bytes: (m: Making) => number, contents?: (m: Making, bytes: Uint8Array) => void): Shape => ({
  before(m) {
    const popped = stack(m, 0, bytes(m));
    contents?.(m, popped);
  },
});
const popTarget = (m: Making, bytes: Uint8Array): void => number(bytes, 0, slot(m), target(m));
const jumpMemory = (m: Making, bytes: Uint8Array): void => {
  if (!m.random.oneIn(16)) number(bytes, 0, slot(m), target(m));
};
/** The register operand of an indirect branch. */
const jumpRegister = (m: Making): void => {
  const register = m.rm | ((m.rexBits & 1) << 3);
  if (m.mod === 3 && !m.random.oneIn(16)) m.set(register, target(m));
};

/** rCX for LOOP and JCXZ: near zero in one of its widths. */
const count: Shape = {
  before(m) {
    const { random: r } = m;
    const small = r.between(0, 2);
    m.set(RCX, small | (r.oneIn(3) ? r.bits() << 16 : 0), m.mode === 64 && r.oneIn(3) ? r.bits() : 0);
  },
};

/** How a string instruction uses its operands: `x` is at rSI, `y` at rDI. */
function string(uses: "x" | "y" | "xy"): Shape {
  return {
    before(m) {
      const { random: r } = m;
      if (r.oneIn(2)) m.rep = r.pick([0xf3, 0xf2]);
      const width = /b$/.test(m.row.operands.find((o) => /^[XY]/.test(o)) ?? "b") ? 1 : slot(m);
      const times = m.rep === 0 ? 1 : r.oneIn(8) ? r.between(9, 70) : r.between(0, 8);
      if (m.rep !== 0) m.set(RCX, times, m.addressSize === 32 && m.mode === 64 && r.oneIn(2) ? r.bits() : 0);
      const down = (m.draft.flags & 0x400) !== 0;
      const bytes = Math.max(times, 1) * width;
      const demand: Demand = down ? { size: width, before: bytes - width } : { size: bytes };
      const apart = uses !== "xy" || !r.oneIn(4);
      // both into one area, overlapping
      const gap = apart ? 0 : r.between(-2 * width, 2 * width);
      const y = uses === "x" ? undefined : place(m, widen(demand, gap));
      const x = uses === "y" ? undefined : apart ? place(m, demand) : y;
      if (x !== undefined && r.oneIn(6))
        override(m, x.address, m.mode === 64 ? r.pick(["fs", "gs"]) : r.pick(["fs", "gs", "es", "cs", "ss"]));
      if (y !== undefined) point(m, RDI, y, "es", m.addressSize);
      if (x !== undefined) {
        const moved = apart ? x : { ...x, address: subtract(x.address, wide(gap)) };
        point(m, RSI, moved, "ds", m.addressSize);
      }
      if (x !== undefined && y !== undefined && apart && m.row.attributes.has("repz")) same(m, x.bytes, y.bytes);
      if (x === undefined && y !== undefined && m.row.attributes.has("repz")) repeat(m, y.bytes, width);
    },
  };
}

const widen = (d: Demand, gap: number): Demand => ({ size: d.size + Math.max(-gap, 0), before: (d.before ?? 0) + Math.max(gap, 0) });

/** Makes two strings equal up to some place. */
function same(m: Making, x: Uint8Array, y: Uint8Array): void {
  if (m.random.oneIn(4)) return;
  const n = Math.min(x.length, y.length);
  y.set(x.subarray(0, n));
  if (!m.random.oneIn(3)) y[m.random.below(n)] ^= 1 << m.random.below(8);
}

/** Makes a string of equal elements, and the accumulator one of them. */
function repeat(m: Making, y: Uint8Array, width: number): void {
  if (m.random.oneIn(4)) return;
  for (let i = width; i < y.length; i++) y[i] = y[i - width];
  if (m.random.oneIn(2)) y[m.random.below(y.length)] ^= 0x10;
  const word = (at: number): number => (y[at] ?? 0) | ((y[at + 1] ?? 0) << 8) | ((y[at + 2] ?? 0) << 16) | ((y[at + 3] ?? 0) << 24);
  m.set(RAX, word(0), width === 8 ? word(4) : m.draft.high[RAX]);
}

/** BT and friends with a register: the bit offset reaches outside the operand. */
const bitString: Shape = {
  displace(m) {
    const { random: r } = m;
    const register = m.reg | ((m.rexBits & 4) << 1);
    if (m.fixed[register] !== 0) return 0;
    const offset = r.oneIn(3) ? r.below(m.operandSize) : r.between(-3000, 3000);
    m.set(register, offset, m.mode === 64 ? offset >> 31 : 0);
    if (m.operandSize === 16) m.draft.low[register] = (offset & 0xffff) | (r.bits() << 16);
    return Math.floor(offset / m.operandSize) * slot(m);
  },
};

/** Quotients that fit: a small or sign-extended upper half. */
const divide: Shape = {
  after(m) {
    const { random: r, draft } = m;
    if (m.row.operands[0] === "Eb") {
      if (m.fixed[RAX] === 0 && !r.oneIn(4))
        draft.low[RAX] = (draft.low[RAX] & ~0xffff) | (r.oneIn(2) ? r.below(256) : (r.bits() >> r.below(12)) & 0xffff);
      return;
    }
    if (m.fixed[RDX] !== 0 || r.oneIn(4)) return;
    const sign = m.operandSize === 64 ? draft.high[RAX] >> 31 : m.operandSize === 32 ? draft.low[RAX] >> 31 : (draft.low[RAX] << 16) >> 31;
    const upper = r.oneIn(3) ? sign : r.oneIn(2) ? 0 : r.between(-5, 5);
    draft.set(RDX, upper, m.mode === 64 ? upper >> 31 : 0);
  },
};

/** Makes the accumulator equal what the destination holds, half the time. */
function comparand(bytes: (m: Making) => number): Shape {
  return {
    memory(m, contents) {
      if (m.random.oneIn(2)) return;
      const copy = new Uint8Array(16);
      copy.set(contents.subarray(0, 16));
      const v = new DataView(copy.buffer);
      const n = bytes(m);
      if (n <= 8) {
        const pair = m.row.semantics === "cmpxchg8b";
        m.set(RAX, v.getInt32(0, true), pair || n < 8 ? m.draft.high[RAX] : v.getInt32(4, true));
        if (pair) m.set(RDX, v.getInt32(4, true), m.draft.high[RDX]);
      } else {
        m.set(RAX, v.getInt32(0, true), v.getInt32(4, true));
        m.set(RDX, v.getInt32(8, true), v.getInt32(12, true));
      }
    },
    after(m) {
      const destination = m.rm | ((m.rexBits & 1) << 3);
      if (m.mod === 3 && m.random.oneIn(2) && m.fixed[RAX] === 0) m.draft.set(RAX, m.draft.low[destination], m.draft.high[destination]);
    },
  };
}

/** An x87 environment in memory: FCW, FSW, FTW as the hardware could have written them. */
function environment(m: Making, bytes: Uint8Array): void {
  const step = m.operandSize === 16 ? 2 : 4;
  const v = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const control = controlWord(m);
  if (bytes.length < 3 * step) return;
  v.setUint16(0, control, true);
  v.setUint16(step, statusWord(m, control), true);
}

const environmentBytes = (m: Making): number => (m.operandSize === 16 ? 14 : 28);
const saveBytes = (m: Making): number => environmentBytes(m) + 80;

/** Selectors that no descriptor table of either side has, and null ones. */
const selector = (m: Making): number => m.random.pick([0, 1, 2, 3, 0x80, 0x1238, 0xfff8, 0x8003, 0x4000]);
const selectorOperand: Shape = {
  memory(m, bytes) {
    number(bytes, 0, 2, selector(m));
  },
  after(m) {
    if (m.mod === 3) m.set(m.rm | ((m.rexBits & 1) << 3), selector(m) | (m.random.bits() << 16), m.mode === 64 ? m.random.bits() : 0);
  },
};

const lengths: Shape = {
  before(m) {
    const { random: r } = m;
    for (const register of [RAX, RDX]) if (!r.oneIn(4)) m.set(register, r.between(-18, 18), m.mode === 64 && r.oneIn(2) ? r.bits() : 0);
  },
};

export const SHAPES: Readonly<Record<string, Shape>> = {
  push: push(slot),
  pushf: push(slot),
  pushSeg: push(slot),
  pusha: push((m) => 8 * slot(m)),
  pop: pop(slot),
  popa: pop((m) => 8 * slot(m)),
  popf: pop(slot, (m, bytes) => number(bytes, 0, slot(m), flagsImage(m))),
  call: push(slot),
  callTo: { ...push(slot), memory: jumpMemory, after: jumpRegister },
  jmpTo: { memory: jumpMemory, after: jumpRegister },
  ret: pop(slot, popTarget),
  retImm: pop(slot, popTarget),
  leave: {
    before(m) {
      stack(m, 0, slot(m), RBP);
    },
  },
  enter: {
    before(m) {
      stack(m, 33 * slot(m) + 64, 0);
      stack(m, 33 * slot(m), slot(m), RBP);
    },
    after(m) {
      const { random: r } = m;
      const level = r.pick([0, 0, 1, 2, 3, 31, 32, 33, r.below(256)]);
      m.immediates.splice(0, 3, r.oneIn(16) ? 0xff : r.below(64), r.oneIn(16) ? 0xff : 0, level);
    },
  },
  jcxz: count,
  loop: count,
  loope: count,
  loopne: count,
  movs: string("xy"),
  cmps: string("xy"),
  stos: string("y"),
  scas: string("y"),
  lods: string("x"),
  ins: string("y"),
  outs: string("x"),
  xlat: {
    before(m) {
      const placed = place(m, { size: 1 });
      const al = m.draft.low[RAX] & 0xff;
      m.fixed[RAX] = 1;
      if (m.random.oneIn(6)) override(m, placed.address, m.random.pick(["fs", "gs"]));
      point(m, RBX, { ...placed, address: subtract(placed.address, wide(al)) }, "ds", m.addressSize);
    },
  },
  maskmov: {
    before(m) {
      point(m, RDI, place(m, { size: m.row.operands[0] === "Pq" ? 8 : 16 }), "ds", m.addressSize);
    },
  },
  bt: bitString,
  bts: bitString,
  btr: bitString,
  btc: bitString,
  div: divide,
  idiv: divide,
  cmpxchg: comparand((m) => (m.row.operands[0] === "Eb" ? 1 : slot(m))),
  cmpxchg8b: comparand(() => 8),
  cmpxchg16b: comparand(() => 16),
  verr: selectorOperand,
  verw: selectorOperand,
  lar: selectorOperand,
  lsl: selectorOperand,
  int: {
    after(m) {
      if (m.immediates[0] === 0x80) m.immediates[0] = 0x81;
      if (m.random.oneIn(4)) m.immediates[0] = m.random.pick([3, 4, 1, 0, 14]);
    },
  },
  pcmpestri: lengths,
  pcmpestrm: lengths,
  ldmxcsr: {
    memory(m, bytes) {
      // bit 17 exists on AMD only
      number(bytes, 0, 4, m.random.oneIn(5) ? m.random.bits() & ~0x2_0000 : mxcsr(m));
    },
  },
  fldcw: {
    memory(m, bytes) {
      number(bytes, 0, 2, controlWord(m));
    },
  },
  fldenv: { size: environmentBytes, memory: environment },
  fnstenv: { size: environmentBytes },
  frstor: {
    size: saveBytes,
    memory(m, bytes) {
      environment(m, bytes);
      for (let i = 0; i < 8; i++) {
        const st = new Uint8Array(16);
        m.pool.take("f80", st);
        const at = environmentBytes(m) + 10 * i;
        if (at + 10 <= bytes.length) bytes.set(st.subarray(0, 10), at);
      }
    },
  },
  fnsave: { size: saveBytes },
  fxsave: { size: () => 512, align: 16 },
  fxrstor: {
    size: () => 512,
    align: 16,
    memory(m, bytes) {
      if (bytes.length < 512) return;
      const control = controlWord(m);
      number(bytes, 0, 2, control);
      number(bytes, 2, 2, statusWord(m, control));
      number(bytes, 24, 4, m.random.oneIn(6) ? m.random.bits() & ~0x2_0000 : mxcsr(m));
    },
  },
};

/** Status flags and DF for the start of a case. */
export const randomFlags = (m: Making): number => m.random.bits() & FLAG_BITS & (m.random.oneIn(4) ? -1 : ~0x400);
