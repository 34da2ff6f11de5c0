/**
 * Makes random cases from instruction rows: chooses mode, sizes, prefixes, operands, where memory lies and what is in it, and everything
 * the row reads without naming it (shapes.ts). The same random numbers make the same case.
 */

import type { Row } from "../../src/spec/isa/row.ts";
import { type OperandCode, operandCode } from "../../src/spec/operands.ts";
import { address } from "./address.ts";
import { type Batch, initialFx } from "./batch.ts";
import { encode, needs66, operandSizes } from "./encode.ts";
import { type FxKinds, fillFx } from "./fx.ts";
import { CODE, CS32, DATA_OFFSET, FX, LDT_CS16, LDT_DS16 } from "./layout.ts";
import { Making, type Size } from "./making.ts";
import { nowhere, type Placed, place } from "./place.ts";
import { Pool } from "./pool.ts";
import type { Random } from "./random.ts";
import { randomFlags, SHAPES, type Shape, target } from "./shapes.ts";
import { type Kind, word } from "./values.ts";

/** What the generator knows about a row once. */
interface Plan {
  readonly row: Row;
  readonly codes: readonly OperandCode[];
  readonly shape: Shape;
  readonly kinds: FxKinds;
  readonly memoryKind: Kind;
  readonly usesFx: boolean;
  /** the operand that ModRM.rm can make a memory operand */
  readonly memory: OperandCode | undefined;
  readonly varies: boolean;
  /** no other row of this opcode cares about prefixes, so superfluous ones are harmless */
  readonly deafToPrefixes: boolean;
}

export interface Modes {
  /** 16- and 32-bit code too, not only what needs it */
  readonly legacy: boolean;
  /** random values only in registers that the instruction names, so that the cases of a fixture compress */
  readonly sparse?: boolean;
}

const MEMORY_METHODS = "EWQM";
const NO_SHAPE: Shape = {};

export class Generator {
  readonly #random: Random;
  readonly #pool: Pool;
  readonly #m: Making;
  readonly #plans: ReadonlyMap<Row, Plan>;
  readonly #modes: Modes;

  constructor(random: Random, isa: readonly Row[], modes: Modes) {
    this.#random = random;
    this.#pool = new Pool(random);
    this.#m = new Making(random, this.#pool);
    this.#modes = modes;
    const deaf = new Map<string, boolean>();
    const key = (row: Row): string => `${row.map} ${row.opcode}`;
    for (const row of isa) deaf.set(key(row), (deaf.get(key(row)) ?? true) && row.prefix === "any");
    this.#plans = new Map(isa.map((row) => [row, plan(row, deaf.get(key(row)) as boolean)]));
  }

  /** New random values; once before each batch. */
  renew(): void {
    this.#pool.renew();
  }

