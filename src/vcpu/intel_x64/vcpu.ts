/**
 * A vCPU of 64-bit Intel CPUs: VMX operation, a VMCS, a state-save page and an exit handler. Running it demotes the OS that stands on the CPU
 * into a VM; halting it promotes the OS back. Every step is undone if a later one fails.
 */
import { CR0 } from "../../spec/registers.ts";
import { ContractViolation, LogicError } from "../../vmm/errors.ts";
import { withRollback } from "../../vmm/rollback.ts";
import type { MakeVcpu } from "../factory.ts";
import { type Ring, type UserData, Vcpu } from "../vcpu.ts";
import type { VcpuId } from "../vcpu-id.ts";
import { ExitHandler } from "./exit-handler.ts";
import { hostVmState } from "./host-vm-state.ts";
import type { OwnBlock } from "./own-memory.ts";
import type { Platform } from "./platform.ts";
import { prepareCpu } from "./prepare-cpu.ts";
import type { VmcsState } from "./state.ts";
import { type SavedRegister, STATE_SAVE, StateSave } from "./state-save.ts";
import { type Extension, VmApi } from "./vm-api.ts";
import { Vmcs } from "./vmcs.ts";
import { type VmmState, vmmState } from "./vmm-state.ts";
import { Vmxon } from "./vmxon.ts";

const NEEDED = BigInt(CR0.PE) | BigInt(CR0.PG);

/** What a vCPU is made of; whatever is not given it makes for itself when it is initialised. */
export interface VcpuParts {
  readonly vmxon: Pick<Vmxon, "start" | "stop">;
  readonly vmcs: Pick<Vmcs, "launch" | "load" | "resume" | "promote" | "explain" | "release" | "address">;
  readonly exitHandler: ExitHandler;
  readonly host: VmmState;
  readonly vm: VmApi;
  /** taken when the vCPU runs, unless it is given */
  readonly guest: VmcsState;
}

export class IntelVcpu extends Vcpu {
  readonly #platform: Platform;
  readonly #extensions: readonly Extension[];
  readonly #given: Partial<VcpuParts>;
  #page: OwnBlock | undefined;
  #parts: Omit<VcpuParts, "guest"> | undefined;
  #isLaunched = false;

  constructor(
    id: VcpuId,
    makeRing: (id: VcpuId) => Ring,
    platform: Platform,
    extensions: readonly Extension[] = [],
    given: Partial<Omit<VcpuParts, "vm">> = {},
  ) {
    super(id, makeRing);
    this.#extensions = extensions;
    this.#platform = platform;
    this.#given = given;
  }

  get isLaunched(): boolean {
    return this.#isLaunched;
  }

  get exitHandler(): ExitHandler {
    return this.#initialized().exitHandler;
  }

  /** for extensions */
  get vm(): VmApi {
    return this.#initialized().vm;
  }

  /** of the state-save page */
  get stateSave(): { readonly virt: bigint; readonly phys: bigint } {
    if (this.#page === undefined) throw new ContractViolation(`vCPU ${this.id} is not initialised`);
    return this.#page;
  }

  override init(data?: UserData): void {
    if (this.isInitialized) return;
    try {
      this.#makeParts();
      super.init(data);
    } catch (error) {
      this.fini(data);
      throw error;
    }
  }

  override run(data?: UserData): void {
    const { vmxon, vmcs, host, exitHandler, vm } = this.#initialized();
    if (this.#isLaunched) {
      vmcs.load();
      vmcs.resume();
      return;
    }
    withRollback((rollback) => {
      const guest = this.#given.guest ?? hostVmState(this.#platform.cpu);
      this.#isLaunched = true;
      rollback.add(() => {
        this.#isLaunched = false;
      });
      super.run(data);
      rollback.add(() => super.hlt(data));
      if (this.isHostVcpu) {
        demandPaging(guest);
        const goBack = prepareCpu(this.#platform.cpu, this.#platform.rootTable());
        if (goBack !== undefined) rollback.add(goBack);
        vmxon.start();
        rollback.add(() => vmxon.stop());
      }
      this.#platform.onExit(() => exitHandler.dispatch());
      rollback.add(() => this.#platform.onExit(undefined));
      vmcs.launch(host.state, guest, () => vm.prepare());
      vm.launched(true);
      // for modules, which find the page by GS
      this.#save("vmcs", vmcs.address);
      this.#save("exitHandler", this.#platform.exitEntry);
    });
  }

  override hlt(data?: UserData): void {
    if (!this.isInitialized) return;
    if (this.#isLaunched) {
      const { vmxon, vm, exitHandler } = this.#initialized();
      // a handler has failed: the OS goes on with the instruction that it was called for
      if (this.#platform.cpu.isStopped) exitHandler.promote();
      if (this.isHostVcpu) vmxon.stop();
      vm.launched(false);
      this.#platform.onExit(undefined);
      this.#isLaunched = false;
    }
    super.hlt(data);
  }

  override fini(data?: UserData): void {
    super.fini(data);
    this.#platform.fastPath?.clear();
    this.#parts?.vm.release();
    this.#parts?.vmcs.release();
    this.#parts?.host.release();
    this.#parts = undefined;
    if (this.#page !== undefined) this.#platform.own.release(this.#page);
    this.#page = undefined;
  }

  #makeParts(): void {
    const platform = this.#platform;
    const given = this.#given;
    this.#page = platform.own.obtain();
    const save = new StateSave(platform.own.bytesOf(this.#page));
    const log = (text: string) => platform.log(text);
    const vmxon = given.vmxon ?? new Vmxon(platform.cpu, platform.own, log);
    const vmcs = given.vmcs ?? new Vmcs(platform, this.#page);
    const { mapContext } = platform;
    const exitHandler =
      given.exitHandler ?? new ExitHandler({ platform, vmcs, save, vcpuId: this.id, ...(mapContext === undefined ? {} : { mapContext }) });
    const host = given.host ?? vmmState(platform);
    platform.fastPath?.clear();
    platform.fastPath?.passPlain();
    const vm = new VmApi(platform, exitHandler);
    this.#parts = { vmxon, vmcs, exitHandler, host, vm };
    for (const extension of this.#extensions) extension(vm);
    this.#save("vcpuid", this.id);
  }

  #save(register: SavedRegister, value: bigint): void {
    this.#platform.own.physical.write64(this.stateSave.phys + BigInt(STATE_SAVE[register]), value);
  }

  #initialized(): Omit<VcpuParts, "guest"> {
    if (this.#parts === undefined) throw new ContractViolation(`vCPU ${this.id} is not initialised`);
    return this.#parts;
  }
}

/** Without these an OS cannot be a guest, whatever the CPU offers. */
function demandPaging({ cr0 }: VmcsState): void {
  const missing = NEEDED & ~cr0;
  if (missing !== 0n)
    throw new LogicError(`the OS runs with CR0 0x${cr0.toString(16)}, and VMX operation needs 0x${missing.toString(16)} set as well`);
}

/** What the factory registers as "intel_x64". */
export function makeIntelVcpu(platform: Platform, makeRing: (id: VcpuId) => Ring, extensions: readonly Extension[] = []): MakeVcpu {
  return (id) => new IntelVcpu(id, makeRing, platform, extensions);
}
