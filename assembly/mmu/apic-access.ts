/**
 * The APIC-access page in VMX non-root operation: a page of physical memory at which a guest believes its local APIC. SDM Vol. 3 "Virtualizing
 * Memory-Mapped APIC Accesses". Before anything of an access has happened it is decided here: a VM exit, or an access to the virtual-APIC page
 * instead. What a write does besides is done behind the instruction (assembly/vmx/virtual-apic.ts), which therefore runs in a block of its own.
 */
import { endSlice } from "../clock";
import { Op } from "../decode/op";
import { PENDING_VMX } from "../generated/constants";
import { State } from "../generated/state";
import * as V from "../generated/vmx";
import { raiseExit, startOver } from "../raise";

const ID: u32 = 0x02;
const TPR: u32 = 0x08;
const EOI: u32 = 0x0b;
const ICR: u32 = 0x30;
/** no page of physical memory */
export const NO_APIC_ACCESS: u64 = ~(<u64>0);

// bits 15-12 of the qualification
const LINEAR_READ: u64 = 0;
const LINEAR_WRITE: u64 = 1;
const LINEAR_FETCH: u64 = 2;
const LINEAR_EVENT: u64 = 3;

/** registers, one for each 16 bytes of the page, that can be read with APIC-register virtualization: 02 03 08 0B 0D-0F 10-27 28 30-37 38 3E */
const READABLE: u64 = 0x41ff_01ff_ffff_e90c;
/** those that can be written: 02 08 0B 0D-0F 28 30-37 38 3E */
const WRITABLE: u64 = 0x41ff_0100_0000_e904;

/** The instruction's access of `size` bytes at `offset` into the page, which lies in it as a whole; returns only if it is virtualized. */
export function checkApicAccess(s: State, op: Op, offset: u32, size: u32, write: bool, whole: bool): void {
  if (s.delivering != 0) refuseAccess(s, op, offset, LINEAR_EVENT);
  const contained = whole && size <= 4 && (offset & 15) + size <= 4;
  if (!contained || !isVirtualized(s, offset >> 4, write)) refuseAccess(s, op, offset, write ? LINEAR_WRITE : LINEAR_READ);
  if (!write) return;
  // there must be no instruction between the write and what comes of it
  if (op.left > 1) {
    s.vmxAlone = 1;
    startOver(s, op);
  }
  s.vmxApicWrite = offset + 1;
  s.pending |= PENDING_VMX;
  endSlice(s);
}

/** An instruction is fetched from the page. */
export function refuseFetch(s: State, offset: u32): void {
  refuseAccess(s, changetype<Op>(0), offset, LINEAR_FETCH);
}

function refuseAccess(s: State, op: Op, offset: u32, type: u64): void {
  raiseExit(s, op, V.EXIT_REASON_APIC_ACCESS, <u64>offset | (type << 12));
}

function isVirtualized(s: State, register: u32, write: bool): bool {
  if ((s.vmxPrimary & V.PRIMARY_USE_TPR_SHADOW) == 0 || register > 0x3f) return false;
  if ((s.vmxSecondary & V.SECONDARY_APIC_REGISTER_VIRTUALIZATION) != 0) return (((write ? WRITABLE : READABLE) >> register) & 1) != 0;
  const delivery = (s.vmxSecondary & V.SECONDARY_VIRTUAL_INTERRUPT_DELIVERY) != 0;
  return register == TPR || (write && delivery && (register == EOI || register == ICR));
}
