/**
 * A bare machine in ring 0 for tests of system instructions: 4 MiB mapped to themselves for everybody, a GDT, an LDT and a TSS in RAM.
 * Expected values come from the manual: in user mode of this CPU nothing of it can be recorded.
 */
import { readFileSync } from "node:fs";
import { Core, type CoreHost, NOBODY, type Vcpu } from "../../src/core/core.ts";
import { max } from "../../src/cpus/max.ts";
import type { CpuModel } from "../../src/spec/cpuid.ts";
import { OPTION, STOP, VECTOR } from "../../src/spec/events.ts";

const RAM_MIB = 4;
const PML4 = 0x1000;
const PDPT = 0x2000;
const PAGES = 0x3000;
export const GDT = 0x4000;
export const LDT = 0x5000;
export const TSS = 0x5800;
export const IDT = 0x6000;
export const CODE = 0x10000;
export const STACK = 0x20000;
export const DATA = 0x30000;

/** selectors of the GDT; the last two take two entries each */
export const SELECTOR = {
  CODE64: 0x08,
  DATA: 0x10,
  CODE32: 0x18,
  USER32: 0x23,
  USER_DATA: 0x2b,
  USER64: 0x33,
  TSS: 0x40,
  LDT: 0x50,
} as const;
/** first free entry */
export const FREE = 0x60;

/** SDM Vol. 3 "Segment Descriptors": flat segments, accessed */
export const DESCRIPTOR = {
  code64: 0x00af_9b00_0000_ffffn,
  data: 0x00cf_9300_0000_ffffn,
  code32: 0x00cf_9b00_0000_ffffn,
  user32: 0x00cf_fb00_0000_ffffn,
  userData: 0x00cf_f300_0000_ffffn,
  user64: 0x00af_fb00_0000_ffffn,
} as const;

export interface Outcome {
  /** absent if the program ran to its end */
  readonly vector?: string;
  readonly errorCode: number;
}

const NAME = new Map<number, string>(Object.entries(VECTOR).map(([name, number]) => [number, `#${name}`]));
const UD2 = [0x0f, 0x0b];

const cores = new Map<CpuModel, Core>();

export class Ring0 {
  readonly vcpu: Vcpu;
  readonly core: Core;
  readonly #view: DataView;

  /** With `host`, it answers what is not RAM, ports and interrupts; `ramMib` is for tests of the physical map. */
  constructor(host?: Partial<CoreHost>, ramMib = RAM_MIB, model: CpuModel = max) {
    const plain = host === undefined && ramMib === RAM_MIB;
    const own = plain ? cores.get(model) : undefined;
    this.core = own ?? new Core(new WebAssembly.Module(readFileSync("build/core.wasm")), ramMib, model, { ...NOBODY, ...host });
    if (plain) cores.set(model, this.core);
    this.vcpu = this.core.vcpu(0);
    const ram = this.core.ram.subarray(0, RAM_MIB << 20);
    ram.fill(0);
    this.core.ramWritten(0, ram.length);
    this.core.flushTlb();
    this.#view = new DataView(ram.buffer, ram.byteOffset, this.core.ramBytes);
    this.vcpu.bytes.fill(0);
    this.vcpu.reset();
    this.#tables();
    this.#registers();
  }

  read(at: number): bigint {
    return this.#view.getBigUint64(at, true);
  }

  read32(at: number): number {
    return this.#view.getUint32(at, true);
  }

  write32(at: number, ...words: readonly number[]): this {
    words.forEach((word, i) => {
      this.#view.setUint32(at + 4 * i, word, true);
    });
    return this;
  }

  write(at: number, value: bigint): this {
    this.#view.setBigUint64(at, value, true);
    return this;
  }

  /** a descriptor, in the GDT unless said otherwise */
  describe(selector: number, descriptor: bigint, table = GDT): this {
    return this.write(table + (selector & 0xfff8), descriptor);
  }

  set(registers: Readonly<Record<string, bigint | number>>): this {
    for (const [name, value] of Object.entries(registers))
      if (typeof value === "bigint") this.vcpu.set(name, value);
      else this.vcpu.setNumber(name, value);
    return this;
  }

  /** as a program of ring 3 with the same flat segments */
  inRing3(): this {
    return this.set({ cpl: 3, cs: SELECTOR.USER64, csRights: 0xa0fb, ss: SELECTOR.USER_DATA, ssRights: 0xc0f3 });
  }

  /** exceptions go through an IDT, which `gate` fills */
  interruptible(): this {
    return this.set({ options: 0, idtrBase: BigInt(IDT), idtrLimit: 0xfff });
  }

