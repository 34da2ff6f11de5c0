/**
 * The VMM of a machine as its user has it: the verbs of the driver. Nothing of it is in the machine's memory before the first module is
 * added or load is called. The OS stands between two instructions meanwhile, whatever it is doing; none of its time passes.
 *
 * A verb that fails throws a DriverError: the documented code, and what went wrong. What it had done is undone: registers, MSRs and memory
 * outside of the pool are bit by bit what they were.
 */

import { VcpuFactory } from "../vcpu/factory.ts";
import { CoreIntrinsics } from "../vcpu/intel_x64/core-intrinsics.ts";
import { IntelVcpu, makeIntelVcpu } from "../vcpu/intel_x64/vcpu.ts";
import type { Extension } from "../vcpu/intel_x64/vm-api.ts";
import { NO_FAULTS } from "../vmm/faults.ts";
import type { DriverVerbs } from "./device.ts";
import { DriverError } from "./driver-error.ts";
import { Installation, type InstallationOptions } from "./installation.ts";
import { VMCALL_REGISTERS, type VmcallRegisters } from "./platform.ts";
import type { Session } from "./session.ts";
import { STATE, STATE_NAME, type State } from "./states.ts";

export type VmmOptions = Omit<InstallationOptions, "cpu" | "factory" | "hooks" | "faults" | "serial"> &
  Partial<Pick<InstallationOptions, "factory" | "hooks" | "faults" | "serial">>;

const OS_VCPU = 0;
/** of vmcall: the CPU that the caller is on */
const CURRENT_CPU = -1n;

export class Vmm {
  /** the CPU that the OS runs on, for whoever wants to look at it */
  readonly cpu: CoreIntrinsics;
  /** of every vCPU that is started from now on; see `use` */
  readonly extensions: Extension[] = [];
  readonly #options: VmmOptions;
  #installation: Installation | undefined;

  constructor(options: VmmOptions) {
    this.#options = options;
    this.cpu = new CoreIntrinsics(options.core, options.core.vcpu(OS_VCPU), options.faults);
  }

  get state(): State {
    return this.#installation?.driver.state ?? STATE.UNLOADED;
  }

  /** What the VMM has while modules are loaded; of no use once they are not. */
  get session(): Session {
    return this.#installed.session;
  }

  /** bytes of the memory pool that are in use, and within them of the heap and of pages */
  get usage(): { readonly pool: bigint; readonly heap: bigint; readonly pages: bigint; readonly maps: bigint } {
    const { pool, session } = this.#installed;
    const { heap, pages, maps } = session.manager;
    return { pool: pool.usedBytes, heap: heap.usedBytes, pages: pages.usedBytes, maps: maps.usedBytes };
  }

  addModule(name: string, file: Uint8Array): void {
    this.#verb(({ driver }) => driver.addModule(name, file));
  }

  load(): void {
    this.#verb((installation) => installation.load());
  }

  start(): void {
    this.#verb(({ driver }) => driver.start());
  }

  stop(): void {
    this.#verb(({ driver }) => driver.stop());
  }

  unload(): void {
    this.#verb(({ driver }) => driver.unload());
  }

  /** An extension underneath the OS: of the VM that it is in, if it is in one, and of every one that is started. */
  use(extension: Extension): void {
    this.extensions.push(extension);
    if (this.state !== STATE.RUNNING) return;
    const { vcpus } = this.session;
    for (const id of vcpus.ids) {
      const vcpu = vcpus.get(id);
      if (vcpu instanceof IntelVcpu) extension(vcpu.vm);
    }
  }

  /** Forgets everything, even a VMM that could not be stopped. */
  reset(): void {
    this.#verb(({ driver }) => driver.reset());
  }

  /** The machine is about to be reset: the VMM leaves, and its memory is no longer its own. */
  shutDown(): void {
    try {
      this.#installation?.driver.fini();
    } finally {
      this.#installation = undefined;
    }
  }

  /** The state's name, and where the modules are. */
  status(): string {
    return this.#installation?.driver.status() ?? STATE_NAME[STATE.UNLOADED];
  }

  /** What a vCPU has said lately. */
  dump(vcpuId = 0n): string {
    return this.#verb(({ driver, session }) => {
      const ring = new BigUint64Array(1);
      driver.dump(ring, vcpuId);
      return session.ringText(ring[0]);
    });
  }

  /** The same verbs as a driver has them, for what stands on one: the device and the manager. */
  get driver(): DriverVerbs {
    const vmm = this;
    return {
      get state() {
        return vmm.state;
      },
      addModule: (name, file) => this.#verb(({ driver }) => driver.addModule(name, file)),
      load: () => this.load(),
      unload: () => this.unload(),
      start: () => this.start(),
      stop: () => this.stop(),
      dump: (out, id) => this.#verb(({ driver }) => driver.dump(out, id)),
      read: (address, length) => this.#installed.driver.read(address, length),
      vmcall: (registers, cpu) => this.#verb(({ driver }) => driver.vmcall(registers, cpu)),
      vmcallWithBuffers: (...call) => this.#verb(({ driver }) => driver.vmcallWithBuffers(...call)),
      fini: () => this.#verb(({ driver }) => driver.fini()),
    };
  }

  /** A vmcall from the driver, r0 to r15 in order. What comes back is in the registers; r1 is the result and 0 is success. */
  vmcall(registers: readonly bigint[], cpu = CURRENT_CPU): VmcallRegisters {
    const words = new BigUint64Array(VMCALL_REGISTERS);
    words.set(registers);
    this.#verb(({ driver }) => driver.vmcall(words, cpu));
    return words;
  }

  get #installed(): Installation {
    this.#installation ??= new Installation({
      hooks: {},
      faults: NO_FAULTS,
      serial: () => {},
      factory: (session) =>
        new VcpuFactory().register(
          "intel_x64",
          makeIntelVcpu(session.intel, (id) => session.ring(id), this.extensions),
        ),
      ...this.#options,
      cpu: this.cpu,
    });
    return this.#installation;
  }

  /** An error tells what entries and guards have complained of on the way. */
  #verb<T>(run: (installation: Installation) => T): T {
    const installation = this.#installed;
    const { session } = installation;
    session.complaints.length = 0;
    try {
      return run(installation);
    } catch (error) {
      if (!(error instanceof DriverError) || session.complaints.length === 0) throw error;
      const told = session.complaints.filter((line) => !line.startsWith("-"));
      throw new DriverError(error.code, [error.message, ...told].join("\n"), { cause: error });
    }
  }
}
