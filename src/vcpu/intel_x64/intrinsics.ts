/**
 * What the VMM's classes need of a CPU, as one interface: the registers and instructions that C++ code would reach by intrinsics. It acts on
 * the vCPU that the OS runs on, which stands between two instructions. core-intrinsics.ts implements it over the core, tests by a mock.
 *
 * 64-bit values are BigInt, narrower ones numbers. VMX instructions tell by their result whether they succeeded (CF = ZF = 0); vmx.ts has
 * wrappers that throw. What raises an exception here throws a CpuFault. SDM Vol. 3 "VMX Instruction Reference".
 */
import { RuntimeError } from "../../vmm/errors.ts";

export const CPUID_REGISTERS = ["eax", "ebx", "ecx", "edx"] as const;
export type CpuidRegister = (typeof CPUID_REGISTERS)[number];
export type CpuidResult = Readonly<Record<CpuidRegister, number>>;

export const SEGMENTS = ["es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"] as const;
export type SegmentName = (typeof SEGMENTS)[number];

/** Visible and hidden parts. Access rights as in a VMCS: descriptor bits 40-47 and 52-55 in bits 0-7 and 12-15, bit 16 unusable. */
export interface Segment {
  readonly selector: number;
  readonly base: bigint;
  readonly limit: number;
  readonly accessRights: number;
}

/** GDTR or IDTR */
export interface TableRegister {
  readonly base: bigint;
  readonly limit: number;
}

/** The CPU raises this exception where an intrinsic is executed. */
export class CpuFault extends RuntimeError {
  readonly vector: number;
  readonly errorCode: number;

  constructor(what: string, vector: number, errorCode = 0) {
    super(what);
    this.vector = vector;
    this.errorCode = errorCode;
  }
}

/**
 * Registers of a VMCALL: r0 to r15 of the protocol. r0 is RAX, then RDX RCX RBX RSI R8-R15; r13 to r15 exist, but carry nothing.
 */
export type VmcallRegisters = bigint[];

/** INVEPT: what is invalidated */
export const INVEPT = { SINGLE_CONTEXT: 1, GLOBAL: 2 } as const;
export type InveptType = (typeof INVEPT)[keyof typeof INVEPT];

/** INVVPID: what is invalidated */
export const INVVPID = { INDIVIDUAL_ADDRESS: 0, SINGLE_CONTEXT: 1, ALL_CONTEXTS: 2, SINGLE_CONTEXT_RETAINING_GLOBALS: 3 } as const;
export type InvvpidType = (typeof INVVPID)[keyof typeof INVVPID];

/** Access rights of segments that the VMM sets up. */
export const ACCESS_RIGHTS = {
  RING0_CS: 0xa09b,
  RING0_SS: 0xc093,
  RING0_FS: 0x8093,
  RING0_GS: 0x8093,
  RING0_TR: 0x008b,
  UNUSABLE: 0x1_0000,
} as const;

export interface Intrinsics {
  // ---- identification, time

  /** The result stands until the next call. */
  cpuid(leaf: number, subleaf?: number): CpuidResult;
  /** The same for the VMM's own use: IA32_BIOS_SIGN_ID, which leaf 1 sets, stays as the OS has it. */
  cpuidQuietly(leaf: number, subleaf?: number): CpuidResult;
  rdtsc(): bigint;
  rdtscp(): { readonly tsc: bigint; readonly aux: number };

  // ---- registers; what the CPU refuses throws a CpuFault: an MSR that does not exist, a value that a register does not take

  rdmsr(msr: number): bigint;
  wrmsr(msr: number, value: bigint): void;
  /** XCR0 is the guest's as well: no VM exit changes it */
  xsetbv(register: number, value: bigint): void;
  cr0: bigint;
  cr2: bigint;
  cr3: bigint;
  cr4: bigint;
  cr8: bigint;
  dr7: bigint;
  rflags: bigint;
  rip: bigint;
  rsp: bigint;

  // ---- segmentation

  segment(name: SegmentName): Segment;
  setSegment(name: SegmentName, segment: Segment): void;
  gdtr: TableRegister;
  idtr: TableRegister;
  /** loads through the GDT; LTR makes the task-state segment busy */
  ltr(selector: number): void;
  lldt(selector: number): void;

  /** Blocking of the CPU as a VMCS has it in "interruptibility state": 1 by STI, 2 by MOV SS, 8 by NMI. */
  readonly interruptibility: number;
  /** "activity state" of a VMCS: 0 active, 1 HLT */
  readonly activity: number;
  /** "pending debug exceptions" of a VMCS */
  readonly pendingDebug: bigint;

