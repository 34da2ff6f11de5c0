/**
 * Runs cases on the core: one vCPU in user mode, the mappings of layout.ts in page tables that are written once, and for each case only
 * the registers and the windows. Exceptions come back as Linux would report them in a signal frame, so that records can be compared.
 */
import { existsSync, readFileSync } from "node:fs";
import { Core, type StopReason, type Vcpu } from "../../src/core/core.ts";
import { max } from "../../src/cpus/max.ts";
import { OPTION, STOP, VECTOR } from "../../src/spec/events.ts";
import { CR0, CR4, EFER, PTE } from "../../src/spec/registers.ts";
import { layout, STATE } from "../../src/spec/state.ts";
import type { Batch } from "./batch.ts";
import { type Target, TargetError } from "./driver.ts";
import {
  AT,
  CODE,
  CS32,
  CS64,
  DATA,
  DS,
  FILL,
  FX,
  FX_BYTES,
  GREGS,
  HAS_FX,
  LDT_CS16,
  LDT_DS16,
  MEMORY_BYTES,
  PAGE,
  VIEWS,
} from "./layout.ts";

const WASM = new URL("../../build/core.wasm", import.meta.url);
const RAM_MIB = 4;
/** guest-physical: the memory object, then page tables */
const MEMORY = 0x10_0000;
const TABLES = 0x20_0000;
const BUDGET = 1000n;
/** what a case that never stops is reported as */
const RAN_ON = 99;
const UNIMPLEMENTED = 98;

/** Linux shows faults above user space as protection faults, whatever is there. arch/x86/mm/fault.c "set_signal_archinfo" */
const USER_END_HIGH = 0x7fff;
const USER_END_LOW = 0xffff_f000;

const OFFSET = new Map(layout(STATE).fields.map((f) => [f.name, f.offset]));
const at = (name: string): number => {
  const offset = OFFSET.get(name);
  if (offset === undefined) throw new Error(`the vCPU state has no field ${name}`);
  return offset;
};
const F = {
  gprs: at("rax"),
  rip: at("rip"),
  fsBase: at("fsBase"),
  gsBase: at("gsBase"),
  vector: at("vector"),
  errorCode: at("errorCode"),
  cr2: at("cr2"),
  mxcsr: at("mxcsr"),
  fcw: at("fcw"),
  fsw: at("fsw"),
  ftw: at("ftw"),
  fpr: at("fpr"),
  pointers: at("fop"),
  xmm: at("xmm"),
};

/** Descriptors as Linux and the harness have them: base, limit, access rights as in the state. */
interface Descriptor {
  readonly base: number;
  readonly limit: number;
  readonly rights: number;
}
const DESCRIPTORS = new Map<number, Descriptor>([
  [CS64, { base: 0, limit: 0xffff_ffff, rights: 0xa0fb }],
  [CS32, { base: 0, limit: 0xffff_ffff, rights: 0xc0fb }],
  [DS, { base: 0, limit: 0xffff_ffff, rights: 0xc0f3 }],
  [LDT_CS16, { base: CODE, limit: 0xffff, rights: 0x00fb }],
  [LDT_DS16, { base: DATA, limit: 0xffff, rights: 0x00f3 }],
]);

/** The core is not built. */
export class NoCore extends Error {
  constructor() {
    super("build/core.wasm is missing: run `npm run build`");
  }
}

export function interpret(vcpu: Vcpu): StopReason {
  return vcpu.run(BUDGET);
}

/** Without 57-bit addresses: where base registers take what the widest mode allows (SDM Vol. 3 "Canonical Addressing"), AMD looks at the mode. */
const RECORDED_MODEL = { ...max, features: max.features.filter((f) => f !== "la57") };

export class CoreTarget implements Target {
  readonly name: string = "minusone";
  readonly #core: Core;
  readonly #vcpu: Vcpu;
  readonly #state: DataView;
  readonly #stateBytes: Uint8Array;
  readonly #memory: Uint8Array;
  /** selectors of the case before, to leave the segments alone when they are the same */
  #segments = "";

