/**
 * The core in WebAssembly, instantiated: memory, RAM, vCPU state, and `run`. The only place that knows the module's imports and exports.
 */
import { max } from "../cpus/max.ts";
import type { CpuModel } from "../spec/cpuid.ts";
import { STOP } from "../spec/events.ts";
import { instantiateBlock } from "./jit-host.ts";
import { writeModel } from "./model.ts";
import { STATE_BYTES, StateView } from "./views.ts";

/** What assembly/index.ts exports. */
interface Exports {
  stateOf(index: number): number;
  stateSize(): number;
  ramBase(): number;
  initialize(ramBytes: bigint): void;
  featuresAt(): number;
  cpuidAt(): number;
  refresh(vcpu: number): void;
  run(vcpu: number, budget: bigint): number;
  rflags(vcpu: number): number;
  setRflags(vcpu: number, value: number): void;
  flushTlb(): void;
  flushPage(va: bigint): void;
  ramWritten(vcpu: number, gpa: bigint, bytes: bigint): void;
  ramAt(gpa: bigint): number;
  bounceAt(): number;
  emitBlock(vcpu: number): number;
  emittedAt(): number;
  emittedLocals(): bigint;
  finishEmitted(vcpu: number, records: number): number;
  conditionHolds(vcpu: number, cc: number): number;
  profileByKind(): number;
  blocksDecoded(): number;
  blocksStale(): number;
  blockMemory(): number;
}

/** What answers accesses to physical addresses that are not RAM; sizes are 1, 2, 4 or 8. */
export interface DeviceMemory {
  read(gpa: number, size: number): bigint;
  write(gpa: number, size: number, value: bigint): void;
}

/** Nobody is there: ones are read, writes are lost. */
const NO_DEVICES: DeviceMemory = { read: () => -1n, write() {} };

export type StopReason = (typeof STOP)[keyof typeof STOP];

/** Unwinds the core's frames when a guest instruction raises; never seen outside this file. */
const RAISED = { raised: true };

/** values of 1, 2, 4 and 8 bytes */
const MASK = Array.from({ length: 9 }, (_, bytes) => (1n << BigInt(8 * bytes)) - 1n);

const MIB = 1 << 20;
const PROFILE_CELLS = 4096 << 3;
export const MIN_MEMORY_MIB = 1;
export const MAX_MEMORY_MIB = 3584;

export class MemorySizeError extends Error {
  constructor(mib: number) {
    super(`guest memory of ${mib} MiB is not possible; choose from ${MIN_MEMORY_MIB} to ${MAX_MEMORY_MIB} MiB`);
  }
}

export class Core {
  readonly memory: WebAssembly.Memory;
  /** bytes of guest RAM */
  readonly ramBytes: number;
  readonly #exports: Exports;
  readonly #ramBase: number;