  // ---- ports; the string forms move as many elements as the array has

  in8(port: number): number;
  in16(port: number): number;
  in32(port: number): number;
  out8(port: number, value: number): void;
  out16(port: number, value: number): void;
  out32(port: number, value: number): void;
  ins8(port: number, into: Uint8Array): void;
  ins16(port: number, into: Uint16Array): void;
  ins32(port: number, into: Uint32Array): void;
  outs8(port: number, from: Uint8Array): void;
  outs16(port: number, from: Uint16Array): void;
  outs32(port: number, from: Uint32Array): void;

  // ---- caches and translations

  wbinvd(): void;
  invd(): void;
  clflush(address: bigint): void;
  invlpg(address: bigint): void;
  /** The CPU waits for an interrupt. */
  hlt(): void;
  /** The CPU stops for ever: the VMM is at its end. */
  stop(): void;
  /** `stop` was called. The guest can still be promoted, from where it was. */
  readonly isStopped: boolean;

  // ---- VMX instructions: whether they succeeded

  vmxon(region: bigint): boolean;
  /**
   * In VMX root operation VMXOFF; while the OS runs in a VM, the VM exit that VMXOFF causes there, with an instruction length of 0. When its
   * handler has promoted the OS, the CPU is in root operation, where VMXOFF is then executed.
   */
  vmxoff(): boolean;
  vmclear(vmcs: bigint): boolean;
  vmptrld(vmcs: bigint): boolean;
  /** the current VMCS, all ones without one; undefined: failed */
  vmptrst(): bigint | undefined;
  /** undefined: failed */
  vmread(field: number): bigint | undefined;
  vmwrite(field: number, value: bigint): boolean;
  /** The low 32 bits as a number, -1: failed. Makes no BigInt: for exit handlers. */
  vmread32(field: number): number;
  /** A value below 2^32. */
  vmwrite32(field: number, value: number): boolean;
  /** INVEPT type, EPT pointer */
  invept(type: InveptType, eptPointer: bigint): boolean;
  invvpid(type: InvvpidType, vpid: number, address: bigint): boolean;
  /**
   * VMLAUNCH with the general-purpose registers as they are: the OS goes on as the guest that the current VMCS describes. False: nothing
   * has happened to the CPU, and the VMCS says why: "VM-instruction error", or "exit reason" with bit 31.
   */
  vmlaunchDemote(): boolean;
  /** VMLAUNCH with general-purpose registers, RIP and RSP of the state-save page. */
  vmlaunch(): boolean;
  /** VMRESUME likewise. An entry that fails over the guest's state is a VM exit: true, and its handler is called next. */
  vmresume(): boolean;
  /** The VM exit of a VMCALL with these registers, which hold the answer afterwards; the OS's registers stay. False: no VM runs. */
  vmcall(registers: VmcallRegisters): boolean;

  /**
   * Runs `work` in VMX root operation with the VMCS as it stands: while the OS runs in a VM, inside a VM exit at this boundary that the exit
   * handler does not see. For what is to change in a VM from outside of its exits.
   */
  inRoot(work: () => void): void;

  // ---- the gate

  /**
   * VM exits that load `hostRip` belong to the VMM: they leave the general-purpose registers, RIP, RSP and XMM registers in the state-save
   * page (physical address; state-save.ts) and call the exit handler, which ends by `vmresume`, `promote` or `stop`. 0, 0: none do.
   */
  setGate(hostRip: bigint, stateSave: bigint, machineEntry?: bigint): void;
  /**
   * RIP of the state-save page moves behind the instruction that has exited, and with it what ends there: blocking by STI and MOV SS; a
   * single step traps. Of an instruction of length 0, nothing changes.
   */
  advanceRip(): void;
  /**
   * The CPU takes the guest's state of the current VMCS and of the state-save page, in VMX root operation: the OS goes on where it was, no
   * longer a guest.
   */
  promote(): void;
}

/** 48-bit linear addresses only. */
export function isAddressCanonical(address: bigint): boolean {
  const a = BigInt.asUintN(64, address);
  return a <= 0x0000_7fff_ffff_ffffn || a >= 0xffff_8000_0000_0000n;
}

/** The CPU has so many physical-address bits: CPUID 80000008H EAX[7:0]. */
export function isPhysicalAddressValid(intrinsics: Intrinsics, address: bigint): boolean {
  const bits = intrinsics.cpuid(0x8000_0008).eax & 0xff;
  return BigInt.asUintN(64, address) >> BigInt(bits) === 0n;
}
