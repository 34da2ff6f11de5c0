/**
 * The current VMCS. Its data stand in guest memory, in the region that VMPTRLD names: revision, abort indicator, launch state, and from 64
 * on eight bytes for each field (src/spec/print/vmx.ts). SDM Vol. 3 "Format of the VMCS Region", "Organization of VMCS Data".
 */
import { ADDRESS_BITS_PHYSICAL } from "../generated/constants";
import { State } from "../generated/state";
import { VMCS_TABLE } from "../generated/vmx";
import { hostOf } from "../mmu/physical";

/** VMCS revision identifier, IA32_VMX_BASIC bits 30-0 */
export const REVISION: u32 = 1;
/** in the same place: this is a shadow VMCS */
export const SHADOW: u32 = 1 << 31;
const ABORT: usize = 4;
const LAUNCHED: usize = 8;

/** the VMX-preemption timer counts once in 1 << 0 cycles: IA32_VMX_MISC bits 4-0 */
export const TIMER_SHIFT: u64 = 0;

/** no VMCS is current, or no VMCS is linked */
export const NO_POINTER: u64 = ~(<u64>0);
export const PHYSICAL_MASK: u64 = ((<u64>1) << ADDRESS_BITS_PHYSICAL) - 1;

/** What a field's encoding finds: offset, log2 of its bytes << 12, type << 14; 0 if there is no such field. */
export function findField(encoding: u64): u32 {
  // bits 31-15, 12 and, of fields that are not 64 bits wide, 0 are reserved
  if ((encoding & ~(<u64>0x6fff)) != 0) return 0;
  const width = <u32>(encoding >> 13);
  const index = <u32>(encoding >> 1) & 0x1ff;
  if (index > 31 || ((encoding & 1) != 0 && width != 1)) return 0;
  return load<u16>(VMCS_TABLE + (((((width << 2) | (<u32>(encoding >> 10) & 3)) << 5) | index) << 1));
}

export const FIELD_OFFSET: u32 = 0xfff;
export const FIELD_TYPE: u32 = 14;
export const INFORMATION: u32 = 1;

/** mask of the bits that a found field has */
export function fieldMask(found: u32): u64 {
  const bytes = (found >> 12) & 3;
  return bytes == 1 ? 0xffff : bytes == 2 ? 0xffffffff : NO_POINTER;
}

export function field(s: State, offset: u32): u64 {
  return load<u64>(<usize>s.vmcs + offset);
}

export function setField(s: State, offset: u32, value: u64): void {
  store<u64>(<usize>s.vmcs + offset, value);
}

/** Whether a physical address may be that of a structure with the given alignment. */
export function isAligned(address: u64, bits: u64): bool {
  return (address & (~PHYSICAL_MASK | (((<u64>1) << bits) - 1))) == 0;
}

/** Linear address of the region at `pointer`, or 0 if there is no memory. */
export function regionOf(pointer: u64): usize {
  return hostOf(pointer);
}

export function revisionAt(pointer: u64): u32 {
  const at = hostOf(pointer);
  return at == 0 ? 0xffffffff : load<u32>(at);
}

export function isLaunched(s: State): bool {
  return load<u32>(<usize>s.vmcs, LAUNCHED) != 0;
}

export function setLaunched(region: usize, launched: u32): void {
  store<u32>(region, launched, LAUNCHED);
}

export function setAbort(s: State, indicator: u32): void {
  store<u32>(<usize>s.vmcs, indicator, ABORT);
}

/** Makes the VMCS at `pointer` current; NO_POINTER: none. */
export function makeCurrent(s: State, pointer: u64): void {
  s.vmxClean = 0;
  s.vmcsPointer = pointer;
  s.vmcs = pointer == NO_POINTER ? 0 : <u32>regionOf(pointer);
}
