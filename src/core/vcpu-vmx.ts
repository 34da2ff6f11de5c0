/**
 * VMX of one vCPU as the VMM in TypeScript uses it: instructions, the gate that VM exits arrive at, privileged registers. Thin: numbers in,
 * numbers out; src/vcpu/intel_x64/core-intrinsics.ts gives it the shape of a CPU.
 */
import { STOP } from "../spec/events.ts";
import { RAISED } from "./raised.ts";
import { offsetOf, type StateView } from "./views.ts";

/** What assembly/host-vmx.ts exports. */
export interface VmxExports {
  vmxon(vcpu: number, region: bigint): number;
  vmxoff(vcpu: number): number;
  vmclear(vcpu: number, pointer: bigint): number;
  vmptrld(vcpu: number, pointer: bigint): number;
  vmread(vcpu: number, encoding: number): number;
  valueRead(): bigint;
  vmread32(vcpu: number, encoding: number): number;
  vmwrite(vcpu: number, encoding: number, value: bigint): number;
  vmwrite32(vcpu: number, encoding: number, value: number): number;
  invept(vcpu: number, type: number, eptPointer: bigint): number;
  invvpid(vcpu: number, type: number, vpid: number, address: bigint): number;
  vmlaunchHere(vcpu: number): number;
  vmlaunch(vcpu: number): number;
  vmresume(vcpu: number): number;
  exitHere(vcpu: number, reason: number): number;
  advanceRip(vcpu: number): void;
  promote(vcpu: number): void;
  halt(vcpu: number): void;
  identify(vcpu: number, leaf: number, subleaf: number): number;
  hasMsr(vcpu: number, number: number): number;
  msrRead(): bigint;
  setMsr(vcpu: number, number: number, value: bigint): number;
  setXcr(vcpu: number, number: number, value: bigint): number;
  setCr(vcpu: number, number: number, value: bigint): void;
  setTr(vcpu: number, selector: number): void;
  setLdtr(vcpu: number, selector: number): void;
  settleRegisters(vcpu: number): void;
  exitCountsAt(): number;
  fastPathAt(): number;
  fastMsrsAt(): number;
}

/** Results of VMX instructions: success, VMfailInvalid, an exception by its vector; anything else is a VM-instruction error number. */
export const VMX_RESULT = { SUCCEEDED: 0, FAILED_INVALID: 0x100, RAISES: 0x200 } as const;

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);

export class VcpuVmx {
  readonly #exports: VmxExports;
  readonly #address: number;
  readonly #state: StateView;
  readonly #stop: Uint32Array;
  /** The exit handler has decided how the vCPU goes on. */
  #decided = false;
  #halted = false;

  constructor(exports: VmxExports, memory: WebAssembly.Memory, address: number, state: StateView) {
    this.#exports = exports;
    this.#address = address;
    this.#state = state;
    this.#stop = new Uint32Array(memory.buffer, address + offsetOf("stop"), 1);
  }

  vmxon(region: bigint): number {
    return this.#exports.vmxon(this.#address, region);
  }

  vmxoff(): number {
    return this.#exports.vmxoff(this.#address);
  }

  vmclear(pointer: bigint): number {
    return this.#exports.vmclear(this.#address, pointer);
  }

  vmptrld(pointer: bigint): number {
    return this.#exports.vmptrld(this.#address, pointer);
  }

  vmread(encoding: number): number {
    return this.#exports.vmread(this.#address, encoding);
  }

