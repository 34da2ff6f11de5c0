/**
 * The VMM in the memory of a machine, from when it is first used until the machine is reset: the pool with what stands in it for good, the
 * executor, the gates, the driver and its session.
 *
 *     Driver ─► PoolPlatform ─► Executor ─► machine code of modules ─► gates ─► entry points ─► VcpuManager ─► IntelVcpu ─► Intrinsics
 *                   └─► MemoryPool                                       └─► MemoryManager, DebugRings
 */
import type { Memory } from "../bus/device.ts";
import type { Core } from "../core/core.ts";
import type { VcpuFactory } from "../vcpu/factory.ts";
import type { Intrinsics } from "../vcpu/intel_x64/intrinsics.ts";
import { PAGE_SIZE } from "../vmm/constants.ts";
import { RuntimeError } from "../vmm/errors.ts";
import type { Faults } from "../vmm/faults.ts";
import { MemoryPool } from "../vmm/memory-pool.ts";
import { VMCALL } from "../vmm/vmcall-codes.ts";
import { Driver } from "./driver.ts";
import { type EntryHooks, entryGates } from "./entry-points.ts";
import { Executor } from "./executor.ts";
import { ExitCode, GATE_CODE } from "./exit-code.ts";
import { Gates } from "./gates.ts";
import type { ModuleOptions } from "./modules.ts";
import type { VmcallRegisters } from "./platform.ts";
import { PoolPlatform } from "./pool-platform.ts";
import { runtimeGates } from "./runtime-gates.ts";
import { type PoolSizes, type Regions, Session } from "./session.ts";
import { STATE } from "./states.ts";
import { VmmMemory } from "./vmm-memory.ts";

export interface InstallationOptions extends ModuleOptions, PoolSizes {
  readonly core: Core;
  /** the CPU that the OS runs on */
  readonly cpu: Intrinsics;
  /** all of physical memory */
  readonly memory: Memory;
  /** guest-physical range that is hidden from the OS */
  readonly pool: { readonly physical: bigint; readonly bytes: bigint };
  /** what modules are linked with: src/modules/runtime/runtime.so */
  readonly runtime: Uint8Array;
  readonly factory: (session: Session) => VcpuFactory;
  readonly hooks: EntryHooks;
  readonly faults: Faults;
  readonly serial: (text: string) => void;
}

export class Installation {
  readonly pool: MemoryPool;
  readonly driver: Driver;
  readonly #options: InstallationOptions;
  readonly #virtual: VmmMemory;
  readonly #executor: Executor;
  readonly #gates: Gates;
  readonly #regions: Regions;
  readonly #exitCode: ExitCode;
  #session: Session;
  /** where the module of the gates is loaded */
  #gatesAt: bigint | undefined;

  constructor(options: InstallationOptions) {
    const { core, memory, pool, faults } = options;
    this.#options = options;
    this.pool = new MemoryPool({ ...pool, faults });
    this.#virtual = new VmmMemory(memory, pool.physical, pool.bytes);
    const names = { nameOf: (address: bigint): string | undefined => this.driver.nameOf(address) };
    this.#executor = new Executor(core, this.#virtual, this.pool.alloc("driver", Executor.bytesFor(pool.bytes)), names);
    this.#regions = Session.takeRegions(this.pool, options);
    this.#exitCode = new ExitCode({
      vcpu: core.vcpu(0),
      memory: this.#virtual,
      names,
      gate: this.#regions.exitEntry,
      functionAt: (gate) => this.#executor.functionAt(gate),
      log: (line) => this.#session.print(line),
    });
    this.#virtual.write(this.#regions.exitEntry, Uint8Array.of(GATE_CODE));
    this.#executor.protect(this.#regions.exitEntry, PAGE_SIZE, "code");
    this.#session = this.#newSession();
    this.#gates = new Gates({
      ...entryGates(() => {
        const { vcpus, manager, rings } = this.#session;
        const { hooks } = options;
        return { vcpus, manager, rings, hooks, memory: this.#virtual, print: (line, id) => this.#report(line, id) };
      }),
      ...runtimeGates(this.#executor, {
        alloc: (bytes) => this.#session.manager.alloc(bytes),
        free: (address) => this.#session.manager.free(address),
        size: (address) => this.#session.manager.size(address),
        write: (fd, bytes) => this.#session.write(fd, bytes),
        handlesExits: (entry, gateVariable) => this.#exitCode.connect(entry, gateVariable),
      }),
    });
    const platform = new PoolPlatform({
      pool: this.pool,
      executor: this.#executor,
      vmcall: (registers) => this.#vmcall(registers),
      describe: (address, bytes, there) => this.#session.describe(address, bytes, there),
      forget: () => this.#forget(),
      log: (line) => this.#session.complain(line),
    });
    this.driver = new Driver(platform, options);
  }

  get session(): Session {
    return this.#session;
  }

  /** Loads what was added, and with it what every module is linked with. If that fails, nothing is left of what was added. */
  load(): void {
    const { driver } = this;
    const isUnloaded = driver.state === STATE.UNLOADED;
    try {
      if (isUnloaded) this.#addBase();
      driver.load();
    } catch (error) {
      if (isUnloaded && driver.moduleCount > 0) driver.unload();
      throw error;
    }
  }

  #addBase(): void {
    const { driver } = this;
    driver.addModule("gates", this.#gates.image);
    this.#gatesAt = driver.module(driver.moduleCount - 1)?.address;
    if (this.#gatesAt !== undefined) this.#gates.connect(this.#executor, this.#gatesAt);
    driver.addModule("runtime.so", this.#options.runtime);
  }

  /** The driver has freed the modules. */
  #forget(): void {
    if (this.#gatesAt !== undefined) this.#gates.disconnect(this.#executor, this.#gatesAt);
    this.#gatesAt = undefined;
    this.#exitCode.disconnect();
    this.#session.end();
    this.#session = this.#newSession();
  }

  #newSession(): Session {
    const { core, cpu, memory, faults, factory, serial } = this.#options;
    return new Session({
      core,
      cpu,
      memory,
      faults,
      factory,
      serial,
      sizes: this.#options,
      pool: this.pool,
      virtual: this.#virtual,
      regions: this.#regions,
      exitCode: this.#exitCode,
    });
  }

  /** What entries say, which may be why they fail. */
  #report(line: string, id: bigint): void {
    this.#session.complaints.push(line);
    this.#session.print(line, id);
  }

  /** What is printed during a call that fails is why. */
  #vmcall(registers: VmcallRegisters): void {
    const { session } = this;
    const heard: string[] = [];
    session.listener = (line) => heard.push(line);
    try {
      const words = [...registers];
      // a VMM that has stopped the CPU does not hear that it will be stopped; the OS is taken out of its hands
      if (this.#options.cpu.isStopped) {
        if (registers[0] !== VMCALL.STOP) throw new RuntimeError("the VMM has stopped the CPU; stop it, and the OS goes on");
        registers[1] = 0n;
        return;
      }
      if (!this.#options.cpu.vmcall(words)) throw new RuntimeError("the OS is not in a VM");
      registers.set(words);
    } catch (error) {
      session.complaints.push(...heard);
      throw error;
    } finally {
      session.listener = undefined;
    }
  }
}