  /** Appends a case of the row. */
  make(row: Row, batch: Batch): void {
    const p = this.#plans.get(row) as Plan;
    for (let tries = 0; tries < 100; tries++) {
      if (this.#try(p)) {
        batch.write(this.#m.draft);
        return;
      }
    }
    throw new Error(`${row.source}: no case can be made`);
  }

  #try(p: Plan): boolean {
    const m = this.#m;
    const r = this.#random;
    m.start(p.row);
    this.#chooseMode(p.row);
    this.#pool.registers(m.draft.low, m.draft.high);
    if (m.mode !== 64) m.draft.high.fill(0, 0, 8);
    chooseSizes(m, p);
    m.draft.rip = this.#chooseRip();
    m.draft.flags = randomFlags(m);
    m.rexBits = m.mode === 64 && r.oneIn(3) ? r.below(8) : 0;
    m.rex = m.mode === 64 && r.oneIn(6);
    m.opcodeLow = p.row.opcodeBits === 0 ? 0 : r.below(1 << p.row.opcodeBits);
    p.shape.before?.(m);
    chooseModRm(m, p);
    if (p.memory !== undefined && m.mod !== 3 && !chooseMemory(m, p)) return false;
    for (const code of p.codes) immediate(m, code);
    p.shape.after?.(m);
    superfluous(m, p);
    if (this.#modes.sparse === true) plainRegisters(m);
    if (p.usesFx) fillFx(m, p.kinds);
    else if (r.oneIn(32)) {
      initialFx(m.draft.fxView);
      m.draft.hasFx = true;
    }
    if (this.#modes.sparse === true && p.usesFx) plainFx(m, p);
    const bytes = encode(m, m.draft.rip);
    if (bytes.length > 15 && !r.oneIn(64)) return false;
    // the part of the instruction behind the code pages is not there
    const from = m.draft.rip - CODE + m.base("cs").low;
    const present = Math.min(bytes.length, DATA_OFFSET - from);
    m.draft.window(from, present).set(bytes.slice(0, present));
    return true;
  }

  #chooseMode(row: Row): void {
    const m = this.#m;
    const r = this.#random;
    const legacy = row.attributes.has("i64") || (this.#modes.legacy && !row.attributes.has("o64") && r.oneIn(6));
    m.mode = !legacy || row.attributes.has("o64") ? 64 : r.oneIn(2) ? 16 : 32;
    m.draft.cs = m.mode === 64 ? m.draft.cs : m.mode === 32 ? CS32 : LDT_CS16;
    if (m.mode === 16 ? !r.oneIn(4) : m.mode === 32 && r.oneIn(4)) {
      m.draft.segments.fill(LDT_DS16, 0, 2);
      if (m.mode === 16 && !r.oneIn(4)) m.draft.ss = LDT_DS16;
    }
  }

  /** In the middle of a page, across the two, or so that the end of the instruction meets the end of the code. */
  #chooseRip(): number {
    const r = this.#random;
    const where = r.below(16);
    const linear =
      where === 0 ? 0x1000 - r.between(1, 14) : where === 1 ? 0x2000 - r.between(1, 14) : r.below(2) * 0x1000 + r.between(160, 0xf00);
    return CODE + linear - this.#m.base("cs").low;
  }
}

function plan(row: Row, deafToPrefixes: boolean): Plan {
  const codes = row.operands.map((text) => {
    const code = operandCode(text);
    if (code === undefined) throw new Error(`${row.source}: operand ${text}`);
    return code;
  });
  const x87 = row.map === "" && row.opcode >= 0xd8 && row.opcode <= 0xdf && row.modrm !== undefined;
  const mmx = codes.some((c) => c.method !== undefined && "PQN".includes(c.method)) || row.semantics === "emms";
  const xmm = codes.some((c) => (c.method !== undefined && "VWU".includes(c.method)) || c.text === "XMM0");
  const image = /^(fx|ldmxcsr|stmxcsr|fwait)/.test(row.mnemonic);
  return {
    row,
    codes,
    shape: SHAPES[row.semantics] ?? NO_SHAPE,
    kinds: { x87: x87 || row.mnemonic === "fwait", mmx, xmm: xmmKind(row), st: "f80" },
    memoryKind: x87 ? x87MemoryKind(row) : xmmKind(row),
    usesFx: x87 || mmx || xmm || image,
    memory: row.modrm?.mod === "reg" ? undefined : codes.find((c) => c.method !== undefined && MEMORY_METHODS.includes(c.method)),
    varies:
      codes.some(({ bytes }) => bytes[0] !== bytes[1] || bytes[1] !== bytes[2]) || /^(f?n?st?env|fldenv|frstor|fnsave)/.test(row.mnemonic),
    deafToPrefixes,
  };
}

function xmmKind(row: Row): Kind {
  const from = row.mnemonic.replace(/2\w+$/, "");
  if (row.typeArguments.includes("f32") || /([ps]s|ss2\w+)$/.test(from)) return "f32";
  if (row.typeArguments.includes("f64") || /[ps]d$/.test(from)) return "f64";
  return "int";
}

function x87MemoryKind(row: Row): Kind {
  const [type] = row.typeArguments;
  if (type === "f32" || type === "f64") return type;
  if (/^fb/.test(row.mnemonic)) return "bcd";
  return row.operands[0] === "Mt" ? "f80" : "int";
}

function chooseSizes(m: Making, p: Plan): void {
  const { row, random: r } = { row: m.row, random: m.random };
  const sizes = operandSizes(m.mode);
  const near = row.attributes.has("f64") && row.attributes.has("end");
  const usual: Size = m.mode === 16 ? 16 : 32;
  m.operandSize = usual;
  if (row.operandSize !== undefined) m.operandSize = row.operandSize;
  else if (row.map.startsWith("VEX") || row.w !== undefined)
    m.operandSize = row.w === 1 ? 64 : row.w === 0 ? usual : m.mode === 64 && r.oneIn(2) ? 64 : usual;
  // AMD truncates near branches with 66, Intel ignores it: left out
  else if (m.mode === 64 && row.attributes.has("f64")) m.operandSize = 64;
  else if (m.mode === 64 && row.attributes.has("d64")) m.operandSize = r.oneIn(4) && !near ? 16 : 64;
  else if (p.varies && (row.prefix === "any" || row.prefix === "NFx" || row.prefix === "F3" || row.prefix === "F2")) {
    m.operandSize = r.pick(sizes);
    // 66 in front of an SSE row selects nothing, and would be superfluous
    if (m.operandSize === 16 && p.codes.every(({ bytes }) => bytes[0] === bytes[1]) && !p.deafToPrefixes) m.operandSize = 32;
  } else if (p.varies && m.mode === 64) m.operandSize = r.oneIn(2) ? 64 : 32;
  const w = m.operandSize === 64 && !(m.mode === 64 && (row.attributes.has("d64") || row.attributes.has("f64")));
  m.rexW = m.mode === 64 && (w || row.w === 1) ? 1 : 0;
  m.addressSize = row.addressSize ?? (r.oneIn(12) ? (m.mode === 64 ? 32 : m.mode === 32 ? 16 : 32) : m.mode);
  if (row.map.startsWith("VEX") && m.mode !== 64) m.rexW = 0;
}

function chooseModRm(m: Making, p: Plan): void {
  const { row, random: r } = m;
  if (row.modrm === undefined) {
    if (row.opcodeBits !== 3) m.rexBits &= ~0;
    return;
  }
  const { mod, reg, rm } = row.modrm;
  m.reg = reg ?? r.below(8);
  m.rm = rm ?? r.below(8);
  const memory = mod === "mem" || (mod === undefined && p.memory !== undefined && r.below(100) < 55);
  m.mod = memory ? 0 : 3;
  // the register forms of MOV to and from CR and DR ignore mod
  if (!memory && p.codes.some((c) => c.method === "C" || c.method === "D")) m.mod = r.below(4) === 0 ? 3 : 3;
  if (memory) m.rexBits &= 4;
  if (row.map.startsWith("VEX")) m.vvvv = p.codes.some((c) => c.method === "B") ? r.below(m.registers) : 0;
}

function chooseMemory(m: Making, p: Plan): boolean {
  const { random: r } = m;
  const code = p.memory as OperandCode;
  const size = p.shape.size?.(m) ?? code.bytes[m.operandSize === 16 ? 0 : m.operandSize === 32 ? 1 : 2];
  const align = m.row.attributes.has("align") ? 16 : (p.shape.align ?? 1);
  const offset = p.shape.displace?.(m) ?? 0;
  for (let tries = 0; tries < 8; tries++) {
    const windows = m.draft.windows.length;
    const demand = { size: Math.max(size, 1), align };
    const placed: Placed = tries < 6 ? place(m, demand) : nowhere(m, demand);
    const low = (placed.address.low - offset) | 0;
    const carry = offset > 0 ? (placed.address.low >>> 0 < offset ? -1 : 0) : (placed.address.low >>> 0) - offset > 0xffff_ffff ? 1 : 0;
    m.segment = undefined;
    if (address(m, { low, high: placed.address.high + carry })) {
      m.pool.take(r.oneIn(10) ? "int" : p.memoryKind, placed.bytes);
      p.shape.memory?.(m, placed.bytes);
      return true;
    }
    m.draft.windows.length = windows;
    m.segment = undefined;
  }
  return false;
}

function immediate(m: Making, code: OperandCode): void {
  const { random: r } = m;
  const size = code.bytes[m.operandSize === 16 ? 0 : m.operandSize === 32 ? 1 : 2];
  if (code.method === "J") {
    m.branchBytes = code.type === "b" ? 1 : size;
    const near = m.draft.rip + (r.oneIn(2) ? -r.between(1, 100) : r.between(20, 120));
    m.branchTarget = m.branchBytes === 1 ? near : target(m);
  } else if (code.method === "I") {
    const low = size === 1 ? (r.oneIn(3) ? r.below(70) : r.bits()) : word(r);
    const high = word(r);
    for (let i = 0; i < size; i++) m.immediates.push(((i < 4 ? low : high) >> (8 * (i & 3))) & 0xff);
  } else if (code.method === "O") {
    const placed = place(m, { size });
    const offset = m.addressSize === 16 ? placed.address.low & 0xffff : placed.address.low;
    for (let i = 0; i < m.addressSize / 8; i++) m.immediates.push(((i < 4 ? offset : placed.address.high) >> (8 * (i & 3))) & 0xff);
  }
}

/** Gives the registers that no field names a value that says which one it is. rAX to rBX may be implicit operands. */
function plainRegisters(m: Making): void {
  const named = [0, 1, 2, 3, ...namedByModRm(m), m.vvvv, m.opcodeLow | ((m.rexBits & 1) << 3)];
  for (let i = 0; i < 16; i++) if (m.fixed[i] === 0 && !named.includes(i)) m.draft.set(i, 0x1111_1111 * (i & 7), m.mode === 64 ? i : 0);
}

const namedByModRm = (m: Making): number[] => [m.reg | ((m.rexBits & 4) << 1), m.rm | ((m.rexBits & 1) << 3)];

function plainFx(m: Making, p: Plan): void {
  const named = new Set([0, ...namedByModRm(m)]);
  const { fx } = m.draft;
  for (let i = 0; i < 16; i++) if (!named.has(i)) fx.fill(i, FX.xmm + 16 * i, FX.xmm + 16 * i + 16);
  // an x87 row reads ST(0), ST(1) and ST(i); the others are 1.0
  const stack = new Set([0, 1, m.reg, m.rm]);
  if (p.kinds.x87 || p.kinds.mmx) {
    for (let i = 0; i < 8; i++) if (!stack.has(i)) fx.set(ONE, FX.st + 16 * i);
  } else for (let i = 0; i < 8; i++) fx.set(ONE, FX.st + 16 * i);
}

/** 1.0 in a slot of the FXSAVE image */
const ONE = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x3f, 0, 0, 0, 0, 0, 0);

