/**
 * The core in WebAssembly, instantiated: memory, RAM, vCPU state, and `run`. The only place that knows the module's imports and exports.
 */
import { max } from "../cpus/max.ts";
import { COUNTER_NAMES, type CounterName } from "../spec/counters.ts";
import type { CpuModel } from "../spec/cpuid.ts";
import { HALTED, OPTION, STOP, VMX } from "../spec/events.ts";
import { exitReasonName } from "../spec/exits.ts";
import { RFLAGS } from "../spec/registers.ts";
import { FastPath } from "./fast-path.ts";
import { instantiateBlock } from "./jit-host.ts";
import { writeModel } from "./model.ts";
import { RAISED } from "./raised.ts";
import { readStaleUses, type StaleUses } from "./stale.ts";
import { VcpuVmx, type VmxExports } from "./vcpu-vmx.ts";
import { STATE_BYTES, StateView } from "./views.ts";

/** What assembly/index.ts exports. */
interface Exports extends VmxExports {
  stateOf(index: number): number;
  stateSize(): number;
  ramBase(): number;
  initialize(ramBytes: bigint): void;
  featuresAt(): number;
  msrsAt(): number;
  cpuidAt(): number;
  deliveredAt(): number;
  modelAt(): number;
  countersAt(): number;
  violations(): number;
  violationsAt(): number;
  refresh(vcpu: number): void;
  reset(vcpu: number): void;
  run(vcpu: number, budget: bigint): number;
  resume(vcpu: number): number;
  endRun(vcpu: number): void;
  skip(vcpu: number, cycles: number): void;
  setLint(vcpu: number, pin: number, level: number): void;
  raiseNmi(vcpu: number): void;
  message(address: number, data: number): void;
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
  staleUses(): number;
  staleUsesAt(): number;
  blocksDecoded(): number;
  blocksStale(): number;
  blockMemory(): number;
}

/** What surrounds the processors: ports, memory that is not RAM, interrupt controllers. Called from inside an instruction; `Core.now` is its time. */
export interface CoreHost {
  /** sizes are 1, 2 and 4 bytes */
  portIn(port: number, size: number): number;
  portOut(port: number, size: number, value: number): void;
  /** sizes are 1, 2 and 4 bytes; wider accesses come in parts */
  mmioRead(gpa: number, size: number): number;
  mmioWrite(gpa: number, size: number, value: number): void;
  /** the interrupt acknowledge cycle: which vector the 8259 wants */
  intAck(): number;
  /** a level-triggered interrupt of a local APIC has ended */
  eoi(vector: number): void;
  /** an event, by its number in EVENT, is about to be delivered; only with OPTION.TRACE */
  delivers?(vector: number, type: number, errorCode: number): void;
  /** a guest goes on after a VM exit, which cost so many cycles; only with OPTION.TRACE_EXITS */
  exited?(reason: number, qualification: bigint, rip: bigint, cost: number, fast: boolean): void;
}

/** How often VM exits with one reason came about, and how many of them the fast path has answered. */
export interface ExitCount {
  readonly reason: number;
  readonly name: string;
  readonly count: number;
  readonly fast: number;
}

/** Nobody is there, as around a program that runs alone: reads give ones, writes are lost. */
export const NOBODY: CoreHost = {
  portIn: (_port, size) => onesOf(size),
  portOut() {},
  mmioRead: (_gpa, size) => onesOf(size),
  mmioWrite() {},
  intAck: () => 0xff,
  eoi() {},
};

const onesOf = (size: number): number => (size === 4 ? 0xffff_ffff : (1 << (8 * size)) - 1);

export type StopReason = (typeof STOP)[keyof typeof STOP];