  /** `mib` MiB of guest RAM, not shared with other cores. */
  constructor(module: WebAssembly.Module, mib: number, model: CpuModel = max, devices: DeviceMemory = NO_DEVICES) {
    if (!Number.isInteger(mib) || mib < MIN_MEMORY_MIB || mib > MAX_MEMORY_MIB) throw new MemorySizeError(mib);
    const pages = 1024 + mib * 16;
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: 65536 });
    const env = {
      memory: this.memory,
      raised() {
        throw RAISED;
      },
      mmioRead: (gpa: number, size: number): void => {
        this.#exchange().setBigUint64(0, devices.read(gpa, size), true);
      },
      mmioWrite: (gpa: number, size: number): void => {
        devices.write(gpa, size, this.#exchange().getBigUint64(0, true) & MASK[size]);
      },
      abort(_message: number, _file: number, line: number, column: number) {
        throw new Error(`the core failed an internal check at ${line}:${column}`);
      },
    };
    this.#exports = new WebAssembly.Instance(module, { env }).exports as unknown as Exports;
    if (this.#exports.stateSize() !== STATE_BYTES)
      throw new Error(`the core's vCPU state has ${this.#exports.stateSize()} bytes, TypeScript's ${STATE_BYTES}: run \`npm run build\``);
    this.#ramBase = this.#exports.ramBase();
    this.ramBytes = mib * MIB;
    this.#exports.initialize(BigInt(this.ramBytes));
    writeModel(this.memory, this.#exports.featuresAt(), this.#exports.cpuidAt(), model);
  }

  /** guest RAM; index = guest-physical address. After writing code through it, call `ramWritten`. */
  get ram(): Uint8Array {
    return new Uint8Array(this.memory.buffer, this.#ramBase, this.ramBytes);
  }

  vcpu(index: number): Vcpu {
    return new Vcpu(this.#exports, this.memory, this.#exports.stateOf(index));
  }

  /** where data of accesses to devices pass through */
  #exchange(): DataView {
    return new DataView(this.memory.buffer, this.#exports.bounceAt());
  }

  /** Forgets all translations. */
  flushTlb(): void {
    this.#exports.flushTlb();
  }

  /** Forgets the translations of one page. */
  flushPage(va: bigint): void {
    this.#exports.flushPage(va);
  }

  /** Guest RAM was written from outside: what was decoded from there is stale. */
  ramWritten(gpa: number, bytes: number): void {
    this.#exports.ramWritten(this.#exports.stateOf(0), BigInt(gpa), BigInt(bytes));
  }

  /** How often records of each kind ran, by operand classes (`R`, `M`, `I`): `"24 RM"` → count. build/kinds.json names the kinds. */
  profile(): Map<string, bigint> {
    const cells = new BigUint64Array(this.memory.buffer, this.#exports.profileByKind(), PROFILE_CELLS);
    const counts = new Map<string, bigint>();
    cells.forEach((count, i) => {
      if (count > 0n) counts.set(`${i >> 3} ${"RM"[(i >> 2) & 1]}${"RMI"[i & 3]}`, count);
    });
    return counts;
  }

  /** counters since start */
  counters(): { readonly blocksDecoded: number; readonly blocksStale: number; readonly blockBytes: number } {
    const e = this.#exports;
    return { blocksDecoded: e.blocksDecoded(), blocksStale: e.blocksStale(), blockBytes: e.blockMemory() };
  }
}

export class Vcpu extends StateView {
  readonly #exports: Exports;
  readonly #memory: WebAssembly.Memory;
  readonly #address: number;

  constructor(exports: Exports, memory: WebAssembly.Memory, address: number) {
    super(memory, address);
    this.#memory = memory;
    this.#exports = exports;
    this.#address = address;
  }

  get rflags(): number {
    return this.#exports.rflags(this.#address);
  }

  set rflags(value: number) {
    this.#exports.setRflags(this.#address, value);
  }

  /** Tells the core that mode, privilege level, paging or options were changed from outside. */
  refresh(): void {
    this.#exports.refresh(this.#address);
  }

  /**
   * Compiles the block at RIP and runs it once. Returns how many instructions it retired; when the compiled code had to leave early, RIP
   * is at the instruction that it could not do. If RIP cannot be fetched, nothing is retired and `run` will say why.
   */
  runEmittedBlock(): number {
    const e = this.#exports;
    const length = this.#unlessRaised(() => e.emitBlock(this.#address), 0);
    if (length === 0) return 0;
    const counts = e.emittedLocals();
    const locals = { i64: Number(counts & 0xffffn), i32: Number((counts >> 16n) & 0xffffn), v128: Number(counts >> 32n) };
    const code = new Uint8Array(this.#memory.buffer, e.emittedAt(), length);
    const block = instantiateBlock(code, locals, { memory: this.#memory, conditionHolds: e.conditionHolds });
    const rip = this.get("rip");
    this.set("blockRip", rip);
    return e.finishEmitted(this.#address, block(rip));
  }

  /** Runs up to `budget` instructions; the last block may run over. Afterwards RIP, all registers and `instructions` are exact. */
  run(budget: bigint): StopReason {
    for (;;) {
      const stop = (this.#unlessRaised(() => this.#exports.run(this.#address, budget), undefined) as StopReason) ?? this.getNumber("stop");
      if (stop !== STOP.EXCEPTION || (this.getNumber("options") & 1) !== 0) return stop;
    }
  }

  /** What `enter` returns, or `otherwise` if a guest instruction raised. */
  #unlessRaised<T>(enter: () => number, otherwise: T): number | T {
    try {
      return enter();
    } catch (error) {
      if (error !== RAISED) throw error;
      return otherwise;
    }
  }
}
