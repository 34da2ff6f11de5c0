/**
 * The host ABI for the VMM in TypeScript: VMX instructions and privileged registers of a vCPU that stands between two instructions, with
 * ring 0's rights whatever its own level is. Results of VMX instructions are those of vmx/instructions.ts, or RAISES + vector.
 */
import { Exec } from "./backend/exec";
import { writeCr0, writeCr3, writeCr4 } from "./cpu/control-registers";
import { deriveMode } from "./cpu/modes";
import { msrValue, readMsr, writeMsr } from "./cpu/msrs";
import { Op } from "./decode/op";
import { setTaskPriority } from "./devices/lapic-interrupts";
import {
  CR4_VMXE,
  HALTED_SHUTDOWN,
  PENDING_VMX,
  STOP_BUDGET,
  STOP_SHUTDOWN,
  VECTOR_GP,
  VECTOR_UD,
  VMX_NON_ROOT,
  VMX_OFF,
  VMX_ROOT,
} from "./generated/constants";
import * as V from "./generated/vmx";
import { EXIT_COUNTS, FAST_MSRS, FAST_PATH, IDENTIFIED } from "./memory-map";
import { flushAll, takeContext } from "./mmu/tlb-context";
import { writeXcr } from "./semantics/control-register";
import { loadLdtr, loadTr } from "./semantics/descriptor";
import { cpuid } from "./semantics/identify";
import { secondaryOf } from "./vmx/check-controls";
import { loadGuest } from "./vmx/enter";
import { exit } from "./vmx/exit";
import { endTrace } from "./vmx/exit-counts";
import { advance, isVmms, takeRegisters } from "./vmx/gate";
import * as work from "./vmx/instructions";
import { loadNonRegister, NEVER } from "./vmx/non-register";
import { field, setField } from "./vmx/vmcs";

const RAISES: u32 = 0x200;
const DR6_BREAKPOINTS: u64 = 15;
/** between instructions there is no record */
const NO_RECORD: usize = 0;

function at(vcpu: usize): Exec {
  return changetype<Exec>(vcpu);
}

function noRecord(): Op {
  return changetype<Op>(NO_RECORD);
}

/** In VMX root operation the vCPU's VMX instructions work; elsewhere they are undefined, or would exit. */
function isRoot(vcpu: usize): bool {
  return at(vcpu).vmx == VMX_ROOT;
}

// ---- VMX instructions

export function vmxon(vcpu: usize, region: u64): u32 {
  const b = at(vcpu);
  if ((b.cr4 & CR4_VMXE) == 0 || b.vmx == VMX_NON_ROOT) return RAISES + VECTOR_UD;
  if (b.vmx == VMX_ROOT) return work.fail(b, V.VM_ERROR_VMXON_IN_ROOT);
  return work.mayVmxon(b) ? work.vmxon(b, region) : RAISES + VECTOR_GP;
}

export function vmxoff(vcpu: usize): u32 {
  return isRoot(vcpu) ? work.vmxoff(at(vcpu)) : RAISES + VECTOR_UD;
}

export function vmclear(vcpu: usize, pointer: u64): u32 {
  return isRoot(vcpu) ? work.vmclear(at(vcpu), pointer) : RAISES + VECTOR_UD;
}

export function vmptrld(vcpu: usize, pointer: u64): u32 {
  return isRoot(vcpu) ? work.vmptrld(at(vcpu), pointer) : RAISES + VECTOR_UD;
}

export function vmread(vcpu: usize, encoding: u32): u32 {
  return isRoot(vcpu) ? work.vmread(at(vcpu), <u64>encoding) : RAISES + VECTOR_UD;
}

/** what `vmread` has read, or `rdmsr` */
export function valueRead(): u64 {
  return work.fieldValue;
}

/** The low 32 bits of a field, or -1: not read. */
export function vmread32(vcpu: usize, encoding: u32): f64 {
  return isRoot(vcpu) && work.vmread(at(vcpu), <u64>encoding) == work.SUCCEEDED ? <f64>(<u32>work.fieldValue) : -1;
}

export function vmwrite(vcpu: usize, encoding: u32, value: u64): u32 {
  return isRoot(vcpu) ? work.vmwrite(at(vcpu), <u64>encoding, value) : RAISES + VECTOR_UD;
}

export function vmwrite32(vcpu: usize, encoding: u32, value: u32): u32 {
  return vmwrite(vcpu, encoding, <u64>value);
}

export function invept(vcpu: usize, type: u32, eptPointer: u64): u32 {
  return isRoot(vcpu) ? work.invept(at(vcpu), <u64>type, eptPointer) : RAISES + VECTOR_UD;
}

export function invvpid(vcpu: usize, type: u32, vpid: u32, address: u64): u32 {
  return isRoot(vcpu) ? work.invvpid(at(vcpu), <u64>type, <u64>vpid, address) : RAISES + VECTOR_UD;
}

// ---- the gate: assembly/vmx/gate.ts

/** VMLAUNCH with the general-purpose registers as they are. May raise, when the entry injects an event. */
export function vmlaunchHere(vcpu: usize): u32 {
  return isRoot(vcpu) ? work.vmlaunch(at(vcpu), false) : RAISES + VECTOR_UD;
}

