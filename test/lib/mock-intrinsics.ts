/**
 * A CPU of maps for unit tests of the VMM's classes: MSRs, registers, VMCS fields, each as the test says. VMX instructions succeed unless
 * `failing` names them, and everything that changes the CPU is noted in `calls`. Capabilities are those of a CPU that allows everything that
 * src/spec/vmx-controls.ts knows, so that classes are tested beyond what our core offers.
 */
import type { Memory } from "../../src/bus/device.ts";
import { VMCS_FIELDS } from "../../src/spec/vmcs.ts";
import { type ControlField, VMX_CONTROLS } from "../../src/spec/vmx-controls.ts";
import {
  CpuFault,
  type CpuidResult,
  type Intrinsics,
  type Segment,
  type SegmentName,
  type TableRegister,
  type VmcallRegisters,
} from "../../src/vcpu/intel_x64/intrinsics.ts";
import { encodingOf } from "../../src/vcpu/intel_x64/vmx.ts";

const GP = 13;
const REVISION = 0x1234n;
export const MOCK_REVISION = REVISION;

/** which bits of a word must be 1: the TRUE MSRs leave the choice about those that have a name */
function capability(word: ControlField): bigint {
  let must = 0n;
  let may = 0n;
  for (const { field, bit, name } of VMX_CONTROLS) {
    if (field !== word) continue;
    may |= 1n << BigInt(bit);
    if (name === "") must |= 1n << BigInt(bit);
  }
  return must | (may << 32n);
}

const FLAT: Segment = { selector: 0x10, base: 0n, limit: 0xffff_ffff, accessRights: 0xc093 };
const NONE: CpuidResult = { eax: 0, ebx: 0, ecx: 0, edx: 0 };

export class MockIntrinsics implements Intrinsics {
  readonly msrs = new Map<number, bigint>();
  readonly fields = new Map<number, bigint>();
  readonly leaves = new Map<number, CpuidResult>();
  readonly ports = new Map<number, number>();
  /** VMX instructions that fail: "vmxon", "vmread guestRip" */
  readonly failing = new Set<string>();
  readonly calls: string[] = [];
  /** CR4 keeps VMXE whatever is written: 1 stays set, 0 stays clear */
  stuckVmxe: boolean | undefined;

  cr0 = 0x8001_0033n;
  cr2 = 0n;
  cr3 = 0x1000n;
  #cr4 = 0x620n;
  cr8 = 0n;
  dr7 = 0x400n;
  rflags = 2n;
  rip = 0x40_0000n;
  rsp = 0x7000n;
  gdtr: TableRegister = { base: 0x4000n, limit: 0xff };
  idtr: TableRegister = { base: 0x6000n, limit: 0xfff };
  interruptibility = 0;
  activity = 0;
  pendingDebug = 0n;
  readonly segments = new Map<SegmentName, Segment>();
  #current = 0xffff_ffff_ffff_ffffn;

  constructor() {
    const set = (msr: number, value: bigint) => this.msrs.set(msr, value);
    set(0x3a, 5n);
    set(0x8b, 0n);
    set(0x480, REVISION | (0x1000n << 32n) | (6n << 50n) | (1n << 54n) | (1n << 55n));
    set(0x48d, capability("pin"));
    set(0x48e, capability("primary"));
    set(0x48b, capability("secondary"));
    set(0x48f, capability("exit"));
    set(0x490, capability("entry"));
    set(0x485, 0x2000_01e5n | (1n << 30n));
    set(0x486, 0x8000_0021n);
    set(0x487, 0xffff_ffffn);
    set(0x488, 0x2000n);
    set(0x489, 0x77_37ffn);
    set(0x48c, 0xf01_0633_4141n);
    set(0x491, 1n);
    set(0x1d9, 0n);
    set(0x277, 0x0007_0406_0007_0406n);
    set(0x38f, 0n);
    set(0xc000_0080, 0xd01n);
    for (const msr of [0x174, 0x175, 0x176, 0xc000_0100, 0xc000_0101]) set(msr, 0n);
    this.leaves.set(1, { eax: 0x306c3, ebx: 0, ecx: 1 << 5, edx: 0 });
    this.leaves.set(0x8000_0008, { eax: 0x3027, ebx: 0, ecx: 0, edx: 0 });
    for (const name of ["es", "ss", "ds", "fs", "gs"] as const) this.segments.set(name, FLAT);
    this.segments.set("cs", { ...FLAT, selector: 8, accessRights: 0xa09b });
    this.segments.set("ldtr", { selector: 0, base: 0n, limit: 0, accessRights: 0x1_0000 });
    this.segments.set("tr", { selector: 0x40, base: 0x5800n, limit: 0x67, accessRights: 0x8b });
  }