/** what `#enter` returns if a guest instruction raised: no STOP value */
const RAISES = -1;
/** some 50 ms */
const MAX_EXCEPTIONS = 10_000;
const MAX_EXITS = 50_000;
/** `timerAt` of a timer that is not armed */
const NEVER = 0xffff_ffff_ffff_ffffn;
/** of the pin-based VM-execution controls */
const EXTERNAL_INTERRUPT_EXITING = 1;
const MIB = 1 << 20;
const VIOLATIONS_MAX = 64;
const VIOLATION_BYTES = 16;
const VECTORS = 256;
const EXIT_REASONS = 128;
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
  /** where the data of an access to device memory stand */
  readonly #bounce: DataView;
  readonly #host: CoreHost;
  /** VM exits that the core answers for the VMM */
  readonly fastPath: FastPath;
  readonly #vcpus = new Map<number, Vcpu>();

  /** `mib` MiB of guest RAM, not shared with other cores. */
  constructor(module: WebAssembly.Module, mib: number, model: CpuModel = max, host: CoreHost = NOBODY) {
    if (!Number.isInteger(mib) || mib < MIN_MEMORY_MIB || mib > MAX_MEMORY_MIB) throw new MemorySizeError(mib);
    this.#host = host;
    const pages = 1024 + mib * 16;
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: 65536 });
    const env = {
      memory: this.memory,
      raised() {
        throw RAISED;
      },
      portIn: (port: number, size: number) => host.portIn(port, size),
      portOut: (port: number, size: number, value: number) => host.portOut(port, size, value >>> 0),
      mmioRead: (gpa: number, size: number) => {
        this.#bounce.setUint32(0, host.mmioRead(gpa, Math.min(size, 4)), true);
        if (size === 8) this.#bounce.setUint32(4, host.mmioRead(gpa + 4, 4), true);
      },
      mmioWrite: (gpa: number, size: number) => {
        const low = this.#bounce.getUint32(0, true);
        const high = this.#bounce.getUint32(4, true);
        host.mmioWrite(gpa, Math.min(size, 4), size >= 4 ? low : low & onesOf(size));
        if (size === 8) host.mmioWrite(gpa + 4, 4, high);
      },
      intAck: () => host.intAck(),
      eoi: (vector: number) => host.eoi(vector),
      delivers: (vector: number, type: number, errorCode: number) => host.delivers?.(vector, type, errorCode),
      exited: (reason: number, qualification: bigint, rip: bigint, cost: number, fast: number) =>
        host.exited?.(reason, BigInt.asUintN(64, qualification), BigInt.asUintN(64, rip), cost, fast !== 0),
      abort(_message: number, _file: number, line: number, column: number) {
        throw new Error(`the core failed an internal check at ${line}:${column}`);
      },
    };
    this.#exports = new WebAssembly.Instance(module, { env }).exports as unknown as Exports;
    if (this.#exports.stateSize() !== STATE_BYTES)
      throw new Error(`the core's vCPU state has ${this.#exports.stateSize()} bytes, TypeScript's ${STATE_BYTES}: run \`npm run build\``);
    this.#ramBase = this.#exports.ramBase();
    this.#bounce = new DataView(this.memory.buffer, this.#exports.bounceAt(), 8);
    this.ramBytes = mib * MIB;
    this.#exports.initialize(BigInt(this.ramBytes));
    const e = this.#exports;
    this.fastPath = new FastPath(this.memory, e.fastPathAt(), e.fastMsrsAt());
    writeModel(this.memory, { features: e.featuresAt(), msrs: e.msrsAt(), cpuid: e.cpuidAt(), controls: e.modelAt() }, model);
  }

  /** guest RAM; index = guest-physical address. After writing code through it, call `ramWritten`. */
  get ram(): Uint8Array {
    return new Uint8Array(this.memory.buffer, this.#ramBase, this.ramBytes);
  }

  vcpu(index: number): Vcpu {
    let vcpu = this.#vcpus.get(index);
    if (vcpu === undefined) {
      vcpu = new Vcpu(this.#exports, this.memory, this.#exports.stateOf(index));
      this.#vcpus.set(index, vcpu);
    }
    return vcpu;
  }

  /** An access to a port as a program makes it, from outside. */
  portIn(port: number, size: number): number {
    return this.#host.portIn(port, size);
  }

  portOut(port: number, size: number, value: number): void {
    this.#host.portOut(port, size, value >>> 0);
  }

  /** Where RAM at a guest-physical address stands in `memory`, or undefined. */
  linearOf(gpa: bigint): number | undefined {
    const at = this.#exports.ramAt(gpa);
    return at === 0 ? undefined : at >>> 0;
  }

  /** How often each vector was delivered. */
  get delivered(): { readonly exceptions: Uint32Array; readonly interrupts: Uint32Array; readonly software: Uint32Array } {
    const counts = new Uint32Array(this.memory.buffer, this.#exports.deliveredAt(), 3 * VECTORS).slice();
    const of = (kind: number) => counts.subarray(kind * VECTORS, (kind + 1) * VECTORS);
    return { exceptions: of(0), interrupts: of(1), software: of(2) };
  }

  /** What the last VM entry violated: ids of rules, offsets of fields in a VMCS region and their values. More than 64 are not kept. */
  get violations(): readonly { readonly rule: number; readonly offset: number; readonly value: bigint }[] {
    const count = Math.min(this.#exports.violations(), VIOLATIONS_MAX);
    const view = new DataView(this.memory.buffer, this.#exports.violationsAt(), VIOLATIONS_MAX * VIOLATION_BYTES);
    return Array.from({ length: count }, (_, i) => {
      const at = i * VIOLATION_BYTES;
      return { rule: view.getUint32(at, true), offset: view.getUint32(at + 4, true), value: view.getBigUint64(at + 8, true) };
    });
  }

  /** VM exits by basic reason, those that there were. */
  exitStats(): readonly ExitCount[] {
    const cells = new BigUint64Array(this.memory.buffer, this.#exports.exitCountsAt(), 2 * EXIT_REASONS);
    const all = Array.from({ length: EXIT_REASONS }, (_, reason) => ({
      reason,
      name: exitReasonName(reason),
      count: Number(cells[2 * reason]),
      fast: Number(cells[2 * reason + 1]),
    }));
    return all.filter(({ count }) => count > 0);
  }

  /** A message-signalled interrupt: `data` written to `address` in FEExxxxxH. */
  message(address: number, data: number): void {
    this.#exports.message(address, data);
  }

  /** Forgets all translations. */
  flushTlb(): void {
    this.#exports.flushTlb();
  }

  /** Forgets the translations of one page. */
  flushPage(va: bigint): void {
    this.#exports.flushPage(va);
  }

  /** What vCPUs that check their translations have noted since the last call. */
  takeStaleUses(): StaleUses {
    return readStaleUses(this.memory.buffer, this.#exports.staleUsesAt(), this.#exports.staleUses());
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

  /** counters since start; src/spec/counters.ts */
  counters(): Readonly<Record<CounterName | "blocksDecoded" | "blocksStale" | "blockBytes", number>> {
    const e = this.#exports;
    const cells = new BigUint64Array(this.memory.buffer, e.countersAt(), COUNTER_NAMES.length);
    const counted = Object.fromEntries(COUNTER_NAMES.map((name, i) => [name, Number(cells[i])])) as Record<CounterName, number>;
    return { blocksDecoded: e.blocksDecoded(), blocksStale: e.blocksStale(), blockBytes: e.blockMemory(), ...counted };
  }
}

export class Vcpu extends StateView {
  readonly #exports: Exports;
  readonly #memory: WebAssembly.Memory;
  readonly #address: number;
  /** what the VMM in TypeScript does with this processor */
  readonly vmx: VcpuVmx;
  /** Called by `run` when a VM exit has arrived at the gate. Without it, `run` returns STOP.VM_EXIT. */
  onVmExit: (() => void) | undefined;
  /** handled in this `run` */
  #exits = 0;

  constructor(exports: Exports, memory: WebAssembly.Memory, address: number) {
    super(memory, address);
    this.#memory = memory;
    this.#exports = exports;
    this.#address = address;
    this.vmx = new VcpuVmx(exports, memory, address, this);
  }

  get rflags(): number {
    return this.#exports.rflags(this.#address);
  }

  set rflags(value: number) {
    this.#exports.setRflags(this.#address, value);
  }

  /**
   * Whether each use of a translation that the TLB holds is compared with the tables in memory (`Core.takeStaleUses`); costs a page walk for
   * each access. What the TLB holds already is compared, too.
   */
  get checksTranslations(): boolean {
    return (this.getNumber("options") & OPTION.CHECK_TRANSLATIONS) !== 0;
  }

  set checksTranslations(on: boolean) {
    const others = this.getNumber("options") & ~OPTION.CHECK_TRANSLATIONS;
    this.setNumber("options", on ? others | OPTION.CHECK_TRANSLATIONS : others);
    this.refresh();
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
    const length = this.#emit();
    if (length === 0) return 0;
    const counts = e.emittedLocals();
    const locals = { i64: Number(counts & 0xffffn), i32: Number((counts >> 16n) & 0xffffn), v128: Number(counts >> 32n) };
    const code = new Uint8Array(this.#memory.buffer, e.emittedAt(), length);
    const block = instantiateBlock(code, locals, { memory: this.#memory, conditionHolds: e.conditionHolds });
    const rip = this.get("rip");
    this.set("blockRip", rip);
    return e.finishEmitted(this.#address, block(rip));
  }

  /**
   * Runs up to `budget` instructions; the last block may run over. Afterwards RIP, all registers and `instructions` are exact. Exceptions
   * go through the guest's IDT, unless OPTION.HOST_EXCEPTIONS makes them a reason to stop. They retire nothing, and VM exits need not, so
   * a guest could cause them for ever: after so many it returns STOP.EXCEPTION, and the next `run` goes on.
   */
  run(budget: bigint): StopReason {
    let exceptions = 0;
    this.#exits = 0;
    // the last run may have ended at an exit
    let stop = this.#handleExits() ?? this.#enter(budget);
    for (; ; stop = this.#handleExits() ?? this.#goOn()) {
      if (stop === STOP.VM_EXIT && this.onVmExit !== undefined) continue;
      if (stop !== RAISES) return stop === STOP.BUDGET && exceptions >= MAX_EXCEPTIONS ? STOP.EXCEPTION : stop;
      const reason = this.getNumber("stop") as StopReason;
      // an instruction that starts over has left without a reason to stop
      if (reason === STOP.BUDGET || reason === STOP.VM_EXIT) continue;
      if (reason !== STOP.EXCEPTION || (this.getNumber("options") & OPTION.HOST_EXCEPTIONS) !== 0) return reason;
      // delivers this one, and runs no instruction: whoever looks at the vCPU then finds it between two
      if (++exceptions >= MAX_EXCEPTIONS) this.set("left", 0n);
    }
  }

  /** Lets the VMM handle what has arrived at the gate; an entry that fails arrives there again. Returns why the vCPU cannot go on, if so. */
  #handleExits(): StopReason | undefined {
    while (this.vmx.isAtGate) {
      if (this.onVmExit === undefined) return STOP.VM_EXIT;
      if (++this.#exits > MAX_EXITS) return STOP.EXCEPTION;
      this.vmx.handle(this.onVmExit);
      if (this.vmx.halted) return STOP.SHUTDOWN;
    }
    return undefined;
  }

  /** As after power-up. */
  reset(): void {
    this.vmx.reset();
    this.#exports.reset(this.#address);
  }

  /** Makes a `run` that is going on return behind its block, or the next one at once. */
  endRun(): void {
    this.#exports.endRun(this.#address);
  }

  /** cycles since power-on: of the instruction that is calling the host, or of the end of the last slice */
  get now(): number {
    return this.getDouble("now");
  }

  /** the cycle in which the local APIC's timer, or a guest's VMX-preemption timer, expires next, or Infinity */
  get nextTimer(): number {
    const [apic, vmx] = [this.get("timerAt"), this.get("vmxTimerAt")].map((at) => (at === NEVER ? Number.POSITIVE_INFINITY : Number(at)));
    return Math.min(apic, vmx);
  }

  /** Whether a halted processor waits for ever: interrupts are off, and it is no guest that they, or a timer, take out all the same. */
  get isDeaf(): boolean {
    if (this.getNumber("halted") === HALTED.WAIT_FOR_SIPI) return true;
    if ((this.rflags & RFLAGS.IF) !== 0) return false;
    const exits = (this.getNumber("vmxPin") & EXTERNAL_INTERRUPT_EXITING) !== 0 || this.get("vmxTimerAt") !== NEVER;
    return this.getNumber("vmx") !== VMX.NON_ROOT || !exits;
  }

  /** Lets the vCPU wait for so many cycles. */
  skip(cycles: number): void {
    this.#exports.skip(this.#address, cycles);
  }

  /** Level of the 8259's INTR wire, which is LINT0. */
  setIntr(level: boolean): void {
    this.#exports.setLint(this.#address, 0, level ? 1 : 0);
  }

  /** Level of the NMI wire, which is LINT1. */
  setNmi(level: boolean): void {
    this.#exports.setLint(this.#address, 1, level ? 1 : 0);
  }

  /** An NMI from elsewhere. */
  raiseNmi(): void {
    this.#exports.raiseNmi(this.#address);
  }

  /** Why the core came back, or RAISES if a guest instruction raised. */
  #enter(budget: bigint): StopReason | typeof RAISES {
    try {
      return this.#exports.run(this.#address, budget) as StopReason;
    } catch (error) {
      if (error !== RAISED) throw error;
      return RAISES;
    }
  }

  /** The same, with what is left of the budget. */
  #goOn(): StopReason | typeof RAISES {
    try {
      return this.#exports.resume(this.#address) as StopReason;
    } catch (error) {
      if (error !== RAISED) throw error;
      return RAISES;
    }
  }

  /** Bytes of the compiled block, 0 if it cannot be fetched. */
  #emit(): number {
    try {
      return this.#exports.emitBlock(this.#address);
    } catch (error) {
      if (error !== RAISED) throw error;
      return 0;
    }
  }
}