  /** a gate of 16 bytes; `attributes` are bits 32-47: P DPL type, IST */
  gate(vector: number, selector: number, offset: number, attributes = 0x8e00): this {
    const low = BigInt(offset & 0xffff) | (BigInt(selector) << 16n) | (BigInt(attributes) << 32n) | (BigInt(offset >>> 16) << 48n);
    return this.write(IDT + vector * 16, low).write(IDT + vector * 16 + 8, 0n);
  }

  /** as 32-bit code without paging; gates have 8 bytes, the TSS is in use */
  inProtectedMode(): this {
    return this.set({ cr0: 0x11n, cr4: 0n, efer: 0n, mode: 1, cs: SELECTOR.CODE32, csRights: 0xc09b, tr: SELECTOR.TSS, trRights: 0x8b });
  }

  /** from protected mode: with the TSS's segments of ring 3 */
  inProtectedRing3(): this {
    return this.inProtectedMode().set({ cpl: 3, cs: SELECTOR.USER32, csRights: 0xc0fb, ss: SELECTOR.USER_DATA, ssRights: 0xc0f3 });
  }

  /** a gate of 8 bytes, or what else has its form */
  gate8(vector: number, selector: number, offset: number, attributes = 0x8e00): this {
    const low = BigInt(offset & 0xffff) | (BigInt(selector) << 16n);
    return this.write(IDT + vector * 8, low | (BigInt(attributes) << 32n) | (BigInt(offset >>> 16) << 48n));
  }

  code(hex: string, at = CODE): this {
    const bytes = [...(hex.replaceAll(" ", "").match(/../g) ?? []).map((b) => Number.parseInt(b, 16)), ...UD2];
    this.core.ram.set(bytes, at);
    this.core.ramWritten(at, bytes.length);
    return this;
  }

  /** Runs code until the core stops; why it did. */
  stop(hex?: string, budget = 1000n): number {
    if (hex !== undefined) this.code(hex);
    this.vcpu.setNumber("halted", 0);
    this.vcpu.refresh();
    return this.vcpu.run(budget);
  }

  /** Runs code until it reaches an UD2 or raises. */
  run(hex?: string): Outcome {
    if (hex !== undefined) this.code(hex);
    this.vcpu.refresh();
    const stop = this.vcpu.run(1000n);
    if (stop !== STOP.EXCEPTION) return { vector: `stop ${stop}`, errorCode: this.vcpu.getNumber("vector") };
    const vector = this.vcpu.getNumber("vector");
    const rip = Number(this.vcpu.get("rip")) + (this.vcpu.getNumber("mode") === 2 ? 0 : Number(this.vcpu.get("csBase")));
    if (vector === VECTOR.UD && UD2.every((b, i) => this.core.ram[rip + i] === b)) return { errorCode: 0 };
    return { vector: NAME.get(vector) ?? `vector ${vector}`, errorCode: this.vcpu.getNumber("errorCode") };
  }

  #tables(): void {
    this.write(PML4, BigInt(PDPT | 7)).write(PDPT, BigInt(PAGES | 7));
    this.write(PAGES, 0x87n).write(PAGES + 8, 0x20_0087n);
    const d = DESCRIPTOR;
    this.describe(SELECTOR.CODE64, d.code64).describe(SELECTOR.DATA, d.data).describe(SELECTOR.CODE32, d.code32);
    this.describe(SELECTOR.USER32, d.user32).describe(SELECTOR.USER_DATA, d.userData).describe(SELECTOR.USER64, d.user64);
    this.describe(SELECTOR.TSS, 0x0000_8900_0000_0067n | (BigInt(TSS) << 16n));
    this.describe(SELECTOR.LDT, 0x0000_8200_0000_00ffn | (BigInt(LDT) << 16n));
  }

  #registers(): void {
    this.set({ cr0: 0x8001_0033n, cr3: BigInt(PML4), cr4: 0x620n, efer: 0xd01n, mode: 2, cpl: 0, options: OPTION.HOST_EXCEPTIONS });
    this.set({ stackMask: 0xffff_ffff_ffff_ffffn, rip: BigInt(CODE), rsp: BigInt(STACK), gdtrBase: BigInt(GDT), gdtrLimit: 0xff });
    this.set({
      cs: SELECTOR.CODE64,
      csBase: 0n,
      csRights: 0xa09b,
      csLimit: 0xffff_ffff,
      ss: SELECTOR.DATA,
      ssRights: 0xc093,
      ssLimit: 0xffff_ffff,
    });
    this.set({
      dsRights: 0xc093,
      dsLimit: 0xffff_ffff,
      esRights: 0xc093,
      esLimit: 0xffff_ffff,
      trBase: BigInt(TSS),
      trLimit: 0x67,
      trRights: 0x8b,
    });
    this.vcpu.rflags = 2;
  }
}
