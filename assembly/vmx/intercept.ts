/**
 * Instructions that may cause VM exits. SDM Vol. 3 "Instructions That Cause VM Exits". In VMX non-root operation the decoder puts a record
 * before each of them that asks here, before anything of the instruction has happened; its immediate is the cause. What an instruction
 * checks before it would exit (that it exists here, privilege, I/O permissions) is checked first, and left to the instruction if it fails.
 */
import { timeStamp } from "../clock";
import { hasDescriptors, isLongMode, privileged } from "../cpu/modes";
import { MEM, OP_SIZE, Op } from "../decode/op";
import { CR0_TS, CR4_OSXSAVE, CR4_PCE, CR4_TSD, CR4_UMIP, CR4_VMXE, VMX_NON_ROOT, VMX_OFF } from "../generated/constants";
import { KIND_ADDRESS } from "../generated/kinds";
import { State } from "../generated/state";
import * as V from "../generated/vmx";
import { raiseUd } from "../raise";
import { accessExits, msrExits } from "./bitmaps";
import { exitInstruction } from "./exit";
import { answersPlain } from "./fast-path";
import { linearOf, memoryInformation, noteInstruction, registerNumber } from "./instruction-information";
import { readVirtualMsr, writeVirtualMsr } from "./intercept-apic";
import { interceptClts, interceptLmsw, interceptMovFromCr, interceptMovToCr } from "./intercept-cr";
import { interceptPort, interceptStringPort } from "./intercept-io";
import { functionExits } from "./vm-functions";
import { field, setField } from "./vmcs";

const IN: u32 = 1 << 3;
const OUT: u32 = 0;

/** The instruction's own record, behind this one and an address record if there is one. */
export function mainRecord(op: Op): Op {
  const next = changetype<Op>(changetype<usize>(op) + OP_SIZE);
  return <u32>next.kind == KIND_ADDRESS ? changetype<Op>(changetype<usize>(next) + OP_SIZE) : next;
}

function plainExit(s: State, op: Op, reason: u32): bool {
  if (answersPlain(s, op, reason)) return false;
  exitInstruction(s, op, reason, 0);
  return true;
}

function exitIf(s: State, op: Op, exits: bool, reason: u32): bool {
  return exits && plainExit(s, op, reason);
}

/** With the memory operand described: displacement as qualification, registers in the instruction information. */
function operandExit(s: State, op: Op, reason: u32): bool {
  noteInstruction(s, op, mainRecord(op));
  exitInstruction(s, op, reason, <u64>op.disp);
  return true;
}

/** VMX instructions exit whatever the privilege level is, where they exist. */
function vmxExit(s: State, op: Op, reason: u32): bool {
  if (!hasDescriptors(s) || (isLongMode(s) && s.mode != 2)) return false;
  return operandExit(s, op, reason);
}

/** Loads and stores of descriptor-table registers, numbered in bits 28-29 of the instruction information. */
function tableExit(s: State, op: Op, reason: u32, number: u32, loads: bool): bool {
  if ((s.vmxSecondary & V.SECONDARY_DESCRIPTOR_TABLE_EXITING) == 0) return false;
  if (s.cpl != 0 && (loads || (s.cr4 & CR4_UMIP) != 0)) return false;
  const main = mainRecord(op);
  const inMemory = main.dk == MEM || main.sk == MEM;
  let information = (number << 28) | (main.operandSize << 11);
  if (inMemory) information |= memoryInformation(s, op);
  else information |= (1 << 10) | ((registerNumber(s, loads ? main.s : main.d) & 15) << 3);
  setField(s, V.VM_EXIT_INSTRUCTION_INFORMATION, <u64>information);
  exitInstruction(s, op, reason, inMemory ? <u64>op.disp : 0);
  return true;
}

/** SDM Vol. 3 "Exit Qualification for MOV DR". */
function debugExit(s: State, op: Op, dr: u32, register: u32, direction: u32): bool {
  if ((s.vmxPrimary & V.PRIMARY_MOV_DR_EXITING) == 0 || dr > 7) return false;
  exitInstruction(s, op, V.EXIT_REASON_MOV_DR, <u64>((dr & 7) | direction | (registerNumber(s, register) << 8)));
  return true;
}

/** SDM Vol. 3 "PLE_Gap", "PLE_Window": ring 0 repeats PAUSE at short intervals, and has done so for long. */
function isPauseLoop(s: State, op: Op): bool {
  if ((s.vmxSecondary & V.SECONDARY_PAUSE_LOOP_EXITING) == 0 || s.cpl != 0) return false;
  const now = timeStamp(s, op);
  const begins = s.vmxPauseLast == 0 || now - s.vmxPauseLast > field(s, V.PLE_GAP);
  s.vmxPauseLast = now;
  if (begins) s.vmxPauseFirst = now;
  return now - s.vmxPauseFirst > field(s, V.PLE_WINDOW);
}

/** Bytes that a port instruction moves: one with the even opcodes. The record keeps its opcode in `d`. */
function portSize(op: Op): u32 {
  return (op.d & 1) == 0 ? 1 : op.operandSize == 0 ? 2 : 4;
}

