/**
 * The machine that a program embeds: a PC (pc.ts) with a kernel in it, run in slices between which the event loop turns, so that neither
 * a page nor a server hangs however long the guest takes. Time is cycles of the guest and passes only in `run`: what a guest does depends
 * on its options and its input alone.
 *
 *   const machine = await Machine.create({ memory: 64, kernel });
 *   machine.on("serial", (bytes) => process.stdout.write(bytes));
 *   const { reason } = await machine.run();
 */
import type { Saved } from "../bus/device.ts";
import type { StopReason } from "../core/core.ts";
import { DriverError } from "../driver/driver-error.ts";
import type { Vmm } from "../driver/vmm.ts";
import { STOP, UNIMPLEMENTED } from "../spec/events.ts";
import { boot } from "./boot.ts";
import { breathe } from "./breathe.ts";
import { type Config, ConfigError, checkOptions, type MachineOptions } from "./config.ts";
import { runFirmware } from "./firmware.ts";
import { Hooks } from "./hooks.ts";
import type { Output } from "./output.ts";
import { pageOf } from "./page-walk.ts";
import { Pc } from "./pc.ts";
import { type Registers, registersOf } from "./registers.ts";
import type { SerialPort } from "./serial.ts";
import { type MachineStatistics, statisticsOf } from "./statistics.ts";
import { isFinal, type Stop } from "./stop.ts";
import type { makeVmm } from "./vmm.ts";
import { MachineVmx } from "./vmx.ts";

export interface RunOptions {
  /** cycles of guest time, idle ones included */
  readonly cycles?: number;
  /** instructions that may retire */
  readonly instructions?: number;
  /** stop when the first serial port has sent this text, or when this is true, which is asked between slices */
  readonly until?: string | (() => boolean);
  readonly signal?: AbortSignal;
  /**
   * Called when the guest halts and nothing is due for `nanoseconds` of guest time (Infinity: nothing at all). What it returns is waited
   * for; without it, time is skipped at once, and where nothing is due, `run` waits for serial input or `stop()`.
   */
  readonly idle?: (nanoseconds: number, woken: Promise<void>) => Promise<void> | undefined;
}

/** What `on` tells, by name. */
export interface MachineEvents {
  /** the guest has sent bytes on a serial port; 0 is COM1 */
  serial: (bytes: Uint8Array, port: number) => void;
  /** the guest has written bytes to the debug console, port 0xE9 */
  debug: (bytes: Uint8Array) => void;
  /** the VMM has stopped, over a handler of its own for example: the guest has been taken out of its VM and goes on; what the VMM said last */
  vmm: (text: string) => void;
  /** the guest has reset the machine, which starts again */
  reset: () => void;
  /** `run` is about to return */
  stop: (stop: Stop) => void;
}

/** Instructions after which the event loop gets its turn: some 10 ms. */
const SLICE = 1_000_000;
/** the same where every instruction is looked at */
const WATCHED_SLICE = 20_000;
/** idle guests and busy devices: at most so many events in a slice */
const MAX_ROUNDS = 2000;
const SAVED_FORMAT = 1;

type Address = number | bigint;

