/**
 * The processor after power-up, RESET and INIT. SDM Vol. 3 "Processor State After Reset", table "IA-32 and Intel 64 Processor States
 * Following Power-up, Reset, or INIT".
 */
import { cycles } from "../clock";
import { resetLapic } from "../devices/lapic";
import { BASE_ENABLED, rank } from "../devices/lapic-interrupts";
import { CR0_CD, CR0_ET, CR0_NW, FEATURE_VMX, RFLAGS_FIXED } from "../generated/constants";
import { STATE_SIZE, State } from "../generated/state";
import { FEATURES } from "../memory-map";
import { resetContexts } from "../mmu/tlb-context";
import { signature } from "./cpuid";
import { deriveMode } from "./modes";
import { CS, LDTR, setSegment, TR } from "./segments";

const APIC_BASE: u64 = 0xfee00000;
const APIC_BOOTSTRAP: u64 = 1 << 8;
/** eight variable ranges, the fixed ones, write-combining */
const MTRR_CAP: u64 = 8 | (1 << 8) | (1 << 10);
/** fast strings, MONITOR; no branch trace store, no precise event sampling */
const MISC_ENABLE: u64 = 1 | (1 << 11) | (1 << 12) | (1 << 18);
/** IA32_FEATURE_CONTROL as firmware leaves it: locked, VMX outside SMX if there is VMX */
const FEATURE_CONTROL_LOCKED: u64 = 1;
const FEATURE_CONTROL_VMX: u64 = 4;
/**
 * Nothing is executed speculatively, so none of the flaws that come of it is here: RDCL_NO, IBRS_ALL, SKIP_L1DFL_VMENTRY, SSB_NO, MDS_NO,
 * IF_PSCHANGE_MC_NO, TAA_NO, SBDR_SSDP_NO, FBSDP_NO, PSDP_NO, BHI_NO, PBRSB_NO, GDS_NO, RFDS_NO, ITS_NO.
 */
const ARCH_CAPABILITIES: u64 = 0x400000000d10e17b;
const PAT_AT_RESET: u64 = 0x0007040600070406;
const DR6_AT_RESET: u64 = 0xffff0ff0;
const DR7_AT_RESET: u64 = 0x400;
const MXCSR_AT_RESET: u32 = 0x1f80;
const FCW_AT_RESET: u16 = 0x40;
const DATA_RIGHTS: u32 = 0x93;
const CODE_RIGHTS: u32 = 0x9b;
const LDT_RIGHTS: u32 = 0x82;
const TSS_RIGHTS: u32 = 0x8b;

/** Power-up: everything, the time excepted. The time-stamp counter starts at zero. */
export function powerUp(s: State): void {
  const states = changetype<usize>(s);
  s.apicBase = APIC_BASE | BASE_ENABLED | APIC_BOOTSTRAP;
  resetLapic(s);
  s.tscOffset = 0 - cycles(s);
  s.tscAdjust = 0;
  memory.fill(states + offsetof<State>("fpr0"), 0, STATE_SIZE - offsetof<State>("fpr0"));
  s.mxcsr = MXCSR_AT_RESET;
  s.fcw = FCW_AT_RESET;
  s.fsw = 0;
  s.ftw = 0;
  s.xcr0 = 1;
  s.efer = 0;
  s.pat = PAT_AT_RESET;
  const mtrrs = states + offsetof<State>("mtrrDefault");
  memory.fill(mtrrs, 0, offsetof<State>("miscEnable") - offsetof<State>("mtrrDefault"));
  s.mtrrCap = MTRR_CAP;
  s.miscEnable = MISC_ENABLE;
  s.featureControl = FEATURE_CONTROL_LOCKED | (load<u8>(FEATURES + FEATURE_VMX) != 0 ? FEATURE_CONTROL_VMX : 0);
  s.archCapabilities = ARCH_CAPABILITIES;
  s.specCtrl = 0;
  s.biosSignId = 0;
  s.xss = 0;
  s.star = 0;
  s.lstar = 0;
  s.cstar = 0;
  s.fmask = 0;
  s.kernelGsBase = 0;
  s.sysenterCs = 0;
  s.sysenterEsp = 0;
  s.sysenterEip = 0;
  s.tscAux = 0;
  s.debugctl = 0;
  s.cr0 = CR0_ET | CR0_CD | CR0_NW;
  resetProcessor(s);
}

/** INIT: FPU, MSRs and local APIC ID stay, and of CR0 the cache bits. */
export function resetProcessor(s: State): void {
  const states = changetype<usize>(s);
  memory.fill(states, 0, offsetof<State>("rip"));
  s.rdx = <u64>signature();
  s.rip = 0xfff0;
  s.flagsOther = RFLAGS_FIXED;
  s.flagKind = 0;
  s.flagR = 1;
  for (let segment: u32 = 0; segment < LDTR; segment++) setSegment(s, segment, 0, 0, 0xffff, DATA_RIGHTS);
  setSegment(s, CS, 0xf000, 0xffff0000, 0xffff, CODE_RIGHTS);
  setSegment(s, LDTR, 0, 0, 0xffff, LDT_RIGHTS);
  setSegment(s, TR, 0, 0, 0xffff, TSS_RIGHTS);
  s.gdtrBase = 0;
  s.gdtrLimit = 0xffff;
  s.idtrBase = 0;
  s.idtrLimit = 0xffff;
  s.cr0 = (s.cr0 & (CR0_CD | CR0_NW)) | CR0_ET;
  s.cr2 = 0;
  s.cr3 = 0;
  s.cr4 = 0;
  s.efer = 0;
  memory.fill(states + offsetof<State>("dr0"), 0, 64);
  s.dr6 = DR6_AT_RESET;
  s.dr7 = DR7_AT_RESET;
  s.cpl = 0;
  s.pending = 0;
  s.halted = 0;
  s.inhibit = 0;
  s.nmiBlocked = 0;
  s.delivering = 0;
  s.assumed = 0;
  s.pendingDb = 0;
  s.unstepped = 0;
  s.resumeAt = 0;
  s.monitoring = 0;
  const base = s.apicBase;
  resetLapic(s);
  s.apicBase = base;
  rank(s);
  resetContexts(s);
  deriveMode(s);
}