/** Outside of non-root operation: a VMX instruction that does not exist here, or not for this privilege level. */
function refuseOutside(s: State, op: Op): bool {
  const on = <u32>op.imm == V.CAUSE_VMXON ? (s.cr4 & CR4_VMXE) != 0 : s.vmx != VMX_OFF;
  if (!on || !hasDescriptors(s) || (isLongMode(s) && s.mode != 2)) raiseUd(s, op);
  privileged(s, op);
  return false;
}

/** Before the instruction whose record follows: true if it has caused a VM exit. */
export function intercept(s: State, op: Op): bool {
  if (s.vmx != VMX_NON_ROOT) return refuseOutside(s, op);
  const primary = s.vmxPrimary;
  const secondary = s.vmxSecondary;
  const ring0 = s.cpl == 0;
  switch (<u32>op.imm) {
    case V.CAUSE_CPUID:
      return plainExit(s, op, V.EXIT_REASON_CPUID);
    case V.CAUSE_HLT:
      return exitIf(s, op, ring0 && (primary & V.PRIMARY_HLT_EXITING) != 0, V.EXIT_REASON_HLT);
    case V.CAUSE_INVD:
      return exitIf(s, op, ring0, V.EXIT_REASON_INVD);
    case V.CAUSE_WBINVD:
      return exitIf(s, op, ring0 && (secondary & V.SECONDARY_WBINVD_EXITING) != 0, V.EXIT_REASON_WBINVD);
    case V.CAUSE_INVLPG: {
      if (!ring0 || (primary & V.PRIMARY_INVLPG_EXITING) == 0) return false;
      exitInstruction(s, op, V.EXIT_REASON_INVLPG, linearOf(s, op));
      return true;
    }
    case V.CAUSE_INVPCID:
      if ((secondary & V.SECONDARY_ENABLE_INVPCID) == 0) raiseUd(s, op);
      return ring0 && (primary & V.PRIMARY_INVLPG_EXITING) != 0 && operandExit(s, op, V.EXIT_REASON_INVPCID);
    case V.CAUSE_RDPMC:
      return exitIf(s, op, (primary & V.PRIMARY_RDPMC_EXITING) != 0 && (ring0 || (s.cr4 & CR4_PCE) != 0), V.EXIT_REASON_RDPMC);
    case V.CAUSE_RDTSC:
      return exitIf(s, op, (primary & V.PRIMARY_RDTSC_EXITING) != 0 && (ring0 || (s.cr4 & CR4_TSD) == 0), V.EXIT_REASON_RDTSC);
    case V.CAUSE_RDTSCP: {
      if ((secondary & V.SECONDARY_ENABLE_RDTSCP) == 0) raiseUd(s, op);
      return exitIf(s, op, (primary & V.PRIMARY_RDTSC_EXITING) != 0 && (ring0 || (s.cr4 & CR4_TSD) == 0), V.EXIT_REASON_RDTSCP);
    }
    case V.CAUSE_RDPID:
      if ((secondary & V.SECONDARY_ENABLE_RDTSCP) == 0) raiseUd(s, op);
      return false;
    case V.CAUSE_RDRAND:
      return (secondary & V.SECONDARY_RDRAND_EXITING) != 0 && operandExit(s, op, V.EXIT_REASON_RDRAND);
    case V.CAUSE_RDSEED:
      return (secondary & V.SECONDARY_RDSEED_EXITING) != 0 && operandExit(s, op, V.EXIT_REASON_RDSEED);
    case V.CAUSE_MONITOR:
      return exitIf(s, op, ring0 && (primary & V.PRIMARY_MONITOR_EXITING) != 0, V.EXIT_REASON_MONITOR);
    case V.CAUSE_MWAIT: {
      if (!ring0 || (primary & V.PRIMARY_MWAIT_EXITING) == 0) return false;
      exitInstruction(s, op, V.EXIT_REASON_MWAIT, <u64>s.monitoring);
      return true;
    }
    case V.CAUSE_PAUSE:
      return exitIf(s, op, (primary & V.PRIMARY_PAUSE_EXITING) != 0 || isPauseLoop(s, op), V.EXIT_REASON_PAUSE);
    case V.CAUSE_MOV_TO_CR:
      return ring0 && interceptMovToCr(s, op, mainRecord(op));
    case V.CAUSE_MOV_FROM_CR:
      return ring0 && interceptMovFromCr(s, op, mainRecord(op));
    case V.CAUSE_CLTS:
      return ring0 && interceptClts(s, op);
    case V.CAUSE_LMSW:
      return ring0 && interceptLmsw(s, op, mainRecord(op));
    case V.CAUSE_MOV_TO_DR:
      return ring0 && debugExit(s, op, mainRecord(op).d, mainRecord(op).s, 0);
    case V.CAUSE_MOV_FROM_DR:
      return ring0 && debugExit(s, op, mainRecord(op).s, mainRecord(op).d, 1 << 4);
    case V.CAUSE_IN:
      return interceptPort(s, op, mainRecord(op), mainRecord(op).s, portSize(op), IN);
    case V.CAUSE_OUT:
      return interceptPort(s, op, mainRecord(op), mainRecord(op).d, portSize(op), OUT);
    case V.CAUSE_INS:
      return interceptStringPort(s, op, mainRecord(op), portSize(op), IN);
    case V.CAUSE_OUTS:
      return interceptStringPort(s, op, mainRecord(op), portSize(op), OUT);
    case V.CAUSE_RDMSR:
      if (!ring0) return false;
      return msrExits(s, <u32>s.rcx, 0) ? plainExit(s, op, V.EXIT_REASON_RDMSR) : readVirtualMsr(s, op, <u32>s.rcx);
    case V.CAUSE_WRMSR:
      if (!ring0) return false;
      return msrExits(s, <u32>s.rcx, 1) ? plainExit(s, op, V.EXIT_REASON_WRMSR) : writeVirtualMsr(s, op, <u32>s.rcx);
    case V.CAUSE_XSETBV:
      return exitIf(s, op, ring0 && (s.cr4 & CR4_OSXSAVE) != 0, V.EXIT_REASON_XSETBV);
    case V.CAUSE_XSAVES:
    case V.CAUSE_XRSTORS: {
      if ((secondary & V.SECONDARY_ENABLE_XSAVES_XRSTORS) == 0) raiseUd(s, op);
      if (!ring0 || (s.cr4 & CR4_OSXSAVE) == 0 || (s.cr0 & CR0_TS) != 0) return false;
      const wanted = ((s.rdx << 32) | (s.rax & 0xffffffff)) & s.xss & field(s, V.XSS_EXITING_BITMAP);
      return wanted != 0 && operandExit(s, op, <u32>op.imm == V.CAUSE_XSAVES ? V.EXIT_REASON_XSAVES : V.EXIT_REASON_XRSTORS);
    }
    case V.CAUSE_SGDT:
      return tableExit(s, op, V.EXIT_REASON_GDTR_OR_IDTR, 0, false);
    case V.CAUSE_SIDT:
      return tableExit(s, op, V.EXIT_REASON_GDTR_OR_IDTR, 1, false);
    case V.CAUSE_LGDT:
      return tableExit(s, op, V.EXIT_REASON_GDTR_OR_IDTR, 2, true);
    case V.CAUSE_LIDT:
      return tableExit(s, op, V.EXIT_REASON_GDTR_OR_IDTR, 3, true);
    case V.CAUSE_SLDT:
      return hasDescriptors(s) && tableExit(s, op, V.EXIT_REASON_LDTR_OR_TR, 0, false);
    case V.CAUSE_STR:
      return hasDescriptors(s) && tableExit(s, op, V.EXIT_REASON_LDTR_OR_TR, 1, false);
    case V.CAUSE_LLDT:
      return hasDescriptors(s) && tableExit(s, op, V.EXIT_REASON_LDTR_OR_TR, 2, true);
    case V.CAUSE_LTR:
      return hasDescriptors(s) && tableExit(s, op, V.EXIT_REASON_LDTR_OR_TR, 3, true);
    case V.CAUSE_VMCALL:
      return plainExit(s, op, V.EXIT_REASON_VMCALL);
    case V.CAUSE_VMFUNC:
      return exitIf(s, op, functionExits(s), V.EXIT_REASON_VMFUNC);
    case V.CAUSE_VMCLEAR:
      return vmxExit(s, op, V.EXIT_REASON_VMCLEAR);
    case V.CAUSE_VMLAUNCH:
      return vmxExit(s, op, V.EXIT_REASON_VMLAUNCH);
    case V.CAUSE_VMPTRLD:
      return vmxExit(s, op, V.EXIT_REASON_VMPTRLD);
    case V.CAUSE_VMPTRST:
      return vmxExit(s, op, V.EXIT_REASON_VMPTRST);
    case V.CAUSE_VMREAD:
      return accessExits(s, mainRecord(op).s, V.VMREAD_BITMAP_ADDRESS) && vmxExit(s, op, V.EXIT_REASON_VMREAD);
    case V.CAUSE_VMWRITE:
      return accessExits(s, mainRecord(op).d, V.VMWRITE_BITMAP_ADDRESS) && vmxExit(s, op, V.EXIT_REASON_VMWRITE);
    case V.CAUSE_VMRESUME:
      return vmxExit(s, op, V.EXIT_REASON_VMRESUME);
    case V.CAUSE_VMXOFF:
      return vmxExit(s, op, V.EXIT_REASON_VMXOFF);
    case V.CAUSE_VMXON:
      return (s.cr4 & CR4_VMXE) != 0 && vmxExit(s, op, V.EXIT_REASON_VMXON);
    case V.CAUSE_INVEPT:
      return vmxExit(s, op, V.EXIT_REASON_INVEPT);
    case V.CAUSE_INVVPID:
      return vmxExit(s, op, V.EXIT_REASON_INVVPID);
    default:
      return false;
  }
}
