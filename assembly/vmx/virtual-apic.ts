/**
 * The virtual APIC of a guest: its registers in the virtual-APIC page, and virtual interrupts. SDM Vol. 3 "APIC Virtualization and Virtual
 * Interrupts". Registers stand in the page as in the local APIC's own, one in each 16 bytes; RVI and SVI, the highest vectors requested and
 * in service, in the guest interrupt status.
 *
 *     write of TPR, EOI, ICR ──► virtualization ──► VIRR, VISR, VPPR ──► evaluation ──► delivery between two instructions of the guest
 *     notification ──► posted-interrupt descriptor ──► VIRR ───────────────┘
 */
import { endSlice } from "../clock";
import { endOfInterrupt } from "../devices/lapic-interrupts";
import { PENDING_VMX } from "../generated/constants";
import { State } from "../generated/state";
import * as V from "../generated/vmx";
import { hostOf } from "../mmu/physical";
import { exit } from "./exit";
import { field, setField } from "./vmcs";

export const VTPR: u32 = 0x080;
export const VPPR: u32 = 0x0a0;
export const VEOI: u32 = 0x0b0;
export const VISR: u32 = 0x100;
export const VIRR: u32 = 0x200;
export const VICR: u32 = 0x300;
export const VICR_HIGH: u32 = 0x310;

/** of a self-IPI as it is virtualized: shorthand self, and of the rest only trigger level and vector may be set */
const ICR_SELF: u32 = 1 << 18;
const ICR_NOT_SELF: u32 = 0xfffff700 & ~ICR_SELF & ~((<u32>1) << 14);
/** ON in the posted-interrupt descriptor, behind 256 requests */
const OUTSTANDING: usize = 32;
const POSTED_ALIGNMENT: u64 = 63;

/** Linear address of a register of the virtual APIC, or 0 if its page is not RAM. */
function cell(s: State, offset: u32): usize {
  return s.virtualApic == 0 ? 0 : <usize>s.virtualApic + offset;
}

export function virtualRegister(s: State, offset: u32): u32 {
  const at = cell(s, offset);
  return at == 0 ? 0xffffffff : load<u32>(at);
}

export function setVirtualRegister(s: State, offset: u32, value: u32): void {
  const at = cell(s, offset);
  if (at != 0) store<u32>(at, value);
}

/** 64 bits, as MSRs have them in x2APIC mode */
export function virtualRegister64(s: State, offset: u32): u64 {
  const at = cell(s, offset);
  return at == 0 ? ~(<u64>0) : load<u64>(at);
}

export function setVirtualRegister64(s: State, offset: u32, value: u64): void {
  const at = cell(s, offset);
  if (at != 0) store<u64>(at, value);
}

export function deliversVirtually(s: State): bool {
  return (s.vmxSecondary & V.SECONDARY_VIRTUAL_INTERRUPT_DELIVERY) != 0;
}

// ---- what instructions bring about; the instruction has retired

/** SDM Vol. 3 "TPR Virtualization": true if there has been a VM exit. */
export function virtualizeTpr(s: State): bool {
  if (deliversVirtually(s)) {
    virtualizePpr(s);
    evaluate(s);
    return false;
  }
  return belowThreshold(s) && exited(s, V.EXIT_REASON_TPR_BELOW_THRESHOLD, 0);
}

export function belowThreshold(s: State): bool {
  return ((virtualRegister(s, VTPR) >> 4) & 15) < (<u32>field(s, V.TPR_THRESHOLD) & 15);
}

/** SDM Vol. 3 "EOI Virtualization" */
export function virtualizeEoi(s: State): bool {
  const vector = inService(s);
  clearBit(s, VISR, vector);
  setInService(s, highest(s, VISR));
  virtualizePpr(s);
  const bitmap = field(s, V.EOI_EXIT_BITMAP0 + ((vector >> 6) << 3));
  if (((bitmap >> (<u64>vector & 63)) & 1) != 0) return exited(s, V.EXIT_REASON_VIRTUALIZED_EOI, <u64>vector);
  evaluate(s);
  return false;
}

/** SDM Vol. 3 "Self-IPI Virtualization" */
export function virtualizeSelfIpi(s: State, vector: u32): void {
  request(s, vector);
  evaluate(s);
}

/** A write to the APIC-access page has gone to the virtual-APIC page; what the register's write brings about. */
export function finishApicWrite(s: State): bool {
  const offset = (s.vmxApicWrite - 1) & 0xffc;
  s.vmxApicWrite = 0;
  return finishWrite(s, offset & 0xff0);
}

