/**
 * Exit handlers of modules: machine code in VMX root operation, on the OS's vCPU. The VMCS's host RIP is the runtime's stub, which asks the
 * handlers and goes on with the guest by itself; TypeScript hears of an exit only if no handler takes it, if a handler calls a function of
 * TypeScript, or if it cannot go on. Then the exit is handled in TypeScript as if the handler had not been, from the guest's registers as
 * they were, and machine code is not asked again before the VMM is started anew.
 */
import type { Vcpu } from "../core/core.ts";
import { STATE_SAVE } from "../vcpu/intel_x64/state-save.ts";
import { encodingOf } from "../vcpu/intel_x64/vmx.ts";
import { hex, ModuleAbort, ModuleException, ModuleFault, registersOf, Stopped, type SymbolNames } from "./module-fault.ts";
import type { VmmMemory } from "./vmm-memory.ts";

/** HLT: what the gate's page has */
export const GATE_CODE = 0xf4;
const HOST_RIP = encodingOf("hostRip");
const GS_BASE = "gsBase";
const ARGUMENTS = ["rdi", "rsi", "rdx", "rcx", "r8", "r9"] as const;
/** where the stub leaves the guest's registers again, before any handler has seen them; and how many bytes they have */
const BEFORE = 0x400n;
const BEFORE_BYTES = STATE_SAVE.vcpuid;

export interface ExitCodeOptions {
  readonly vcpu: Vcpu;
  readonly memory: VmmMemory;
  readonly names: SymbolNames;
  /** address of the gate: a HLT */
  readonly gate: bigint;
  /** the TypeScript function behind a gate of modules */
  functionAt(gate: bigint): ((...args: readonly bigint[]) => bigint) | undefined;
  log(line: string): void;
}

export class ExitCode {
  readonly #options: ExitCodeOptions;
  #entry = 0n;

  constructor(options: ExitCodeOptions) {
    this.#options = options;
  }

  /** host RIP of exits, or 0 if no module handles any */
  get entry(): bigint {
    return this.#entry;
  }

  /** A module handles exits: they are to arrive at `entry`, which finds in a variable where the gate is. */
  connect(entry: bigint, gateVariable: bigint): void {
    this.#options.memory.writeU64(gateVariable, this.#options.gate);
    this.#entry = entry;
  }

  /** The modules are gone. */
  disconnect(): void {
    this.#entry = 0n;
  }

  /** The core has come back in VMX root operation: `handle` handles the VM exit. */
  arrived(handle: () => void): void {
    const { vcpu, gate } = this.#options;
    const fault = vcpu.getNumber("vmmFault");
    if (fault !== 0) this.#giveUp(this.#exception(fault - 1), handle);
    else if (vcpu.get("rip") === gate) handle();
    else {
      const error = this.#answered(vcpu.get("rip") - 1n);
      if (error === undefined) vcpu.vmx.goOn();
      else this.#giveUp(error, handle);
    }
  }

  /** A handler has called a function of TypeScript; what went wrong, if anything. */
  #answered(hlt: bigint): Error | undefined {
    const { vcpu, functionAt } = this.#options;
    const answer = functionAt(hlt);
    if (answer === undefined) return new ModuleFault("HLT", this.#place(hlt), registersOf(vcpu));
    try {
      vcpu.set("rax", BigInt.asUintN(64, answer(...ARGUMENTS.map((name) => vcpu.get(name)))));
      return undefined;
    } catch (error) {
      return this.#explained(error);
    }
  }

  #giveUp(error: Error, handle: () => void): void {
    const { vcpu, gate, memory, log } = this.#options;
    log(`an exit handler in machine code has failed, and is not asked again: ${error.message}`);
    const page = vcpu.get(GS_BASE);
    memory.write(page, memory.read(page + BEFORE, BEFORE_BYTES));
    vcpu.setNumber("vmmFault", 0);
    vcpu.set("vmmEntry", 0n);
    vcpu.vmx.vmwrite(HOST_RIP, gate);
    vcpu.set("rip", gate);
    handle();
  }

  #exception(vector: number): ModuleException {
    const { vcpu } = this.#options;
    return new ModuleException(vector, vcpu.getNumber("errorCode"), vcpu.get("cr2"), this.#place(vcpu.get("rip")), registersOf(vcpu));
  }

  /** an abort, told with the place that it came from */
  #explained(error: unknown): Error {
    const { vcpu, memory } = this.#options;
    if (!(error instanceof Stopped)) return error instanceof Error ? error : new Error(String(error));
    return new ModuleAbort(error.message, this.#place(memory.readU64(vcpu.get("rsp")) - 1n), registersOf(vcpu));
  }

  #place(rip: bigint) {
    return { rip, name: this.#options.names.nameOf(rip) ?? hex(rip) };
  }
}
