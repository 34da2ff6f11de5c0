/**
 * The intrinsics over the core, acting on one of its vCPUs, which stands between two instructions. They have ring 0's rights there, whatever
 * the OS is doing. Each step that can fail asks first whether it shall (src/vmm/faults.ts): "vmxon", "vmwrite guestRip", "wrmsr 0x174".
 */
import type { Core, Vcpu } from "../../core/core.ts";
import { VMX_RESULT } from "../../core/vcpu-vmx.ts";
import { HALTED, STOP, VECTOR, VMX } from "../../spec/events.ts";
import { EXIT_REASON } from "../../spec/exits.ts";
import { GPR_NAMES } from "../../spec/state.ts";
import { RuntimeError } from "../../vmm/errors.ts";
import { type Faults, NO_FAULTS } from "../../vmm/faults.ts";
import {
  CpuFault,
  type CpuidResult,
  type Intrinsics,
  type InveptType,
  type InvvpidType,
  type Segment,
  type SegmentName,
  type TableRegister,
  type VmcallRegisters,
} from "./intrinsics.ts";
import { fieldName } from "./vmx.ts";

/** Registers of the VMCALL protocol in its order. */
const VMCALL_REGISTERS = ["rax", "rdx", "rcx", "rbx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"] as const;
const UNUSABLE = 0x1_0000;
const RIGHTS_P = 0x80;
const RFLAGS_RF = 1n << 16n;
const BLOCKED_BY_NMI = 8;
const ACTIVITY_HLT = 1;
const hex = (value: bigint | number): string => `0x${value.toString(16)}`;

export class CoreIntrinsics implements Intrinsics {
  readonly #core: Core;
  readonly #vcpu: Vcpu;
  readonly #faults: Faults;
  readonly #words: Uint32Array;
  readonly #cpuid = { eax: 0, ebx: 0, ecx: 0, edx: 0 };

  constructor(core: Core, vcpu: Vcpu, faults: Faults = NO_FAULTS) {
    this.#core = core;
    this.#vcpu = vcpu;
    this.#faults = faults;
    this.#words = new Uint32Array(core.memory.buffer);
  }

  // ---- identification, time

  cpuid(leaf: number, subleaf = 0): CpuidResult {
    const at = this.#vcpu.vmx.identify(leaf, subleaf) >>> 2;
    const result = this.#cpuid;
    result.eax = this.#words[at];
    result.ebx = this.#words[at + 1];
    result.ecx = this.#words[at + 2];
    result.edx = this.#words[at + 3];
    return result;
  }

  cpuidQuietly(leaf: number, subleaf = 0): CpuidResult {
    const before = this.#vcpu.get("biosSignId");
    const result = this.cpuid(leaf, subleaf);
    this.#vcpu.set("biosSignId", before);
    return result;
  }

  rdtsc(): bigint {
    return this.rdmsr(0x10);
  }