  /** what `vmread` has read */
  get valueRead(): bigint {
    return u64(this.#exports.valueRead());
  }

  /** the low 32 bits of a field, or -1 */
  vmread32(encoding: number): number {
    return this.#exports.vmread32(this.#address, encoding);
  }

  vmwrite(encoding: number, value: bigint): number {
    return this.#exports.vmwrite(this.#address, encoding, value);
  }

  vmwrite32(encoding: number, value: number): number {
    return this.#exports.vmwrite32(this.#address, encoding, value);
  }

  invept(type: number, eptPointer: bigint): number {
    return this.#exports.invept(this.#address, type, eptPointer);
  }

  invvpid(type: number, vpid: number, address: bigint): number {
    return this.#exports.invvpid(this.#address, type, vpid, address);
  }

  /** VMLAUNCH with the general-purpose registers as they are. */
  vmlaunchHere(): number {
    return this.#entry(this.#exports.vmlaunchHere);
  }

  /** VMLAUNCH and VMRESUME with the registers of the state-save page. */
  vmlaunch(): number {
    return this.#entry(this.#exports.vmlaunch);
  }

  vmresume(): number {
    return this.#entry(this.#exports.vmresume);
  }

  /** The vCPU has a VM exit with this reason between two instructions; false: it runs no guest whose exits are the gate's. */
  exitHere(reason: number): boolean {
    return this.#exports.exitHere(this.#address, reason) !== 0;
  }

  advanceRip(): void {
    this.#exports.advanceRip(this.#address);
  }

  promote(): void {
    this.#decided = true;
    this.#halted = false;
    this.#exports.promote(this.#address);
  }

  /** Machine code of the VMM goes on where it stands. */
  goOn(): void {
    this.#decided = true;
    this.#stop[0] = STOP.BUDGET;
  }

  /** The vCPU never runs again, until it is reset or its guest promoted. */
  halt(): void {
    this.#decided = true;
    this.#halted = true;
    this.#exports.halt(this.#address);
  }

  reset(): void {
    this.#halted = false;
  }

  get halted(): boolean {
    return this.#halted;
  }

  /** whether a VM exit waits to be handled */
  get isAtGate(): boolean {
    return this.#stop[0] === STOP.VM_EXIT;
  }

  /** Lets `handler` handle the VM exit that has arrived at the gate. */
  handle(handler: () => void): void {
    this.#decided = false;
    handler();
    if (!this.#decided) throw new Error("the VM-exit handler has neither resumed nor promoted the guest, nor stopped the CPU");
  }

  /** Where four 32-bit numbers stand in the core's memory: EAX EBX ECX EDX of CPUID. */
  identify(leaf: number, subleaf: number): number {
    return this.#exports.identify(this.#address, leaf, subleaf);
  }

  /** undefined: there is no such register */
  readMsr(number: number): bigint | undefined {
    return this.#exports.hasMsr(this.#address, number) === 0 ? undefined : u64(this.#exports.msrRead());
  }

  /** false: there is no such register, or it does not take the value */
  writeMsr(number: number, value: bigint): boolean {
    return this.#exports.setMsr(this.#address, number, value) !== 0;
  }

  writeXcr(number: number, value: bigint): boolean {
    return this.#exports.setXcr(this.#address, number, value) !== 0;
  }

  /** These return the exception that was raised, if any: vector and error code. */
  writeCr(number: 0 | 3 | 4 | 8, value: bigint): { readonly vector: number; readonly errorCode: number } | undefined {
    return this.#raisedBy(() => this.#exports.setCr(this.#address, number, value));
  }

  loadTr(selector: number): ReturnType<VcpuVmx["writeCr"]> {
    return this.#raisedBy(() => this.#exports.setTr(this.#address, selector));
  }

  loadLdtr(selector: number): ReturnType<VcpuVmx["writeCr"]> {
    return this.#raisedBy(() => this.#exports.setLdtr(this.#address, selector));
  }

  /** Tells the core that segments, DR7 or RIP were changed from outside. */
  settle(): void {
    this.#exports.settleRegisters(this.#address);
  }

  /** An event that an entry injects may raise in its turn, in the guest: the entry has succeeded. */
  #entry(enter: (vcpu: number) => number): number {
    this.#decided = true;
    try {
      return enter(this.#address);
    } catch (error) {
      if (error !== RAISED) throw error;
      return VMX_RESULT.SUCCEEDED;
    }
  }

  /** What the guest has raised before, and is still to be delivered, stays as it is. */
  #raisedBy(attempt: () => void): ReturnType<VcpuVmx["writeCr"]> {
    const state = this.#state;
    const pending = ["stop", "vector", "errorCode", "vectoring", "deliveringCode"].map((name) => [name, state.getNumber(name)] as const);
    try {
      attempt();
      return undefined;
    } catch (error) {
      if (error !== RAISED) throw error;
      const raised = { vector: state.getNumber("vector"), errorCode: state.getNumber("errorCode") };
      for (const [name, value] of pending) state.setNumber(name, value);
      return raised;
    }
  }
}