export class Machine {
  readonly registers: Registers;
  readonly hooks: Hooks;
  /** for monitors and debuggers: the parts themselves */
  readonly pc: Pc;
  /** the processor's VMX: the current VMCS, and why an entry failed */
  readonly vmx: MachineVmx;
  readonly config: Config;
  readonly #listeners: { readonly [E in keyof MachineEvents]: Set<MachineEvents[E]> } = {
    serial: new Set(),
    debug: new Set(),
    vmm: new Set(),
    reset: new Set(),
    stop: new Set(),
  };
  #request: Stop | undefined;
  #end: Stop | undefined;
  #running = false;
  /** the guest's instructions run right now; what waits for a boundary between them */
  #inGuest = false;
  #waiting: (() => void)[] = [];
  #vmm: Vmm | undefined;
  readonly #makeVmm: typeof makeVmm | undefined;
  #wake: () => void = () => {};

  /** `module` is the core, compiled: the package's `core.wasm`. */
  static async create(options: MachineOptions & { readonly module: WebAssembly.Module }): Promise<Machine> {
    const config = checkOptions(options);
    return new Machine(options.module, config, await Machine.vmmFor(config));
  }

  /** What makes the VMM of such a machine: loaded only where there is to be one. */
  protected static async vmmFor({ poolBytes }: Config): Promise<typeof makeVmm | undefined> {
    return poolBytes === 0 ? undefined : (await import("./vmm.ts")).makeVmm;
  }

  constructor(module: WebAssembly.Module, config: Config, vmm?: typeof makeVmm) {
    this.config = config;
    this.#makeVmm = vmm;
    this.hooks = new Hooks(() => this.pc.watch(this.hooks));
    this.pc = new Pc(module, config, this.hooks, {
      request: (stop) => this.#ask(stop),
      wake: () => this.#wake(),
    });
    this.registers = registersOf(this.pc.vcpu);
    this.vmx = new MachineVmx(this.pc.core, this.pc.vcpu);
    for (const port of this.serialPorts) port.onOutput((bytes) => this.#emit("serial", bytes, port.index));
    this.debugConsole.onOutput((bytes) => this.#emit("debug", bytes));
    this.reset();
  }

  /** COM1 */
  get serial(): SerialPort {
    return this.pc.serialPorts[0];
  }

  /** COM1 to COM4, and the virtio console if there is one */
  get serialPorts(): readonly SerialPort[] {
    return this.pc.serialPorts;
  }

  /** what the guest writes to port 0xE9 */
  get debugConsole(): Output {
    return this.pc.debugConsole;
  }

  get #outputs(): readonly Output[] {
    return [...this.serialPorts, this.debugConsole];
  }

  /** Cycles since power-on: nanoseconds of guest time. */
  get cycles(): number {
    return this.pc.clock.now;
  }

  /** Why the machine's power is off, if it is. */
  get ended(): Stop | undefined {
    return this.#end;
  }

  /** Calls `listener` whenever the event happens; returns what ends that. */
  on<E extends keyof MachineEvents>(event: E, listener: MachineEvents[E]): () => void {
    this.#listeners[event].add(listener);
    return () => this.#listeners[event].delete(listener);
  }

  /** Runs until something of `options` or the guest itself ends it. A machine whose power is off says again why. */
  async run(options: RunOptions = {}): Promise<Stop> {
    if (this.#running) throw new Error("the machine is running already");
    if (this.#end !== undefined) return this.#end;
    const { signal, until } = options;
    if (signal?.aborted === true) return { reason: "stopped" };
    this.#running = true;
    this.#request = undefined;
    const abort = () => this.stop();
    signal?.addEventListener("abort", abort);
    const unwatch = typeof until === "string" ? this.serial.watch(until, () => this.#ask({ reason: "until" })) : undefined;
    try {
      return this.#finish(await this.#loop(options));
    } finally {
      unwatch?.();
      signal?.removeEventListener("abort", abort);
      this.#running = false;
    }
  }

  /** Ends `run` soon. */
  stop(): void {
    this.#ask({ reason: "stopped" });
    this.#wake();
  }

  /**
   * Calls `act` when the guest stands between two instructions: now, unless this is called from inside of one, as hooks, devices and handlers
   * of VM exits are; then behind its block. What `act` throws ends `run`.
   */
  atBoundary(act: () => void): void {
    if (this.#inGuest) {
      this.#waiting.push(act);
      this.pc.vcpu.endRun();
    } else act();
  }

  /** The VMM underneath the guest: the verbs of its driver. Only of machines that were made with the option `vmm`, and between instructions. */
  get vmm(): Vmm {
    if (this.#inGuest) throw new Error("the guest is in the middle of an instruction: use the VMM by machine.atBoundary(() => …)");
    if (this.#makeVmm === undefined) throw new ConfigError("vmm", "this machine has no VMM; make it with the option vmm: true");
    this.#vmm ??= this.#makeVmm(this.pc, this.config);
    return this.#vmm;
  }

  /** Presses the reset button: devices and processor start again, and the kernel is loaded again. RAM keeps what nobody overwrites. */
  reset(): void {
    this.#vmm?.shutDown();
    this.pc.reset();
    runFirmware(this.pc);
    if (this.config.kernel !== undefined) boot(this.pc, this.config.kernel);
  }

  /** Lets go of everything; `run` returns soon. Serial iterators end. */
  destroy(): void {
    this.stop();
    this.#end ??= { reason: "stopped" };
    for (const output of this.#outputs) output.end();
  }

  /** A copy of guest-physical memory. Throws a RangeError where there is no RAM. */
  readPhysical(gpa: Address, length: number): Uint8Array {
    const bytes = this.pc.memory.view(Number(gpa), length);
    if (bytes === undefined) throw noRam("physical", gpa, length);
    return bytes.slice();
  }

  writePhysical(gpa: Address, bytes: Uint8Array): void {
    if (!this.pc.memory.write(Number(gpa), bytes)) throw noRam("physical", gpa, bytes.length);
  }

  /** A copy of memory at a linear address, as the guest's page tables are now. Throws a RangeError where nothing is mapped. */
  readVirtual(gva: Address, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (const { gpa, offset, length: part } of this.#parts(gva, length)) bytes.set(this.readPhysical(gpa, part), offset);
    return bytes;
  }

  /** Page rights are not looked at. Nothing is written if not all of it is mapped. */
  writeVirtual(gva: Address, bytes: Uint8Array): void {
    for (const { gpa, offset, length } of [...this.#parts(gva, bytes.length)])
      this.writePhysical(gpa, bytes.subarray(offset, offset + length));
  }

  /** The physical address behind a linear one, if it is mapped. */
  translate(gva: Address): number | undefined {
    const page = pageOf(this.registers, this.pc.memory, BigInt(gva));
    return page === undefined ? undefined : page.gpa + (Number(BigInt(gva) & 0xffff_ffffn) % page.bytes);
  }

  /** Counters since power-on. */
  stats(): MachineStatistics {
    return statisticsOf(this.pc);
  }

  /** The state of everything but RAM; plain data. */
  save(): Saved {
    return { format: SAVED_FORMAT, ...this.pc.save() };
  }

  /** Takes back what `save` of a machine with the same options gave. */
  restore(saved: Saved): void {
    const record = saved as { readonly format: number } & ReturnType<Pc["save"]>;
    if (record.format !== SAVED_FORMAT) throw new Error(`a saved machine of format ${record.format} cannot be taken back`);
    this.pc.restore(record);
  }

  async #loop(options: RunOptions): Promise<Stop> {
    const { cycles = Number.POSITIVE_INFINITY, instructions = Number.POSITIVE_INFINITY, until, idle } = options;
    const end = this.cycles + cycles;
    const lastInstruction = this.pc.instructions + instructions;
    for (;;) {
      await breathe();
      const result = this.#slice(end, lastInstruction, idle !== undefined);
      for (const output of this.#outputs) output.flush();
      if (typeof until === "function" && until()) return { reason: "until" };
      if (result === undefined) continue;
      if ("idleUntil" in result) await this.#rest(result.idleUntil, idle);
      else if (result.reason === "reset" && this.config.restarts) {
        this.reset();
        this.#emit("reset");
      } else return result;
    }
  }

  /** Runs until the event loop should turn, the guest idles, or there is a reason to stop. */
  #slice(end: number, lastInstruction: number, pauses: boolean): Stop | { readonly idleUntil: number } | undefined {
    const { clock, vcpu } = this.pc;
    const watched = this.hooks.watchesCode;
    let left = watched ? WATCHED_SLICE : SLICE;
    for (let round = 0; left > 0 && (watched || round < MAX_ROUNDS); round++) {
      clock.advance();
      if (this.#request !== undefined) return this.#taken();
      const now = clock.now;
      if (now >= end) return { reason: "cycles" };
      const instructions = lastInstruction - this.pc.instructions;
      if (instructions <= 0) return { reason: "instructions" };
      if (watched) this.hooks.reached(this.pc.linearRip);
      if (this.#request !== undefined) return this.#taken();
      const budget = watched ? 1 : Math.max(1, Math.min(left, end - now, clock.next - now, instructions));
      const why = this.#runGuest(budget);
      left -= Math.max(1, clock.now - now);
      if (why === STOP.HALT) {
        const due = Math.min(clock.next, vcpu.nextTimer);
        if (vcpu.isDeaf) return this.#request === undefined ? { reason: "halted" } : this.#taken();
        if (due === Number.POSITIVE_INFINITY || (pauses && due > clock.now)) return { idleUntil: Math.min(due, end) };
        vcpu.skip(Math.max(0, Math.min(due, end) - clock.now));
      } else if (why === STOP.EXCEPTION) return undefined;
      else if (why === STOP.SHUTDOWN && !vcpu.vmx.halted) return { reason: "triple fault" };
      else if (why === STOP.SHUTDOWN && !this.#takeOut()) return { reason: "vmm stopped" };
      else if (why === STOP.UNIMPLEMENTED) return { reason: "unimplemented", what: unimplementedText(vcpu.getNumber("vector")) };
    }
    return undefined;
  }

  /** A VMM that has stopped the processor is stopped, and the guest goes on without; false if that cannot be. */
  #takeOut(): boolean {
    const vmm = this.#vmm;
    if (vmm === undefined) return false;
    const said = vmm.dump();
    try {
      vmm.stop();
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      return false;
    }
    this.#emit("vmm", said);
    return true;
  }

  #runGuest(budget: number): StopReason {
    this.#inGuest = true;
    try {
      return this.pc.run(budget);
    } finally {
      this.#inGuest = false;
      const waiting = this.#waiting;
      if (waiting.length > 0) this.#waiting = [];
      for (const act of waiting) act();
    }
  }

  /** The guest idles, and nothing is due before `cycle`. */
  async #rest(cycle: number, idle: RunOptions["idle"]): Promise<void> {
    const { clock, vcpu } = this.pc;
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    const nanoseconds = ((cycle - clock.now) / clock.hz) * 1e9;
    // what came in since the slice has woken nobody
    if (this.#request === undefined && clock.next >= cycle && !this.pc.interrupted) {
      const waiting = idle?.(nanoseconds, woken);
      if (waiting !== undefined) await waiting;
      else if (cycle === Number.POSITIVE_INFINITY) await woken;
    }
    this.#wake = () => {};
    const due = Math.min(cycle, clock.next);
    if (this.#request === undefined && !this.pc.interrupted && due !== Number.POSITIVE_INFINITY) vcpu.skip(Math.max(0, due - clock.now));
  }

  #ask(stop: Stop): void {
    this.#request ??= stop;
    this.pc?.vcpu.endRun();
  }

  #taken(): Stop | undefined {
    const stop = this.#request;
    this.#request = undefined;
    return stop;
  }

  #finish(stop: Stop): Stop {
    if (isFinal(stop)) {
      this.#end = stop;
      for (const output of this.#outputs) output.end();
    }
    this.#emit("stop", stop);
    return stop;
  }

  #emit<E extends keyof MachineEvents>(event: E, ...args: Parameters<MachineEvents[E]>): void {
    for (const listener of this.#listeners[event]) (listener as (...a: Parameters<MachineEvents[E]>) => void)(...args);
  }

  /** Cuts a linear range at page borders. */
  *#parts(gva: Address, length: number): Generator<{ readonly gpa: number; readonly offset: number; readonly length: number }> {
    for (let offset = 0; offset < length; ) {
      const at = BigInt(gva) + BigInt(offset);
      const gpa = this.translate(at);
      if (gpa === undefined) throw noRam("linear", at, 1);
      const part = Math.min(length - offset, 4096 - (gpa % 4096));
      yield { gpa, offset, length: part };
      offset += part;
    }
  }
}

function noRam(kind: string, address: Address, length: number): RangeError {
  return new RangeError(`there is no RAM behind ${kind} address 0x${address.toString(16)} (${length} bytes)`);
}

function unimplementedText(number: number): string {
  const found = Object.entries(UNIMPLEMENTED).find(([, value]) => value === number);
  return found === undefined ? `feature ${number}` : found[0].toLowerCase().replaceAll("_", " ");
}