  /** a VMCS field by name */
  field(name: string): bigint {
    return this.fields.get(encodingOf(name)) ?? 0n;
  }

  setField(name: string, value: bigint): this {
    this.fields.set(encodingOf(name), value);
    return this;
  }

  setFields(values: Readonly<Record<string, bigint>>): this {
    for (const [name, value] of Object.entries(values)) this.setField(name, value);
    return this;
  }

  cpuid(leaf: number, _subleaf?: number): CpuidResult {
    return this.leaves.get(leaf >>> 0) ?? NONE;
  }
  cpuidQuietly(leaf: number, subleaf = 0): CpuidResult {
    return this.cpuid(leaf, subleaf);
  }

  rdtsc(): bigint {
    return 12345n;
  }
  rdtscp(): { tsc: bigint; aux: number } {
    return { tsc: 12345n, aux: 0 };
  }

  rdmsr(msr: number): bigint {
    const value = this.msrs.get(msr);
    if (value === undefined) throw new CpuFault(`rdmsr 0x${msr.toString(16)}`, GP);
    return value;
  }
  wrmsr(msr: number, value: bigint): void {
    if (!this.msrs.has(msr)) throw new CpuFault(`wrmsr 0x${msr.toString(16)}`, GP);
    this.calls.push(`wrmsr 0x${msr.toString(16)} 0x${value.toString(16)}`);
    this.msrs.set(msr, value);
  }
  xsetbv(index: number, value: bigint): void {
    if (index !== 0 || (value & 1n) === 0n) throw new CpuFault("xsetbv", GP);
    this.calls.push(`xsetbv ${index} 0x${value.toString(16)}`);
  }

  get cr4(): bigint {
    return this.#cr4;
  }
  set cr4(value: bigint) {
    const vmxe = this.stuckVmxe ?? (value & 0x2000n) !== 0n;
    this.#cr4 = (value & ~0x2000n) | (vmxe ? 0x2000n : 0n);
  }

  segment(name: SegmentName): Segment {
    return this.segments.get(name) as Segment;
  }
  setSegment(name: SegmentName, segment: Segment): void {
    this.segments.set(name, segment);
  }
  ltr(selector: number): void {
    this.calls.push(`ltr ${selector}`);
  }
  lldt(selector: number): void {
    this.calls.push(`lldt ${selector}`);
  }

  in8(port: number): number {
    return this.#in(port, 0xff);
  }
  in16(port: number): number {
    return this.#in(port, 0xffff);
  }
  in32(port: number): number {
    return this.#in(port, 0xffff_ffff);
  }
  out8(port: number, value: number): void {
    this.#out(port, value);
  }
  out16(port: number, value: number): void {
    this.#out(port, value);
  }
  out32(port: number, value: number): void {
    this.#out(port, value);
  }
  ins8(port: number, into: Uint8Array): void {
    into.fill(this.in8(port));
  }
  ins16(port: number, into: Uint16Array): void {
    into.fill(this.in16(port));
  }
  ins32(port: number, into: Uint32Array): void {
    into.fill(this.in32(port));
  }
  outs8(port: number, from: Uint8Array): void {
    for (const value of from) this.#out(port, value);
  }
  outs16(port: number, from: Uint16Array): void {
    for (const value of from) this.#out(port, value);
  }
  outs32(port: number, from: Uint32Array): void {
    for (const value of from) this.#out(port, value);
  }

