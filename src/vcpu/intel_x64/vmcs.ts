/**
 * The VMCS of one vCPU: its region and exit stack, launched once, resumed after each exit, and promoted when the OS leaves the VM. A launch
 * that the CPU refuses is explained: every check is made again in TypeScript, the VMCS is dumped, and what was taken is given back.
 */
import { CR4 } from "../../spec/registers.ts";
import { STACK_BYTES, STACK_RESERVED_BYTES } from "../../vmm/constants.ts";
import { ContractViolation, RuntimeError } from "../../vmm/errors.ts";
import { withRollback } from "../../vmm/rollback.ts";
import { Checks } from "./checks.ts";
import type { OwnBlock } from "./own-memory.ts";
import type { Platform } from "./platform.ts";
import type { VmcsState } from "./state.ts";
import { dumpVmcs } from "./vmcs-dump.ts";
import { writeVmcs } from "./vmcs-setup.ts";
import { Vmx } from "./vmx.ts";
import { revisionOf } from "./vmxon.ts";

const VMXE = BigInt(CR4.VMXE);

export interface StateSavePage {
  readonly virt: bigint;
  readonly phys: bigint;
}

export class Vmcs {
  readonly #platform: Platform;
  readonly #vmx: Vmx;
  readonly #stateSave: StateSavePage;
  #region: OwnBlock | undefined;
  #stack: OwnBlock | undefined;

  constructor(platform: Platform, stateSave: StateSavePage) {
    this.#platform = platform;
    this.#vmx = new Vmx(platform.cpu, (text) => platform.log(text));
    this.#stateSave = stateSave;
  }

  /** physical address, or 0 without a region */
  get address(): bigint {
    return this.#region?.phys ?? 0n;
  }

  /** `prepare` may change what is written, right before the entry. */
  launch(host: VmcsState | null, guest: VmcsState | null, prepare: () => void = () => {}, threadContext?: Uint8Array): void {
    if (host === null || guest === null) throw new ContractViolation("a launch needs the state of the host and of the guest");
    const { cpu, own } = this.#platform;
    withRollback((rollback) => {
      this.release();
      this.#region = own.obtain();
      rollback.add(() => this.release());
      this.#stack = own.obtain(2n * STACK_BYTES);
      own.physical.write32(this.#region.phys, revisionOf(cpu));
      this.#vmx.vmclear(this.#region.phys);
      this.#vmx.vmptrld(this.#region.phys);
      rollback.add(() => cpu.vmclear(this.address));
      const stackTop = this.#exitStack(this.#stack, threadContext);
      const { exitEntry } = this.#platform;
      const machineEntry = this.#platform.machineEntry?.() ?? 0n;
      const side = { stackTop, exitEntry: machineEntry === 0n ? exitEntry : machineEntry, stateSave: this.#stateSave.virt };
      writeVmcs(cpu, host, guest, side, (text) => this.#platform.log(text));
      cpu.setGate(exitEntry, this.#stateSave.phys, machineEntry);
      rollback.add(() => cpu.setGate(0n, 0n));
      prepare();
      try {
        if (guest.isGuest) this.#vmx.vmlaunch();
        else this.#vmx.vmlaunchDemote();
      } catch (error) {
        this.explain();
        throw error;
      }
    });
  }

  load(): void {
    this.#vmx.vmptrld(this.address);
  }

  clear(): void {
    this.#vmx.vmclear(this.address);
  }

  /** The guest goes on with what the state-save page has. */
  resume(): void {
    try {
      this.#vmx.vmresume();
    } catch (error) {
      this.explain();
      throw error;
    }
  }

  /** The OS leaves the VM: what it sees of control registers that are shared becomes what they are. */
  promote(): void {
    const { cpu } = this.#platform;
    for (const register of ["Cr0", "Cr4"]) {
      const mask = this.#vmx.vmread(`c${register.slice(1)}GuestHostMask`);
      const shadow = this.#vmx.vmread(`c${register.slice(1)}ReadShadow`);
      const real = this.#vmx.vmread(`guest${register}`);
      const seen = (real & ~mask) | (shadow & mask);
      // VMX operation is still on, and turned off next
      this.#vmx.vmwrite(`guest${register}`, register === "Cr4" ? seen | VMXE : seen);
    }
    cpu.promote();
    cpu.setGate(0n, 0n);
  }

  /** Every rule that the current VMCS breaks, and then all of its fields, to the log. Never throws: something has failed already. */
  explain(): void {
    const { cpu, memory, log } = this.#platform;
    try {
      const broken = new Checks(cpu, memory).violations();
      for (const failure of broken) log(`check failed: ${failure.message}`);
      if (broken.length === 0) log("no check fails: the CPU knows a rule that src/spec/vmx-rules.ts does not");
      for (const line of dumpVmcs(cpu)) log(line);
    } catch (error) {
      log(`the VMCS cannot be explained: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Gives region and stack back. */
  release(): void {
    for (const block of [this.#region, this.#stack]) if (block !== undefined) this.#platform.own.release(block);
    this.#region = undefined;
    this.#stack = undefined;
  }

  /** RSP of the host: below the thread context, which is found by masking RSP. */
  #exitStack(stack: OwnBlock, threadContext: Uint8Array | undefined): bigint {
    const top = (stack.virt + stack.bytes) & ~(STACK_BYTES - 1n);
    const context = top - STACK_RESERVED_BYTES;
    if (threadContext !== undefined) {
      if (threadContext.length > Number(STACK_RESERVED_BYTES)) throw new RuntimeError("the thread context does not fit into its place");
      this.#platform.own.physical.write(stack.phys + (context - stack.virt), threadContext);
    }
    return context - 1n;
  }
}
