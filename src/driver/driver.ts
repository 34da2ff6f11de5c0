/**
 * The driver entry: the state machine that takes modules, loads them, starts the VMM underneath the OS, stops and unloads it. The table of
 * states and verbs is in states.ts. A verb that fails throws a DriverError with the documented code and has undone what it had done.
 */
import { PAGE_SIZE, VMCALL_MAGIC } from "../vmm/constants.ts";
import { ERROR_CODE, errorName } from "../vmm/error-codes.ts";
import { type Faults, NO_FAULTS } from "../vmm/faults.ts";
import { withRollback } from "../vmm/rollback.ts";
import { VMCALL } from "../vmm/vmcall-codes.ts";
import { DriverError } from "./driver-error.ts";
import type { LoadedModule } from "./elf/loaded-module.ts";
import { Entry } from "./entry.ts";
import { type AddedModule, type Descriptor, type ModuleOptions, Modules, TYPE } from "./modules.ts";
import { type Platform, VMCALL_REGISTERS, type VmcallRegisters } from "./platform.ts";
import { reactionOf, STATE, STATE_NAME, type State, type Verb } from "./states.ts";
import { Steps } from "./steps.ts";

export interface DriverOptions extends ModuleOptions {
  readonly faults?: Faults;
}

/** the CPU that functions run on which belong to none */
const BOOT_CPU = 0n;

/** what a function of a module fails with if it has no code of its own: an exception, a call that never returns */
const FAILURE: Readonly<Record<string, bigint>> = {
  local_init: ERROR_CODE.CRT_FAILURE,
  local_fini: ERROR_CODE.CRT_FAILURE,
  add_md: ERROR_CODE.MEMORY_MANAGER_FAILURE,
  start_vmm: ERROR_CODE.ENTRY_ERROR_VMM_START_FAILED,
  stop_vmm: ERROR_CODE.ENTRY_ERROR_VMM_STOP_FAILED,
  get_drr: ERROR_CODE.GET_DRR_FAILURE,
};

export class Driver {
  readonly #platform: Platform;
  readonly #steps: Steps;
  readonly #modules: Modules;
  #state: State = STATE.UNLOADED;
  #entry: Entry | undefined;
  #executeEntry = 0n;
  #started = 0n;

  constructor(platform: Platform, { faults = NO_FAULTS, ...options }: DriverOptions = {}) {
    this.#platform = platform;
    this.#steps = new Steps(faults);
    this.#modules = new Modules(platform, this.#steps, options);
  }

  get state(): State {
    return this.#state;
  }
  /** CPUs that the VMM runs underneath */
  get started(): bigint {
    return this.#started;
  }
  get moduleCount(): number {
    return this.#modules.added.length;
  }
  module(index: number): AddedModule | undefined {
    return this.#modules.added[index];
  }

