/**
 * Accesses to the task priority by CR8, and to the local APIC by MSRs 800H-8FFH, that a guest's virtual APIC answers. SDM Vol. 3 "Virtualizing
 * CR8-Based TPR Accesses", "Virtualizing MSR-Based APIC Accesses". Called where the instruction does not exit; true: it is done, and RIP is
 * behind it or, after a VM exit that came of it, in the host.
 */
import { endStep } from "../cpu/debug";
import { jumpTo, KEY_STEP, KEY_TRAP } from "../cpu/modes";
import { Op } from "../decode/op";
import { State } from "../generated/state";
import * as V from "../generated/vmx";
import { raiseGp } from "../raise";
import {
  deliversVirtually,
  finishWrite,
  setVirtualRegister,
  setVirtualRegister64,
  VEOI,
  VTPR,
  virtualizeEoi,
  virtualizeSelfIpi,
  virtualizeTpr,
  virtualRegister,
  virtualRegister64,
} from "./virtual-apic";

const X2APIC: u32 = 0x800;
const X2APIC_END: u32 = 0x900;
const X2APIC_TPR: u32 = 0x808;
const X2APIC_EOI: u32 = 0x80b;
const X2APIC_SELF_IPI: u32 = 0x83f;
const VIRTUAL_SELF_IPI: u32 = 0x3f0;

/** The instruction is done: RIP is behind it, and it has retired; if the guest steps, a trap is pending. */
function complete(s: State, op: Op): bool {
  s.budget += <i64>op.left - 1;
  jumpTo(s, s.blockRip + <u64>op.off + <u64>op.len);
  if ((s.blockKey & KEY_STEP) != 0) endStep(s, (s.blockKey & KEY_TRAP) != 0, false);
  return true;
}

function shadowsTpr(s: State): bool {
  return (s.vmxPrimary & V.PRIMARY_USE_TPR_SHADOW) != 0;
}

/** MOV from CR8 to the register at `to`. */
export function readVirtualCr8(s: State, op: Op, to: usize): bool {
  if (!shadowsTpr(s)) return false;
  store<u64>(to, <u64>((virtualRegister(s, VTPR) >> 4) & 15));
  return complete(s, op);
}

export function writeVirtualCr8(s: State, op: Op, value: u64): bool {
  if (!shadowsTpr(s)) return false;
  if (value > 15) raiseGp(s, op);
  setVirtualRegister(s, VTPR, (<u32>value) << 4);
  complete(s, op);
  virtualizeTpr(s);
  return true;
}

function isVirtualX2apic(s: State, number: u32): bool {
  return number >= X2APIC && number < X2APIC_END && (s.vmxSecondary & V.SECONDARY_VIRTUALIZE_X2APIC_MODE) != 0;
}

export function readVirtualMsr(s: State, op: Op, number: u32): bool {
  if (!isVirtualX2apic(s, number)) return false;
  if (number != X2APIC_TPR && (s.vmxSecondary & V.SECONDARY_APIC_REGISTER_VIRTUALIZATION) == 0) return false;
  const v = virtualRegister64(s, (number - X2APIC) << 4);
  s.rax = v & 0xffffffff;
  s.rdx = v >> 32;
  return complete(s, op);
}

export function writeVirtualMsr(s: State, op: Op, number: u32): bool {
  if (!isVirtualX2apic(s, number)) return false;
  const delivery = deliversVirtually(s);
  if (number != X2APIC_TPR && !(delivery && (number == X2APIC_EOI || number == X2APIC_SELF_IPI))) return false;
  const value = (s.rdx << 32) | (s.rax & 0xffffffff);
  if (value >> 8 != 0 || (number == X2APIC_EOI && value != 0)) raiseGp(s, op);
  complete(s, op);
  if (number == X2APIC_TPR) {
    setVirtualRegister64(s, VTPR, value);
    virtualizeTpr(s);
  } else if (number == X2APIC_EOI) {
    setVirtualRegister(s, VEOI, 0);
    virtualizeEoi(s);
  } else {
    setVirtualRegister64(s, VIRTUAL_SELF_IPI, value);
    if ((value & 0xf0) != 0) virtualizeSelfIpi(s, <u32>value);
    else finishWrite(s, VIRTUAL_SELF_IPI);
  }
  return true;
}
