/**
 * What writing CR0, CR3, CR4 and PKRU entails: the checks, the mode it leads to, and which translations go. SDM Vol. 3 "Control Registers",
 * "Paging-Mode Enabling", "Operations that Invalidate TLBs and Paging-Structure Caches", "Initializing IA-32e Mode".
 */
import { Op } from "../decode/op";
import {
  ADDRESS_BITS_PHYSICAL,
  CR0_AM,
  CR0_CD,
  CR0_EM,
  CR0_ET,
  CR0_MP,
  CR0_NE,
  CR0_NW,
  CR0_PE,
  CR0_PG,
  CR0_TS,
  CR0_WP,
  CR4_LA57,
  CR4_PAE,
  CR4_PCIDE,
  CR4_PGE,
  CR4_PKE,
  CR4_PSE,
  CR4_SMAP,
  CR4_SMEP,
  CR4_VMXE,
  EFER_LMA,
  EFER_LME,
  VMX_NON_ROOT,
  VMX_OFF,
} from "../generated/constants";
import { State } from "../generated/state";
import { SECONDARY_UNRESTRICTED_GUEST } from "../generated/vmx";
import { MODEL_CR4 } from "../memory-map";
import { refusePdptes } from "../mmu/refuse";
import { flushLocal, flushTlb } from "../mmu/tlb-context";
import { loadPdptes } from "../mmu/walk";
import { raiseGp } from "../raise";
import { BUSY_TSS } from "./descriptors";
import { deriveMode, isLongMode, settleMode } from "./modes";
import { RIGHTS_L } from "./segments";

const CR0_WRITABLE: u64 = CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG;
/** what translations depend on */
const CR4_PAGING: u64 = CR4_PSE | CR4_PAE | CR4_PGE | CR4_PCIDE | CR4_SMEP | CR4_SMAP | CR4_PKE | CR4_LA57;
/** changes that load the PDPTE registers */
const CR0_LOADS: u64 = CR0_PG | CR0_CD | CR0_NW;
const CR4_LOADS: u64 = CR4_PAE | CR4_PGE | CR4_PSE | CR4_SMEP;
/** above the width of physical addresses */
const CR3_RESERVED: u64 = ~(((<u64>1) << ADDRESS_BITS_PHYSICAL) - 1);
/** with PCIDE: keep the translations of the new PCID */
const CR3_KEEP: u64 = 1 << 63;
const PCID: u64 = 0xfff;
const UPPER: u64 = 0xffffffff00000000;

export function writeCr0(s: State, op: Op, v: u64): void {
  const changed = s.cr0 ^ v;
  if ((v & UPPER) != 0) raiseGp(s, op);
  if ((v & (CR0_PG | CR0_PE)) == CR0_PG || (v & (CR0_NW | CR0_CD)) == CR0_NW) raiseGp(s, op);
  if (s.vmx != VMX_OFF && (fixedCr0(s) & ~v) != 0) raiseGp(s, op);
  if ((changed & CR0_PG) != 0) checkPagingSwitch(s, op, v);
  const long = (v & CR0_PG) != 0 && (s.efer & EFER_LME) != 0;
  if (usesPdptes(v, s.cr4, long) && (changed & CR0_LOADS) != 0 && !loadPdptes(s, s.cr3)) refusePdptes(s, op);
  s.cr0 = (v & CR0_WRITABLE) | CR0_ET;
  s.efer = long ? s.efer | EFER_LMA : s.efer & ~(<u64>EFER_LMA);
  if ((changed & (CR0_PG | CR0_WP)) != 0) flushTlb();
  deriveMode(s);
}

/** Bits of CR0 that VMX operation keeps at 1. SDM Vol. 3 "Restrictions on VMX Operation" */
function fixedCr0(s: State): u64 {
  const unrestricted = s.vmx == VMX_NON_ROOT && (s.vmxSecondary & SECONDARY_UNRESTRICTED_GUEST) != 0;
  return unrestricted ? CR0_NE : CR0_PE | CR0_NE | CR0_PG;
}

/** Paging goes on, into IA-32e mode if EFER.LME says so, or off. */
function checkPagingSwitch(s: State, op: Op, v: u64): void {
  if ((v & CR0_PG) == 0) {
    if (s.mode == 2 || (s.cr4 & CR4_PCIDE) != 0) raiseGp(s, op);
  } else if ((s.efer & EFER_LME) != 0) {
    const type = <u32>s.trRights & 15;
    if ((s.cr4 & CR4_PAE) == 0 || (s.csRights & RIGHTS_L) != 0 || (type != BUSY_TSS && type < 8 && s.tr != 0)) raiseGp(s, op);
  }
}

export function usesPdptes(cr0: u64, cr4: u64, long: bool): bool {
  return (cr0 & CR0_PG) != 0 && (cr4 & CR4_PAE) != 0 && !long;
}

/** MOV to CR3, and the loads of CR3 by task switches. */
export function writeCr3(s: State, op: Op, v: u64): void {
  const keep = (s.cr4 & CR4_PCIDE) != 0 ? CR3_KEEP : 0;
  if ((v & CR3_RESERVED & ~keep) != 0) raiseGp(s, op);
  if (usesPdptes(s.cr0, s.cr4, isLongMode(s)) && !loadPdptes(s, v)) refusePdptes(s, op);
  // the TLB holds what belongs to one PCID
  if ((v & keep) == 0 || ((v ^ s.cr3) & PCID) != 0) flushLocal();
  s.cr3 = v & ~keep;
}

export function writeCr4(s: State, op: Op, v: u64): void {
  const changed = s.cr4 ^ v;
  const long = isLongMode(s);
  if ((v & ~load<u64>(MODEL_CR4)) != 0) raiseGp(s, op);
  if (s.vmx != VMX_OFF && (v & CR4_VMXE) == 0) raiseGp(s, op);
  if (long && ((v & CR4_PAE) == 0 || (changed & CR4_LA57) != 0)) raiseGp(s, op);
  if ((v & changed & CR4_PCIDE) != 0 && (!long || (s.cr3 & PCID) != 0)) raiseGp(s, op);
  if (usesPdptes(s.cr0, v, long) && (changed & CR4_LOADS) != 0 && !loadPdptes(s, s.cr3)) refusePdptes(s, op);
  s.cr4 = v;
  if ((changed & CR4_PAGING) != 0) flushTlb();
  settleMode(s);
}

/** Rights in the TLB are those by the keys. */
export function writePkru(s: State, v: u32): void {
  if (v != s.pkru && (s.cr4 & CR4_PKE) != 0) flushTlb();
  s.pkru = v;
}