  /** how a case is run: by the interpreter unless said otherwise */
  readonly #engine: (vcpu: Vcpu) => StopReason;

  constructor(options = 0, engine: (vcpu: Vcpu) => StopReason = interpret) {
    this.#engine = engine;
    if (!existsSync(WASM)) throw new NoCore();
    this.#core = new Core(new WebAssembly.Module(readFileSync(WASM)), RAM_MIB, RECORDED_MODEL);
    this.#vcpu = this.#core.vcpu(0);
    const bytes = this.#vcpu.bytes;
    this.#stateBytes = bytes;
    this.#state = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#memory = this.#core.ram.subarray(MEMORY, MEMORY + MEMORY_BYTES);
    this.#memory.fill(FILL);
    const v = this.#vcpu;
    v.set("cr0", BigInt(CR0.PG | CR0.PE | CR0.WP | CR0.NE | CR0.MP | CR0.ET | CR0.AM) & 0xffff_ffffn);
    v.set("cr3", BigInt(this.#mapViews()));
    v.set("cr4", BigInt(CR4.PAE | CR4.OSFXSR | CR4.OSXMMEXCPT | CR4.FSGSBASE | CR4.UMIP | CR4.OSXSAVE));
    v.set("efer", BigInt(EFER.SCE | EFER.LME | EFER.LMA | EFER.NXE));
    v.setNumber("cpl", 3);
    // as large as Linux's, and empty
    v.set("gdtrBase", 0x1000n);
    v.setNumber("gdtrLimit", 0x7f);
    v.setNumber("options", OPTION.HOST_EXCEPTIONS | OPTION.HOST_SYSCALLS | options);
  }

  run(batch: Batch): Uint8Array {
    const cases = batch.bytes;
    const results = new Uint8Array(cases.length);
    // as the native harness starts: what a wrong store left outside the windows must not reach another batch
    this.#memory.fill(FILL);
    this.#core.ramWritten(MEMORY, MEMORY_BYTES);
    const before = new DataView(cases.buffer, cases.byteOffset, cases.byteLength);
    const after = new DataView(results.buffer);
    for (let index = 0; index < batch.count; index++) {
      const start = batch.offsets[index];
      this.#restore(before, cases, start);
      let vector: number;
      try {
        const stop = this.#engine(this.#vcpu);
        vector = stop === STOP.EXCEPTION ? this.#state.getUint32(F.vector, true) : stop === STOP.UNIMPLEMENTED ? UNIMPLEMENTED : RAN_ON;
        if (vector === VECTOR.UD && this.#atFill()) vector = VECTOR.BP;
      } catch (error) {
        throw new TargetError(this.name, index, String(error));
      }
      this.#save(before, after, results, start, vector);
    }
    return results;
  }

  #restore(v: DataView, bytes: Uint8Array, start: number): void {
    const s = this.#state;
    for (let r = 0; r < 16; r++) {
      const from = start + AT.gregs + 8 * GREGS[r];
      s.setInt32(F.gprs + 8 * r, v.getInt32(from, true), true);
      s.setInt32(F.gprs + 8 * r + 4, v.getInt32(from + 4, true), true);
    }
    s.setInt32(F.rip, v.getInt32(start + AT.rip, true), true);
    s.setInt32(F.rip + 4, 0, true);
    this.#selectSegments(v, start);
    for (let i = 0; i < 8; i += 4) {
      s.setInt32(F.fsBase + i, v.getInt32(start + AT.fsBase + i, true), true);
      s.setInt32(F.gsBase + i, v.getInt32(start + AT.gsBase + i, true), true);
    }
    this.#vcpu.rflags = v.getUint32(start + AT.rflags, true);
    let from = start + AT.fx;
    if ((v.getUint32(start + AT.flags, true) & HAS_FX) !== 0) {
      this.#restoreFx(v, bytes, from);
      from += FX_BYTES;
    }
    const windows = v.getUint32(start + AT.windowCount, true);
    for (let i = 0; i < windows; i++) {
      const offset = v.getUint32(start + AT.windows + 8 * i, true);
      const length = v.getUint32(start + AT.windows + 8 * i + 4, true);
      this.#memory.set(bytes.subarray(from, from + length), offset);
      this.#core.ramWritten(MEMORY + offset, length);
      from += length;
    }
  }

  #save(v: DataView, out: DataView, results: Uint8Array, start: number, vector: number): void {
    const s = this.#state;
    for (let r = 0; r < 16; r++) {
      const to = start + AT.gregs + 8 * GREGS[r];
      out.setInt32(to, s.getInt32(F.gprs + 8 * r, true), true);
      out.setInt32(to + 4, s.getInt32(F.gprs + 8 * r + 4, true), true);
    }
    for (let i = 0; i < 8; i += 4) {
      out.setInt32(start + AT.rip + i, s.getInt32(F.rip + i, true), true);
      out.setInt32(start + AT.fsBase + i, s.getInt32(F.fsBase + i, true), true);
      out.setInt32(start + AT.gsBase + i, s.getInt32(F.gsBase + i, true), true);
      out.setInt32(start + AT.cr2 + i, s.getInt32(F.cr2 + i, true), true);
    }
    out.setUint32(start + AT.rflags, this.#vcpu.rflags, true);
    out.setUint32(start + AT.vector, vector, true);
    out.setUint32(start + AT.errorCode, this.#errorCode(vector), true);
    const n = this.#vcpu;
    out.setUint16(start + AT.cs, n.getNumber("cs"), true);
    out.setUint16(start + AT.ss, n.getNumber("ss"), true);
    SEGMENTS.forEach((name, i) => {
      out.setUint16(start + AT.segments + 2 * i, n.getNumber(name), true);
    });
    let at = start + AT.fx;
    if ((v.getUint32(start + AT.flags, true) & HAS_FX) !== 0) {
      this.#saveFx(out, results, at);
      at += FX_BYTES;
    }
    const windows = v.getUint32(start + AT.windowCount, true);
    for (let i = 0; i < windows; i++) {
      const offset = v.getUint32(start + AT.windows + 8 * i, true);
      const length = v.getUint32(start + AT.windows + 8 * i + 4, true);
      results.set(this.#memory.subarray(offset, offset + length), at);
      this.#memory.fill(FILL, offset, offset + length);
      this.#core.ramWritten(MEMORY + offset, length);
      at += length;
    }
  }

  /** Until the core has INT3: whether it stands at one, and goes behind it. */
  #atFill(): boolean {
    const ip = this.#state.getUint32(F.rip, true);
    const linear = ip + (this.#vcpu.getNumber("cs") === LDT_CS16 ? CODE : 0);
    if (linear < CODE || linear >= CODE + 2 * PAGE || this.#memory[linear - CODE] !== FILL) return false;
    this.#state.setUint32(F.rip, ip + 1, true);
    return true;
  }

  /** What Linux has in its signal frame. */
  #errorCode(vector: number): number {
    const s = this.#state;
    if (vector === VECTOR.PF) {
      const high = s.getUint32(F.cr2 + 4, true);
      const kernel = high > USER_END_HIGH || (high === USER_END_HIGH && s.getUint32(F.cr2, true) >= USER_END_LOW);
      return s.getUint32(F.errorCode, true) | (kernel ? 1 : 0);
    }
    return HAS_ERROR_CODE.has(vector) ? s.getUint32(F.errorCode, true) : 0;
  }

  /** ST(i) of the image is the physical register TOP + i. */
  #restoreFx(v: DataView, bytes: Uint8Array, from: number): void {
    const s = this.#state;
    const status = v.getUint16(from + FX.fsw, true);
    s.setUint16(F.fcw, v.getUint16(from + FX.fcw, true), true);
    s.setUint16(F.fsw, status, true);
    s.setUint16(F.ftw, v.getUint8(from + FX.ftw), true);
    // FOP, FIP, FDP and their selectors, all zero in every image
    this.#stateBytes.fill(0, F.pointers, F.fpr);
    s.setUint32(F.mxcsr, v.getUint32(from + FX.mxcsr, true), true);
    for (let i = 0; i < 8; i++) {
      const register = F.fpr + 16 * (((status >> 11) + i) & 7);
      this.#stateBytes.set(bytes.subarray(from + FX.st + 16 * i, from + FX.st + 16 * i + 16), register);
    }
    this.#stateBytes.set(bytes.subarray(from + FX.xmm, from + FX.xmm + 256), F.xmm);
  }

  #saveFx(out: DataView, results: Uint8Array, to: number): void {
    const s = this.#state;
    const status = s.getUint16(F.fsw, true);
    out.setUint16(to + FX.fcw, s.getUint16(F.fcw, true), true);
    out.setUint16(to + FX.fsw, status, true);
    out.setUint8(to + FX.ftw, s.getUint16(F.ftw, true));
    out.setUint32(to + FX.mxcsr, s.getUint32(F.mxcsr, true), true);
    for (let i = 0; i < 8; i++) {
      const register = F.fpr + 16 * (((status >> 11) + i) & 7);
      results.set(this.#stateBytes.subarray(register, register + 16), to + FX.st + 16 * i);
    }
    results.set(this.#stateBytes.subarray(F.xmm, F.xmm + 256), to + FX.xmm);
  }

  #selectSegments(v: DataView, start: number): void {
    const cs = v.getUint16(start + AT.cs, true);
    const ss = v.getUint16(start + AT.ss, true);
    const [ds, es, fs, gs] = [0, 1, 2, 3].map((i) => v.getUint16(start + AT.segments + 2 * i, true));
    const key = `${cs} ${ss} ${ds} ${es} ${fs} ${gs}`;
    if (key === this.#segments) return;
    this.#segments = key;
    const n = this.#vcpu;
    Object.entries({ cs, ss, ds, es, fs, gs }).forEach(([name, selector]) => {
      const d = DESCRIPTORS.get(selector);
      if (d === undefined) throw new Error(`no descriptor for selector ${selector}`);
      n.setNumber(name, selector);
      n.set(`${name}Base`, BigInt(d.base));
      n.setNumber(`${name}Limit`, d.limit);
      n.setNumber(`${name}Rights`, d.rights);
    });
    n.setNumber("mode", cs === CS64 ? 2 : cs === CS32 ? 1 : 0);
    n.set("stackMask", cs === CS64 ? 0xffff_ffff_ffff_ffffn : ss === LDT_DS16 ? 0xffffn : 0xffff_ffffn);
    n.refresh();
  }

  /** Page tables for the views; returns the address of the top one. */
  #mapViews(): number {
    const ram = this.#core.ram;
    const v = new DataView(ram.buffer, ram.byteOffset, ram.byteLength);
    let free = TABLES + PAGE;
    const next = (table: number, index: number): number => {
      const entry = table + 8 * index;
      const present = v.getUint32(entry, true) & ~0xfff;
      if (present !== 0) return present;
      v.setUint32(entry, free | PTE.P | PTE.W | PTE.U, true);
      free += PAGE;
      return free - PAGE;
    };
    for (const { low, upper, offset, pages, access } of VIEWS) {
      for (let page = 0; page < pages; page++) {
        const va = (BigInt(upper) << 32n) | BigInt(low + page * PAGE);
        const index = (shift: bigint): number => Number((va >> shift) & 511n);
        const leaf = next(next(next(TABLES, index(39n)), index(30n)), index(21n)) + 8 * index(12n);
        v.setUint32(leaf, (MEMORY + offset + page * PAGE) | PTE.P | PTE.U | (access === "r" ? 0 : PTE.W), true);
        v.setUint32(leaf + 4, access === "rwx" ? 0 : 0x8000_0000, true);
      }
    }
    return TABLES;
  }
}

const SEGMENTS = ["ds", "es", "fs", "gs"] as const;
const HAS_ERROR_CODE = new Set<number>([VECTOR.TS, VECTOR.NP, VECTOR.SS, VECTOR.GP, VECTOR.AC]);
