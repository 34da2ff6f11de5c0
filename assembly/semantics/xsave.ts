/**
 * The XSAVE family for x87 (component 0), SSE (component 1) and PKRU (component 9) state. SDM Vol. 1 "Managing State Using the XSAVE Feature Set": "Operation of
 * XSAVE", "XRSTOR", "XSAVEOPT", "XSAVEC", "XSAVES", "XRSTORS". The first two lie in the legacy region in either format, PKRU at 832 in the
 * standard format and at 576 in the compacted one.
 *
 *     512 XSTATE_BV · 520 XCOMP_BV, bit 63: compacted · 528 reserved to 576
 */
import { Exec } from "../backend/exec";
import { writePkru } from "../cpu/control-registers";
import {
  initializeX87,
  initializeXmm,
  loadX87,
  loadXmm,
  MXCSR_INITIAL,
  MXCSR_MASK,
  saveMxcsr,
  saveX87,
  saveXmm,
  x87InUse,
  xmmInUse,
  xsaveSize,
} from "../cpu/extended-state";
import { privileged } from "../cpu/modes";
import { Op } from "../decode/op";
import {
  CR0_TS,
  CR4_OSXSAVE,
  VECTOR_NM,
  XSAVE_AREA_BASIC,
  XSAVE_AREA_PKRU,
  XSTATE_PKRU,
  XSTATE_SSE,
  XSTATE_X87,
} from "../generated/constants";
import { raise, raiseGp, raiseUd } from "../raise";

const AREA: u32 = XSAVE_AREA_BASIC;
const X87: u64 = XSTATE_X87;
const SSE: u64 = XSTATE_SSE;
const PKRU: u64 = XSTATE_PKRU;
const COMPACTED: u64 = 1 << 63;

export function xgetbv(b: Exec, op: Op): void {
  requireOsxsave(b, op);
  const n = <u32>b.rcx;
  if (n > 1) raiseGp(b, op);
  const v = n == 0 ? b.xcr0 : b.xcr0 & inUse(b);
  b.rax = v & 0xffffffff;
  b.rdx = v >> 32;
}

export function xsave<U>(b: Exec, op: Op): void {
  const wanted = requested(b);
  const at = open(b, op, xsaveSize(wanted, false));
  const old = load<u64>(at, 512);
  saveComponents<U>(b, at, wanted, XSAVE_AREA_PKRU);
  store<u64>(at, (old & ~wanted) | (inUse(b) & wanted), 512);
  b.commit(at);
}

/** Components in their initial configuration are not written. */
export function xsaveopt<U>(b: Exec, op: Op): void {
  const wanted = requested(b);
  const at = open(b, op, xsaveSize(wanted, false));
  const used = inUse(b) & wanted;
  const old = load<u64>(at, 512);
  saveComponents<U>(b, at, used, XSAVE_AREA_PKRU);
  if ((wanted & SSE) != 0) saveMxcsr(b, at);
  store<u64>(at, (old & ~wanted) | used, 512);
  b.commit(at);
}

/** MXCSR counts as part of the SSE state. */
export function xsavec<U>(b: Exec, op: Op): void {
  const wanted = requested(b);
  const at = open(b, op, xsaveSize(wanted, true));
  const used = (inUse(b) | (b.mxcsr != MXCSR_INITIAL ? SSE : 0)) & wanted;
  saveComponents<U>(b, at, used, XSAVE_AREA_BASIC);
  store<u64>(at, used, 512);
  store<u64>(at, wanted | COMPACTED, 520);
  b.commit(at);
}

export function xsaves<U>(b: Exec, op: Op): void {
  requireOsxsave(b, op);
  privileged(b, op);
  xsavec<U>(b, op);
}

export function xrstor<U>(b: Exec, op: Op): void {
  const va = area(b, op);
  let at = b.readableAt(op, va, AREA);
  const present = load<u64>(at, 512);
  const compaction = load<u64>(at, 520);
  const compacted = (compaction & COMPACTED) != 0;
  if ((present & ~(compacted ? compaction & ~COMPACTED : b.xcr0)) != 0) raiseGp(b, op);
  if (compacted ? (compaction & ~(COMPACTED | b.xcr0)) != 0 : compaction != 0) raiseGp(b, op);
  // bytes 16 to 23 of the header, and to 63 in the compacted format
  const end: usize = compacted ? 576 : 536;
  for (let i: usize = 528; i != end; i += 8) if (load<u64>(at + i) != 0) raiseGp(b, op);
  let pkru: u32 = 0;
  if ((requested(b) & present & PKRU) != 0) {
    pkru = <u32>b.read<u32>(op, va + (compacted ? XSAVE_AREA_BASIC : XSAVE_AREA_PKRU));
    at = b.readableAt(op, va, AREA);
  }
  restore<U>(b, op, at, present, compacted);
  if ((requested(b) & PKRU) != 0) writePkru(b, pkru);
  b.jump(b.nextRip(op));
}

export function xrstors<U>(b: Exec, op: Op): void {
  requireOsxsave(b, op);
  privileged(b, op);
  const at = b.readableAt(op, area(b, op), AREA);
  if ((load<u64>(at, 520) & COMPACTED) == 0) raiseGp(b, op);
  xrstor<U>(b, op);
}

/** In the standard format MXCSR is loaded even if the SSE component is absent. */
function restore<U>(b: Exec, op: Op, at: usize, present: u64, compacted: bool): void {
  const wanted = requested(b);
  const loadsMxcsr = (wanted & SSE) != 0 && (!compacted || (present & SSE) != 0);
  if (loadsMxcsr && (load<u32>(at, 24) & ~MXCSR_MASK) != 0) raiseGp(b, op);
  if ((wanted & SSE) != 0) {
    b.mxcsr = loadsMxcsr ? load<u32>(at, 24) : MXCSR_INITIAL;
    if ((present & SSE) != 0) loadXmm(b, at);
    else initializeXmm(b);
  }
  if ((wanted & X87) != 0) {
    if ((present & X87) != 0) loadX87(b, at, sizeof<U>() == 8);
    else initializeX87(b);
  }
}

/** PKRU goes to offset `pkruAt`. */
function saveComponents<U>(b: Exec, at: usize, components: u64, pkruAt: usize): void {
  if ((components & PKRU) != 0) store<u64>(at + pkruAt, <u64>b.pkru);
  if ((components & X87) != 0) saveX87(b, at, sizeof<U>() == 8);
  if ((components & SSE) != 0) {
    saveMxcsr(b, at);
    saveXmm(b, at);
  }
}

function requireOsxsave(b: Exec, op: Op): void {
  if ((b.cr4 & CR4_OSXSAVE) == 0) raiseUd(b, op);
}

/** Address of the operand, aligned to 64 bytes. */
function area(b: Exec, op: Op): u64 {
  requireOsxsave(b, op);
  if ((b.cr0 & CR0_TS) != 0) raise(b, op, VECTOR_NM, 0);
  const va = b.address(op);
  if ((va & 63) != 0) raiseGp(b, op);
  return va;
}

function open(b: Exec, op: Op, size: u32): usize {
  return b.writableAt(op, area(b, op), size);
}

/** RFBM: what EDX:EAX asks for of what XCR0 enables */
function requested(b: Exec): u64 {
  return b.xcr0 & ((b.rdx << 32) | (b.rax & 0xffffffff));
}

function inUse(b: Exec): u64 {
  return (x87InUse(b) ? X87 : 0) | (xmmInUse(b) ? SSE : 0) | (b.pkru != 0 ? PKRU : 0);
}