  rdtscp(): { readonly tsc: bigint; readonly aux: number } {
    return { tsc: this.rdtsc(), aux: Number(this.#vcpu.get("tscAux") & 0xffff_ffffn) };
  }

  // ---- registers

  rdmsr(msr: number): bigint {
    const value = this.#fails(`rdmsr ${hex(msr)}`) ? undefined : this.#vcpu.vmx.readMsr(msr);
    if (value === undefined) throw new CpuFault(`rdmsr of ${hex(msr)}: #GP(0), there is no such MSR`, VECTOR.GP);
    return value;
  }

  wrmsr(msr: number, value: bigint): void {
    if (this.#fails(`wrmsr ${hex(msr)}`) || !this.#vcpu.vmx.writeMsr(msr, value))
      throw new CpuFault(`wrmsr of ${hex(value)} to ${hex(msr)}: #GP(0), there is no such MSR, or it does not take the value`, VECTOR.GP);
  }

  xsetbv(register: number, value: bigint): void {
    if (this.#fails("xsetbv") || !this.#vcpu.vmx.writeXcr(register, value))
      throw new CpuFault(`xsetbv of ${hex(value)} to XCR${register}: #GP(0)`, VECTOR.GP);
  }

  get cr0(): bigint {
    return this.#vcpu.get("cr0");
  }

  set cr0(value: bigint) {
    this.#writeCr(0, value);
  }

  get cr2(): bigint {
    return this.#vcpu.get("cr2");
  }

  set cr2(value: bigint) {
    this.#vcpu.set("cr2", value);
  }

  get cr3(): bigint {
    return this.#vcpu.get("cr3");
  }

  set cr3(value: bigint) {
    this.#writeCr(3, value);
  }

  get cr4(): bigint {
    return this.#vcpu.get("cr4");
  }

  set cr4(value: bigint) {
    this.#writeCr(4, value);
  }

  get cr8(): bigint {
    return BigInt(this.#vcpu.getNumber("apicTpr") >> 4);
  }

  set cr8(value: bigint) {
    this.#writeCr(8, value);
  }

  get dr7(): bigint {
    return this.#vcpu.get("dr", 7);
  }

  set dr7(value: bigint) {
    this.#vcpu.set("dr", value, 7);
    this.#core.flushTlb();
    this.#vcpu.vmx.settle();
  }

  /** with RF, which the core keeps elsewhere */
  get rflags(): bigint {
    const resumes = this.#vcpu.get("resumeAt") === this.#vcpu.get("instructions") + 1n;
    return BigInt(this.#vcpu.rflags) | (resumes ? RFLAGS_RF : 0n);
  }

  set rflags(value: bigint) {
    this.#vcpu.rflags = Number(value & 0xffff_ffffn);
  }

  get rip(): bigint {
    return this.#vcpu.get("rip");
  }

  set rip(value: bigint) {
    this.#vcpu.set("rip", value);
    this.#vcpu.vmx.settle();
  }

  get rsp(): bigint {
    return this.#vcpu.get("rsp");
  }

  set rsp(value: bigint) {
    this.#vcpu.set("rsp", value);
  }

  // ---- segmentation

  segment(name: SegmentName): Segment {
    const rights = this.#vcpu.getNumber(`${name}Rights`);
    return {
      selector: this.#vcpu.getNumber(name),
      base: this.#vcpu.get(`${name}Base`),
      limit: this.#vcpu.getNumber(`${name}Limit`),
      accessRights: (rights & RIGHTS_P) !== 0 ? rights : rights | UNUSABLE,
    };
  }

  setSegment(name: SegmentName, { selector, base, limit, accessRights }: Segment): void {
    const vcpu = this.#vcpu;
    vcpu.setNumber(name, selector);
    vcpu.set(`${name}Base`, base);
    vcpu.setNumber(`${name}Limit`, limit);
    vcpu.setNumber(`${name}Rights`, (accessRights & UNUSABLE) !== 0 ? accessRights & 0xf07f & ~RIGHTS_P : accessRights & 0xf0ff);
    if (name === "ss") vcpu.setNumber("cpl", (accessRights >> 5) & 3);
    vcpu.vmx.settle();
  }

  get gdtr(): TableRegister {
    return { base: this.#vcpu.get("gdtrBase"), limit: this.#vcpu.getNumber("gdtrLimit") };
  }

  set gdtr({ base, limit }: TableRegister) {
    this.#vcpu.set("gdtrBase", base);
    this.#vcpu.setNumber("gdtrLimit", limit);
  }

  get idtr(): TableRegister {
    return { base: this.#vcpu.get("idtrBase"), limit: this.#vcpu.getNumber("idtrLimit") };
  }

  set idtr({ base, limit }: TableRegister) {
    this.#vcpu.set("idtrBase", base);
    this.#vcpu.setNumber("idtrLimit", limit);
  }

  ltr(selector: number): void {
    const raised = this.#fails("ltr") ? { vector: VECTOR.GP, errorCode: selector } : this.#vcpu.vmx.loadTr(selector);
    if (raised !== undefined) throw new CpuFault(`ltr of ${hex(selector)}: exception ${raised.vector}`, raised.vector, raised.errorCode);
  }

  lldt(selector: number): void {
    const raised = this.#fails("lldt") ? { vector: VECTOR.GP, errorCode: selector } : this.#vcpu.vmx.loadLdtr(selector);
    if (raised !== undefined) throw new CpuFault(`lldt of ${hex(selector)}: exception ${raised.vector}`, raised.vector, raised.errorCode);
  }

  get interruptibility(): number {
    const vcpu = this.#vcpu;
    const shadowed = vcpu.get("inhibitAt") === vcpu.get("instructions");
    return (shadowed ? vcpu.getNumber("inhibit") : 0) | (vcpu.getNumber("nmiBlocked") !== 0 ? BLOCKED_BY_NMI : 0);
  }

  /** An OS that waits in MWAIT is woken: that instruction may end at any time. */
  get activity(): number {
    return this.#vcpu.getNumber("halted") === HALTED.HLT ? ACTIVITY_HLT : 0;
  }

  /** Between instructions that have no VM around them, every trap has been taken. */
  get pendingDebug(): bigint {
    return 0n;
  }

  // ---- ports

  in8(port: number): number {
    return this.#core.portIn(port, 1);
  }

  in16(port: number): number {
    return this.#core.portIn(port, 2);
  }

  in32(port: number): number {
    return this.#core.portIn(port, 4) >>> 0;
  }

  out8(port: number, value: number): void {
    this.#core.portOut(port, 1, value & 0xff);
  }

  out16(port: number, value: number): void {
    this.#core.portOut(port, 2, value & 0xffff);
  }

  out32(port: number, value: number): void {
    this.#core.portOut(port, 4, value);
  }

  ins8(port: number, into: Uint8Array): void {
    for (let n = 0; n < into.length; n++) into[n] = this.in8(port);
  }

  ins16(port: number, into: Uint16Array): void {
    for (let n = 0; n < into.length; n++) into[n] = this.in16(port);
  }

  ins32(port: number, into: Uint32Array): void {
    for (let n = 0; n < into.length; n++) into[n] = this.in32(port);
  }

  outs8(port: number, from: Uint8Array): void {
    for (const value of from) this.out8(port, value);
  }

  outs16(port: number, from: Uint16Array): void {
    for (const value of from) this.out16(port, value);
  }

  outs32(port: number, from: Uint32Array): void {
    for (const value of from) this.out32(port, value);
  }

  // ---- caches and translations: memory is always coherent here

  wbinvd(): void {}

  invd(): void {}

  clflush(): void {}

  invlpg(address: bigint): void {
    this.#core.flushPage(address);
  }

  hlt(): void {
    this.#vcpu.setNumber("halted", HALTED.HLT);
  }

  stop(): void {
    this.#vcpu.vmx.halt();
  }

  get isStopped(): boolean {
    return this.#vcpu.vmx.halted;
  }

  // ---- VMX instructions

  vmxon(region: bigint): boolean {
    return !this.#fails("vmxon") && this.#succeeded("vmxon", this.#vcpu.vmx.vmxon(region));
  }

  vmxoff(): boolean {
    if (this.#fails("vmxoff")) return false;
    this.#exit(EXIT_REASON.VMXOFF);
    return this.#succeeded("vmxoff", this.#vcpu.vmx.vmxoff());
  }

  vmclear(vmcs: bigint): boolean {
    return !this.#fails("vmclear") && this.#succeeded("vmclear", this.#vcpu.vmx.vmclear(vmcs));
  }

  vmptrld(vmcs: bigint): boolean {
    return !this.#fails("vmptrld") && this.#succeeded("vmptrld", this.#vcpu.vmx.vmptrld(vmcs));
  }

  vmptrst(): bigint | undefined {
    if (this.#fails("vmptrst")) return undefined;
    if (this.#vcpu.getNumber("vmx") !== VMX.ROOT) throw undefinedHere("vmptrst");
    return this.#vcpu.get("vmcsPointer");
  }

  vmread(field: number): bigint | undefined {
    if (this.#faults !== NO_FAULTS && this.#fails(`vmread ${fieldName(field)}`)) return undefined;
    return this.#succeeded("vmread", this.#vcpu.vmx.vmread(field)) ? this.#vcpu.vmx.valueRead : undefined;
  }

  vmwrite(field: number, value: bigint): boolean {
    if (this.#faults !== NO_FAULTS && this.#fails(`vmwrite ${fieldName(field)}`)) return false;
    return this.#succeeded("vmwrite", this.#vcpu.vmx.vmwrite(field, value));
  }

  vmread32(field: number): number {
    return this.#vcpu.vmx.vmread32(field);
  }

  vmwrite32(field: number, value: number): boolean {
    if (this.#faults !== NO_FAULTS && this.#fails(`vmwrite ${fieldName(field)}`)) return false;
    return this.#succeeded("vmwrite", this.#vcpu.vmx.vmwrite32(field, value));
  }

  invept(type: InveptType, eptPointer: bigint): boolean {
    return !this.#fails("invept") && this.#succeeded("invept", this.#vcpu.vmx.invept(type, eptPointer));
  }

  invvpid(type: InvvpidType, vpid: number, address: bigint): boolean {
    return !this.#fails("invvpid") && this.#succeeded("invvpid", this.#vcpu.vmx.invvpid(type, vpid, address));
  }

  vmlaunchDemote(): boolean {
    const vcpu = this.#vcpu;
    if (this.#fails("vmlaunch")) return false;
    const before = vcpu.bytes.slice();
    const succeeded = this.#succeeded("vmlaunch", vcpu.vmx.vmlaunchHere());
    if (!vcpu.vmx.isAtGate) return succeeded;
    // the entry failed over the guest's state, and the host's has been loaded
    this.#takeBack(before);
    return false;
  }

  vmlaunch(): boolean {
    return !this.#fails("vmlaunch") && this.#succeeded("vmlaunch", this.#vcpu.vmx.vmlaunch());
  }

  vmresume(): boolean {
    return (this.#faults === NO_FAULTS || !this.#fails("vmresume")) && this.#succeeded("vmresume", this.#vcpu.vmx.vmresume());
  }

  vmcall(registers: VmcallRegisters): boolean {
    const vcpu = this.#vcpu;
    if (this.#fails("vmcall")) return false;
    this.#deliver();
    const whole = vcpu.bytes.slice();
    const before = GPR_NAMES.map((name) => vcpu.get(name));
    for (const [n, name] of VMCALL_REGISTERS.entries()) vcpu.set(name, BigInt.asUintN(64, registers[n] ?? 0n));
    const exited = this.#exit(EXIT_REASON.VMCALL);
    if (vcpu.vmx.halted) {
      // the OS has not called, and is not to end with a VMM that does not answer
      vcpu.vmx.reset();
      this.#takeBack(whole);
      throw new RuntimeError("the VMM has halted the CPU instead of answering");
    }
    for (const [n, name] of VMCALL_REGISTERS.entries()) registers[n] = vcpu.get(name);
    for (const [n, name] of GPR_NAMES.entries()) vcpu.set(name, before[n]);
    return exited;
  }

  inRoot(work: () => void): void {
    this.#deliver();
    const exited = this.#vcpu.vmx.exitHere(EXIT_REASON.VMCALL);
    try {
      work();
    } catch (error) {
      if (exited) this.#resume();
      throw error;
    }
    if (exited) this.#resume();
  }

  // ---- the gate

  setGate(hostRip: bigint, stateSave: bigint, machineEntry = 0n): void {
    const page = hostRip === 0n ? 0 : this.#core.linearOf(stateSave);
    if (page === undefined || page % 0x1000 !== 0)
      throw new RuntimeError(`there is no page of RAM at ${hex(stateSave)} for the state-save area`);
    this.#vcpu.set("vmmGate", hostRip);
    this.#vcpu.set("vmmEntry", machineEntry);
    this.#vcpu.setNumber("vmmSave", page);
  }

  advanceRip(): void {
    this.#vcpu.vmx.advanceRip();
  }

  promote(): void {
    this.#vcpu.vmx.promote();
  }

  /** The CPU is where it was; what happened since has not. */
  #takeBack(before: Uint8Array): void {
    this.#vcpu.bytes.set(before);
    this.#core.flushTlb();
    this.#vcpu.vmx.settle();
  }

  #resume(): void {
    if (!this.vmresume() || this.#vcpu.vmx.isAtGate) throw new RuntimeError("the guest cannot be resumed as the VMCS stands now");
  }

  /** The VM exit of an instruction at this boundary, and its handler. False: the OS is not in a VM. */
  #exit(reason: number): boolean {
    const { vmx, onVmExit } = this.#vcpu;
    this.#deliver();
    if (!vmx.exitHere(reason)) return false;
    if (onVmExit === undefined) throw new RuntimeError("a VM exit has arrived, and the VMM has no handler");
    vmx.handle(onVmExit);
    if (vmx.isAtGate) throw new RuntimeError("VM entry has failed behind a VM exit");
    return true;
  }

  /** An exception that the last instruction has raised is delivered first: only then the OS is between two instructions. */
  #deliver(): void {
    if (this.#vcpu.getNumber("stop") === STOP.EXCEPTION) this.#vcpu.run(0n);
  }

  #writeCr(number: 0 | 3 | 4 | 8, value: bigint): void {
    const raised = this.#fails(`write cr${number}`) ? { vector: VECTOR.GP, errorCode: 0 } : this.#vcpu.vmx.writeCr(number, value);
    if (raised !== undefined) throw new CpuFault(`mov of ${hex(value)} to CR${number}: #GP(0)`, raised.vector, raised.errorCode);
  }

  #succeeded(what: string, result: number): boolean {
    if (result < VMX_RESULT.RAISES) return result === VMX_RESULT.SUCCEEDED;
    const vector = result - VMX_RESULT.RAISES;
    throw vector === VECTOR.UD ? undefinedHere(what) : new CpuFault(`${what}: #GP(0), CR0, CR4 or IA32_FEATURE_CONTROL forbid it`, vector);
  }

  #fails(step: string): boolean {
    return this.#faults.fails(step);
  }
}

function undefinedHere(what: string): CpuFault {
  return new CpuFault(`${what}: #UD, the CPU is not in VMX root operation`, VECTOR.UD);
}