  /** The state's name, and a line for each module that says where it is. */
  status(): string {
    const modules = this.#modules.added.map(({ elf, address }) => {
      return `  ${elf.module}  0x${address.toString(16)}-0x${(address + BigInt(elf.totalSize)).toString(16)}`;
    });
    return [STATE_NAME[this.#state], ...modules].join("\n");
  }

  /** An address as messages name it: "a.so: function+0x12". */
  nameOf(address: bigint): string | undefined {
    return this.#modules.loader.nameOf(address);
  }

  init(): void {
    this.reset();
  }

  /** Forgets everything, whatever the state. */
  reset(): void {
    this.#modules.clear();
    this.#entry?.free();
    this.#entry = undefined;
    this.#executeEntry = 0n;
    this.#started = 0n;
    this.#platform.forget();
    this.#state = STATE.UNLOADED;
  }

  /** The end of the driver: stops and unloads what there is. */
  fini(): void {
    if (this.#state === STATE.RUNNING) this.#logged(() => this.stop());
    if (this.#state === STATE.LOADED) this.#logged(() => this.unload());
    if (this.#state === STATE.CORRUPT) throw new DriverError(ERROR_CODE.BF_ERROR_VMM_CORRUPTED, "fini: the VMM is corrupted");
    if (this.#state === STATE.UNLOADED && this.moduleCount > 0) this.reset();
  }

  addModule(name: string, file: Uint8Array | null): void {
    if (file === null || file.length === 0) throw new DriverError(ERROR_CODE.BF_ERROR_INVALID_ARG, `${name}: the file is empty`);
    this.#goes("add_module");
    this.#modules.add(name, file);
  }

  load(): void {
    if (!this.#goes("load")) return;
    if (this.moduleCount === 0) throw new DriverError(ERROR_CODE.BF_ERROR_NO_MODULES_ADDED, "load: no modules were added");
    this.#entry = new Entry(this.#platform, this.#steps);
    this.#orElse(
      () => this.#load(this.#entry as Entry),
      () => this.unload(),
    );
    this.#state = STATE.LOADED;
  }

  #load(entry: Entry): void {
    const modules = this.#modules.link();
    this.#executeEntry = this.resolveSymbol("execute_entry");
    for (const module of modules) this.#callLocal("local_init", module, entry);
    for (const module of modules) {
      for (const descriptor of this.#modules.descriptorsOf(module)) this.#describe(descriptor, module.module, entry);
    }
    for (let offset = 0n; offset < entry.threadLocalSize; offset += PAGE_SIZE) {
      this.#describe({ virt: entry.threadLocal + offset, type: TYPE.R | TYPE.W }, "the thread-local blocks", entry);
    }
  }

  #callLocal(symbol: "local_init" | "local_fini", module: LoadedModule, entry: Entry): void {
    this.#execute(symbol, `${symbol} of ${module.module}`, [entry.sectionInfo(module.sectionInfo())], BOOT_CPU);
  }

  #describe({ virt, type }: Descriptor, owner: string, entry: Entry): void {
    const phys = this.#platform.virtToPhys(virt);
    this.#execute("add_md", `add_md of 0x${virt.toString(16)} of ${owner}`, [entry.argument(phys, virt, type)], BOOT_CPU);
  }

  unload(): void {
    if (!this.#goes("unload")) return;
    if (this.#state === STATE.LOADED) {
      this.#orCorrupt(() => {
        for (const module of [...this.#modules.loader.modules].reverse()) this.#callLocal("local_fini", module, this.#entry as Entry);
      });
    }
    this.reset();
  }

  start(): void {
    if (!this.#goes("start")) return;
    this.#orElse(
      () => {
        for (let cpu = 0n; cpu < this.#platform.cpus; cpu++) this.#startOn(cpu);
      },
      () => this.stop(),
    );
  }

  #startOn(cpu: bigint): void {
    this.#on(cpu, () => {
      this.#execute("start_vmm", `start_vmm on CPU ${cpu}`, [cpu], cpu);
      this.#started++;
      this.#state = STATE.RUNNING;
      try {
        this.#announce(VMCALL.START, ERROR_CODE.ENTRY_ERROR_VMM_START_FAILED, `start on CPU ${cpu}`);
      } catch (error) {
        // who has not answered would not answer STOP either
        this.#logged(() => this.#leave(cpu));
        throw error;
      }
      this.#platform.started(cpu);
    });
  }

  stop(): void {
    if (!this.#goes("stop")) return;
    for (let cpu = this.#started - 1n; cpu >= 0n; cpu--) this.#stopOn(cpu);
    this.#state = STATE.LOADED;
  }

  #stopOn(cpu: bigint): void {
    const previous = this.#orCorrupt(() => this.#moveTo(cpu));
    try {
      this.#announce(VMCALL.STOP, ERROR_CODE.ENTRY_ERROR_VMM_STOP_FAILED, `stop on CPU ${cpu}`);
      this.#leave(cpu);
      this.#platform.stopped(cpu);
    } finally {
      this.#platform.restoreAffinity(previous);
    }
  }

  #leave(cpu: bigint): void {
    this.#orCorrupt(() => this.#execute("stop_vmm", `stop_vmm on CPU ${cpu}`, [cpu], cpu));
    this.#started--;
  }

  /** Tells the VMM on this CPU, by a vmcall, that it was started or will be stopped. */
  #announce(opcode: bigint, failure: bigint, what: string): void {
    const registers = new BigUint64Array(VMCALL_REGISTERS);
    registers[0] = opcode;
    registers[1] = VMCALL_MAGIC;
    this.#steps.do(`vmcall ${what}`, failure, () => this.#platform.vmcall(registers));
    if (registers[1] !== 0n) throw new DriverError(failure, `vmcall ${what}: the VMM answered ${errorName(registers[1])}`);
  }

  /** Where the debug ring of a vCPU is. */
  dump(out: BigUint64Array | null, vcpuId: bigint): void {
    if (out === null) throw new DriverError(ERROR_CODE.BF_ERROR_INVALID_ARG, "dump: nowhere to put the ring's address");
    this.#goes("dump");
    const argument = this.#entry?.argument(0n) ?? 0n;
    this.#execute("get_drr", `get_drr of vCPU 0x${vcpuId.toString(16)}`, [vcpuId, argument], BOOT_CPU);
    out[0] = this.#entry?.result() ?? 0n;
  }

  /** A vmcall from the CPU given, or with a negative number from the one that we are on. What the VMM answers is in r1, and no error. */
  vmcall(registers: VmcallRegisters | null, cpu: bigint): void {
    this.#goes("vmcall");
    if (registers === null) throw new DriverError(ERROR_CODE.BF_ERROR_INVALID_ARG, "vmcall: no registers");
    const signed = BigInt.asIntN(64, cpu);
    if (signed >= this.#started) {
      const problem = `vmcall: there is no CPU ${signed}, the VMM runs on ${this.#started}`;
      throw new DriverError(ERROR_CODE.BF_ERROR_INVALID_ARG, problem);
    }
    const call = () => {
      this.#steps.do(`vmcall ${registers[0]}`, ERROR_CODE.BFVMCALL_FAILURE, () => {
        if (registers[0] === VMCALL.EVENT) this.#platform.vmcallEvent(registers);
        else this.#platform.vmcall(registers);
      });
    };
    if (signed < 0n) call();
    else this.#on(signed, call);
  }

  /** A vmcall whose buffers r5 and r8 are addressed by: they stand in the VMM's memory while it lasts. Gives what is in the second one. */
  vmcallWithBuffers(registers: VmcallRegisters, cpu: bigint, input: Uint8Array, outputBytes: number): Uint8Array {
    this.#goes("vmcall");
    const platform = this.#platform;
    return withRollback((rollback) => {
      const buffer = (bytes: number, what: string) => {
        const size = BigInt(Math.max(bytes, 1));
        const address = this.#steps.do(`allocate ${what}`, ERROR_CODE.BF_ERROR_OUT_OF_MEMORY, () => platform.allocRw(size, what));
        rollback.add(() => platform.freeRw(address, size));
        return address;
      };
      registers[5] = buffer(input.length, "the buffer to a vmcall");
      registers[6] = BigInt(input.length);
      registers[8] = buffer(outputBytes, "the buffer from a vmcall");
      registers[9] = BigInt(outputBytes);
      const output = registers[8];
      platform.write(registers[5], input);
      platform.write(output, new Uint8Array(outputBytes));
      this.vmcall(registers, cpu);
      const bytes = platform.read(output, outputBytes);
      rollback.run();
      return bytes;
    });
  }

  /** Memory of the VMM, by its virtual address. */
  read(address: bigint, length: number): Uint8Array {
    return this.#platform.read(address, length);
  }

  /** Runs a function of the modules on the VMM's stack. */
  executeSymbol(name: string, a1: bigint, a2: bigint, cpu: bigint): void {
    this.#execute(name, name, [a1, a2], cpu);
  }

  /** The address of a symbol that a loaded module defines. */
  resolveSymbol(name: string): bigint {
    if (name === "") throw new DriverError(ERROR_CODE.BF_ERROR_INVALID_ARG, "a symbol without a name");
    return this.#modules.loader.resolve(name);
  }

  #execute(symbol: string, name: string, args: readonly bigint[], cpu: bigint): void {
    if (symbol === "") throw new DriverError(ERROR_CODE.BF_ERROR_INVALID_ARG, "a symbol without a name");
    if (this.#entry === undefined) throw new DriverError(ERROR_CODE.BF_ERROR_NO_MODULES_ADDED, `${name}: no modules are loaded`);
    const address = this.resolveSymbol(symbol);
    const failure = FAILURE[symbol] ?? ERROR_CODE.ENTRY_ERROR_UNKNOWN;
    this.#entry.execute({ name, entry: this.#executeEntry, address, args, cpu, failure });
  }

  /** Moves to a CPU; the error is the code that the platform answers. */
  #moveTo(cpu: bigint): bigint {
    const step = `move to CPU ${cpu}`;
    const previous = this.#steps.do(step, ERROR_CODE.BF_ERROR_UNKNOWN, () => this.#platform.setAffinity(cpu));
    if (previous < 0n) throw new DriverError(BigInt.asUintN(64, previous), `${step}: the platform answered ${previous}`);
    return previous;
  }

  #on<T>(cpu: bigint, run: () => T): T {
    const previous = this.#moveTo(cpu);
    try {
      return run();
    } finally {
      this.#platform.restoreAffinity(previous);
    }
  }

  /** Whether there is anything to do. Throws if the verb is refused. */
  #goes(verb: Verb): boolean {
    const reaction = reactionOf(verb, this.#state);
    if (typeof reaction === "object") throw new DriverError(reaction.code, reaction.problem);
    return reaction === "goes";
  }

  #orCorrupt<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      this.#state = STATE.CORRUPT;
      throw error;
    }
  }

  #orElse(run: () => void, undo: () => void): void {
    try {
      run();
    } catch (error) {
      this.#logged(undo);
      throw error;
    }
  }

  #logged(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#platform.log(error instanceof DriverError ? error.report : String(error));
    }
  }
}