/** LOCK and prefixes that do nothing, or raise #UD. */
function superfluous(m: Making, p: Plan): void {
  const { row, random: r } = m;
  const controlRegister = p.codes.some((c) => c.method === "C");
  if (row.attributes.has("lock") && m.mod !== 3) m.lock = r.oneIn(5);
  else if (!controlRegister) m.lock = r.oneIn(150);
  const string = row.attributes.has("rep") || row.attributes.has("repz");
  // QUIRK: F2 and F3 turn LOOPE and LOOPNE into each other on AMD (seen on Zen 4); the SDM reserves them there
  const loop = row.semantics.startsWith("loop");
  if (p.deafToPrefixes && !string && !loop && r.oneIn(40)) m.rep = r.pick([0xf2, 0xf3]);
  if (p.deafToPrefixes && !p.varies && row.operandSize === undefined && row.w === undefined && !row.attributes.has("f64") && r.oneIn(30)) {
    if (r.oneIn(2)) m.prefixes.push(0x66);
    else if (m.mode === 64) m.rexW = 1;
  }
  if (m.mode === 64 && r.oneIn(30)) m.prefixes.push(r.pick([0x26, 0x2e, 0x36, 0x3e]));
  if (r.oneIn(60) && (needs66(m) || row.prefix === "66")) m.prefixes.push(0x66);
}