/** VMLAUNCH and VMRESUME with the registers of the state-save page. */
export function vmlaunch(vcpu: usize): u32 {
  if (!isRoot(vcpu)) return RAISES + VECTOR_UD;
  at(vcpu).stop = STOP_BUDGET;
  takeRegisters(at(vcpu));
  return work.vmlaunch(at(vcpu), false);
}

export function vmresume(vcpu: usize): u32 {
  if (!isRoot(vcpu)) return RAISES + VECTOR_UD;
  at(vcpu).stop = STOP_BUDGET;
  takeRegisters(at(vcpu));
  return work.vmresume(at(vcpu), false);
}

/** The VM exit that an instruction without operands causes, at this boundary; false: no guest of the gate is running. */
export function exitHere(vcpu: usize, reason: u32): bool {
  const b = at(vcpu);
  if (b.vmx != VMX_NON_ROOT || !isVmms(b)) return false;
  setField(b, V.VM_EXIT_INSTRUCTION_LENGTH, 0);
  // TypeScript has asked for it, and gets it whoever looks at exits first
  const hostRip = field(b, V.HOST_RIP);
  setField(b, V.HOST_RIP, b.vmmGate);
  exit(b, reason, 0);
  setField(b, V.HOST_RIP, hostRip);
  return true;
}

export function advanceRip(vcpu: usize): void {
  advance(at(vcpu));
}

/** The guest of the current VMCS becomes the host: it goes on in VMX root operation. */
export function promote(vcpu: usize): void {
  const b = at(vcpu);
  b.stop = STOP_BUDGET;
  endTrace(b);
  takeRegisters(b);
  // whether its PDPTE registers are in the VMCS
  b.eptPointer = (secondaryOf(b) & V.SECONDARY_ENABLE_EPT) != 0 ? field(b, V.EPT_POINTER) : 0;
  loadGuest(b);
  b.eptPointer = 0;
  // what it has invalidated it has under its own VPID
  flushAll();
  takeContext(b);
  loadNonRegister(b);
  b.pendingDb = <u32>(b.vmxPendingDebug & DR6_BREAKPOINTS);
  b.vmxPendingDebug = 0;
  b.vmxTimerAt = NEVER;
  b.pending &= ~PENDING_VMX;
}

/** The vCPU does nothing more. */
export function halt(vcpu: usize): void {
  at(vcpu).halted = HALTED_SHUTDOWN;
  at(vcpu).stop = STOP_SHUTDOWN;
}

// ---- privileged registers: what is refused raises, or returns false

/** Address of four u32: EAX EBX ECX EDX of CPUID, as the guest of the gate would see them without a VMM. */
export function identify(vcpu: usize, leaf: u32, subleaf: u32): usize {
  const b = at(vcpu);
  const rax = b.rax;
  const rbx = b.rbx;
  const rcx = b.rcx;
  const rdx = b.rdx;
  const cr4 = b.cr4;
  if (b.vmx == VMX_ROOT && b.vmcs != 0 && b.rip == b.vmmGate) b.cr4 = field(b, V.GUEST_CR4);
  b.rax = <u64>leaf;
  b.rcx = <u64>subleaf;
  cpuid(b);
  store<u32>(IDENTIFIED, <u32>b.rax);
  store<u32>(IDENTIFIED, <u32>b.rbx, 4);
  store<u32>(IDENTIFIED, <u32>b.rcx, 8);
  store<u32>(IDENTIFIED, <u32>b.rdx, 12);
  b.rax = rax;
  b.rbx = rbx;
  b.rcx = rcx;
  b.rdx = rdx;
  b.cr4 = cr4;
  return IDENTIFIED;
}

export function hasMsr(vcpu: usize, number: u32): bool {
  return readMsr(at(vcpu), noRecord(), number);
}

/** what `hasMsr` has found */
export function msrRead(): u64 {
  return msrValue;
}

export function setMsr(vcpu: usize, number: u32, value: u64): bool {
  const b = at(vcpu);
  const done = writeMsr(b, noRecord(), number, value);
  b.jump(b.rip);
  return done;
}

export function setXcr(vcpu: usize, number: u32, value: u64): bool {
  return writeXcr(at(vcpu), number, value);
}

/** CR0, CR3, CR4 or CR8; raises #GP(0). */
export function setCr(vcpu: usize, number: u32, value: u64): void {
  const b = at(vcpu);
  if (number == 0) writeCr0(b, noRecord(), value);
  else if (number == 3) writeCr3(b, noRecord(), value);
  else if (number == 4) writeCr4(b, noRecord(), value);
  else setTaskPriority(b, (<u32>value & 15) << 4);
  b.jump(b.rip);
}

export function setTr(vcpu: usize, selector: u32): void {
  loadTr(at(vcpu), noRecord(), selector);
}

export function setLdtr(vcpu: usize, selector: u32): void {
  loadLdtr(at(vcpu), noRecord(), selector);
}

/** Segments, DR7 or RIP were set from outside. Unlike `refresh` it leaves the PDPTE registers alone. */
export function settleRegisters(vcpu: usize): void {
  const b = at(vcpu);
  deriveMode(b);
  b.jump(b.rip);
}

// ---- counts of VM exits, and which the core answers

/** Address of the counts: u64 all, u64 fast, for each basic reason. */
export function exitCountsAt(): usize {
  return EXIT_COUNTS;
}

/** Where the host writes the policy of the fast path, and its MSR bitmap. */
export function fastPathAt(): usize {
  return FAST_PATH;
}

export function fastMsrsAt(): usize {
  return FAST_MSRS;
}