/** SDM Vol. 3 "APIC-Write Emulation" */
export function finishWrite(s: State, register: u32): bool {
  if (register == VTPR) {
    setVirtualRegister(s, VTPR, virtualRegister(s, VTPR) & 0xff);
    return virtualizeTpr(s);
  }
  if (register == VICR_HIGH) {
    setVirtualRegister(s, VICR_HIGH, virtualRegister(s, VICR_HIGH) & 0xff000000);
    return false;
  }
  if (deliversVirtually(s)) {
    if (register == VEOI) {
      setVirtualRegister(s, VEOI, 0);
      return virtualizeEoi(s);
    }
    const command = virtualRegister(s, VICR);
    if (register == VICR && (command & ICR_NOT_SELF) == 0 && (command & ICR_SELF) != 0 && (command & 0xf0) != 0) {
      virtualizeSelfIpi(s, command & 0xff);
      return false;
    }
  }
  return exited(s, V.EXIT_REASON_APIC_WRITE, <u64>register);
}

// ---- virtual interrupts

/** SDM Vol. 3 "PPR Virtualization" */
export function virtualizePpr(s: State): void {
  const vtpr = virtualRegister(s, VTPR) & 0xff;
  const svi = inService(s);
  setVirtualRegister(s, VPPR, vtpr >> 4 >= svi >> 4 ? vtpr : svi & 0xf0);
}

/** SDM Vol. 3 "Evaluation of Pending Virtual Interrupts" */
export function evaluate(s: State): void {
  const masked = (s.vmxPrimary & V.PRIMARY_INTERRUPT_WINDOW_EXITING) != 0;
  const recognized = !masked && requested(s) >> 4 > ((virtualRegister(s, VPPR) >> 4) & 15);
  s.vmxVirtualInterrupt = <u32>recognized;
  if (!recognized) return;
  s.pending |= PENDING_VMX;
  endSlice(s);
}

/** SDM Vol. 3 "Virtual-Interrupt Delivery": the vector that is now in service. */
export function takeVirtualInterrupt(s: State): u32 {
  const vector = requested(s);
  setBit(s, VISR, vector);
  setInService(s, vector);
  setVirtualRegister(s, VPPR, vector & 0xf0);
  clearBit(s, VIRR, vector);
  setRequested(s, highest(s, VIRR));
  s.vmxVirtualInterrupt = 0;
  return vector;
}

/** SDM Vol. 3 "Posted-Interrupt Processing": true if the interrupt, which has been acknowledged, is the notification. */
export function isNotification(s: State, vector: u32): bool {
  if ((s.vmxPin & V.PIN_PROCESS_POSTED_INTERRUPTS) == 0) return false;
  if (vector != (<u32>field(s, V.POSTED_INTERRUPT_NOTIFICATION_VECTOR) & 0xff)) return false;
  const descriptor = hostOf(field(s, V.POSTED_INTERRUPT_DESCRIPTOR_ADDRESS) & ~POSTED_ALIGNMENT);
  endOfInterrupt(s);
  if (descriptor == 0) return true;
  store<u8>(descriptor, load<u8>(descriptor, OUTSTANDING) & 0xfe, OUTSTANDING);
  for (let i: u32 = 0; i < 8; i++) {
    const at = descriptor + ((<usize>i) << 2);
    const posted = load<u32>(at);
    if (posted == 0) continue;
    store<u32>(at, 0);
    setVirtualRegister(s, VIRR + (i << 4), virtualRegister(s, VIRR + (i << 4)) | posted);
  }
  setRequested(s, max<u32>(requested(s), highest(s, VIRR)));
  evaluate(s);
  return true;
}

function request(s: State, vector: u32): void {
  setBit(s, VIRR, vector);
  setRequested(s, max<u32>(requested(s), vector));
}

// ---- RVI and SVI

function requested(s: State): u32 {
  return <u32>field(s, V.GUEST_INTERRUPT_STATUS) & 0xff;
}

function setRequested(s: State, vector: u32): void {
  setField(s, V.GUEST_INTERRUPT_STATUS, (field(s, V.GUEST_INTERRUPT_STATUS) & 0xff00) | <u64>vector);
}

function inService(s: State): u32 {
  return (<u32>field(s, V.GUEST_INTERRUPT_STATUS) >> 8) & 0xff;
}

function setInService(s: State, vector: u32): void {
  setField(s, V.GUEST_INTERRUPT_STATUS, (field(s, V.GUEST_INTERRUPT_STATUS) & 0xff) | ((<u64>vector) << 8));
}

// ---- registers of 256 bits, 32 in each 16 bytes

function setBit(s: State, register: u32, vector: u32): void {
  const offset = register + ((vector >> 5) << 4);
  setVirtualRegister(s, offset, virtualRegister(s, offset) | (1 << (vector & 31)));
}

function clearBit(s: State, register: u32, vector: u32): void {
  const offset = register + ((vector >> 5) << 4);
  setVirtualRegister(s, offset, virtualRegister(s, offset) & ~((<u32>1) << (vector & 31)));
}

/** number of the highest bit set, or 0 */
function highest(s: State, register: u32): u32 {
  for (let i: i32 = 7; i >= 0; i--) {
    const word = virtualRegister(s, register + ((<u32>i) << 4));
    if (word != 0) return <u32>i * 32 + 31 - <u32>clz<u32>(word);
  }
  return 0;
}

function exited(s: State, reason: u32, qualification: u64): bool {
  exit(s, reason, qualification);
  return true;
}