  wbinvd(): void {
    this.calls.push("wbinvd");
  }
  invd(): void {
    this.calls.push("invd");
  }
  clflush(address: bigint): void {
    this.calls.push(`clflush 0x${address.toString(16)}`);
  }
  invlpg(address: bigint): void {
    this.calls.push(`invlpg 0x${address.toString(16)}`);
  }
  hlt(): void {
    this.calls.push("hlt");
  }
  isStopped = false;

  stop(): void {
    this.calls.push("stop");
  }

  vmxon(region: bigint): boolean {
    return this.#vmx("vmxon", ` 0x${region.toString(16)}`);
  }
  vmxoff(): boolean {
    return this.#vmx("vmxoff");
  }
  vmclear(vmcs: bigint): boolean {
    return this.#vmx("vmclear", ` 0x${vmcs.toString(16)}`);
  }
  vmptrld(vmcs: bigint): boolean {
    if (!this.#vmx("vmptrld", ` 0x${vmcs.toString(16)}`)) return false;
    this.#current = vmcs;
    return true;
  }
  vmptrst(): bigint | undefined {
    return this.#current;
  }
  vmread(field: number): bigint | undefined {
    const name = nameOf(field);
    return name === undefined || this.failing.has(`vmread ${name}`) ? undefined : (this.fields.get(field) ?? 0n);
  }
  vmwrite(field: number, value: bigint): boolean {
    const name = nameOf(field);
    if (name === undefined || this.failing.has(`vmwrite ${name}`)) return false;
    this.fields.set(field, value);
    return true;
  }
  vmread32(field: number): number {
    const value = this.vmread(field);
    return value === undefined ? -1 : Number(value & 0xffff_ffffn);
  }
  vmwrite32(field: number, value: number): boolean {
    return this.vmwrite(field, BigInt(value >>> 0));
  }
  invept(type: number, eptPointer: bigint): boolean {
    return this.#vmx("invept", ` ${type} 0x${eptPointer.toString(16)}`);
  }
  invvpid(type: number, vpid: number, address: bigint): boolean {
    return this.#vmx("invvpid", ` ${type} ${vpid} 0x${address.toString(16)}`);
  }
  vmlaunchDemote(): boolean {
    return this.#vmx("vmlaunchDemote");
  }
  vmlaunch(): boolean {
    return this.#vmx("vmlaunch");
  }
  vmresume(): boolean {
    return this.#vmx("vmresume");
  }
  vmcall(_registers: VmcallRegisters): boolean {
    return this.#vmx("vmcall");
  }

  inRoot(work: () => void): void {
    this.calls.push("inRoot");
    work();
  }

  setGate(hostRip: bigint, stateSave: bigint): void {
    this.calls.push(`setGate 0x${hostRip.toString(16)} 0x${stateSave.toString(16)}`);
  }
  advanceRip(): void {
    this.calls.push("advanceRip");
  }
  promote(): void {
    this.calls.push("promote");
  }

  #vmx(name: string, operands = ""): boolean {
    this.calls.push(`${name}${operands}`);
    return !this.failing.has(name);
  }

  #in(port: number, nobody: number): number {
    return this.ports.get(port) ?? nobody;
  }

  #out(port: number, value: number): void {
    this.calls.push(`out 0x${port.toString(16)} 0x${value.toString(16)}`);
  }
}

const NAMES = new Map(VMCS_FIELDS.map((f) => [f.encoding, f.name]));
const nameOf = (encoding: number): string | undefined => NAMES.get(encoding);

/** Physical memory of so many bytes from 0 on. */
export class MockMemory implements Memory {
  readonly bytes: Uint8Array;

  constructor(length = 1 << 20) {
    this.bytes = new Uint8Array(length);
  }

  view(gpa: number, length: number): Uint8Array | undefined {
    return gpa + length > this.bytes.length ? undefined : this.bytes.subarray(gpa, gpa + length);
  }

  write(gpa: number, bytes: Uint8Array): boolean {
    if (gpa + bytes.length > this.bytes.length) return false;
    this.bytes.set(bytes, gpa);
    return true;
  }

  word(gpa: number): bigint {
    return new DataView(this.bytes.buffer).getBigUint64(gpa, true);
  }

  setWord(gpa: number, value: bigint): void {
    new DataView(this.bytes.buffer).setBigUint64(gpa, value, true);
  }
}
