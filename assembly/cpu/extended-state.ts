/**
 * x87 and SSE state as FXSAVE and the XSAVE family lay it out. SDM Vol. 1 "The XSAVE Area", "Layout of the 64-bit-mode FXSAVE Area".
 *
 *       0     2     4  5  6     8                 16                24       28       32                160              416  512
 *     ┌─────┬─────┬──┬──┬─────┬─────────────────┬─────────────────┬────────┬────────┬─────────────────┬────────────────┬────┐
 *     │ FCW │ FSW │FTW│ │ FOP │ FIP       (FCS) │ FDP       (FDS) │ MXCSR  │ mask   │ ST0-ST7, 16 each│ XMM0-XMM15     │    │
 *     └─────┴─────┴──┴──┴─────┴─────────────────┴─────────────────┴────────┴────────┴─────────────────┴────────────────┴────┘
 */
import { XSAVE_AREA_BASIC, XSAVE_AREA_PKRU, XSAVE_AREA_PKRU_BYTES, XSTATE_PKRU } from "../generated/constants";
import { State } from "../generated/state";

export const MXCSR_MASK: u32 = 0xffff;
export const MXCSR_INITIAL: u32 = 0x1f80;
const FCW_INITIAL: u16 = 0x37f;

/** the form with REX.W: 64-bit instruction and data pointers */
export const WIDE: bool = true;
export const NARROW: bool = false;

function stack(s: State, i: u32): usize {
  const top = (<u32>s.fsw >> 11) & 7;
  return changetype<usize>(s) + offsetof<State>("fpr0") + ((<usize>((top + i) & 7)) << 4);
}

function xmm(s: State, i: u32): usize {
  return changetype<usize>(s) + offsetof<State>("xmm0") + ((<usize>i) << 4);
}

export function saveX87(s: State, at: usize, wide: bool): void {
  store<u16>(at, s.fcw);
  store<u16>(at, s.fsw, 2);
  store<u16>(at, s.ftw & 0xff, 4);
  store<u16>(at, s.fop, 6);
  store<u64>(at, wide ? s.fip : (s.fip & 0xffffffff) | ((<u64>s.fcs) << 32), 8);
  store<u64>(at, wide ? s.fdp : (s.fdp & 0xffffffff) | ((<u64>s.fds) << 32), 16);
  for (let i: u32 = 0; i < 8; i++) {
    const to = at + 32 + ((<usize>i) << 4);
    store<u64>(to, load<u64>(stack(s, i)));
    store<u64>(to, <u64>load<u16>(stack(s, i), 8), 8);
  }
}

export function loadX87(s: State, at: usize, wide: bool): void {
  s.fcw = load<u16>(at);
  s.fsw = load<u16>(at, 2);
  s.ftw = <u16>load<u8>(at, 4);
  s.fop = load<u16>(at, 6) & 0x7ff;
  s.fip = wide ? load<u64>(at, 8) : <u64>load<u32>(at, 8);
  s.fdp = wide ? load<u64>(at, 16) : <u64>load<u32>(at, 16);
  s.fcs = wide ? 0 : load<u16>(at, 12);
  s.fds = wide ? 0 : load<u16>(at, 20);
  for (let i: u32 = 0; i < 8; i++) {
    const from = at + 32 + ((<usize>i) << 4);
    store<u64>(stack(s, i), load<u64>(from));
    store<u64>(stack(s, i), <u64>load<u16>(from, 8), 8);
  }
}

export function initializeX87(s: State): void {
  s.fcw = FCW_INITIAL;
  s.fsw = 0;
  s.ftw = 0;
  s.fop = 0;
  s.fip = 0;
  s.fdp = 0;
  s.fcs = 0;
  s.fds = 0;
  memory.fill(stack(s, 0), 0, 128);
}

/** XMM0-7, and XMM8-15 in 64-bit mode */
export function saveXmm(s: State, at: usize): void {
  const n: u32 = s.mode == 2 ? 16 : 8;
  memory.copy(at + 160, xmm(s, 0), (<usize>n) << 4);
}

export function loadXmm(s: State, at: usize): void {
  const n: u32 = s.mode == 2 ? 16 : 8;
  memory.copy(xmm(s, 0), at + 160, (<usize>n) << 4);
}

export function initializeXmm(s: State): void {
  const n: u32 = s.mode == 2 ? 16 : 8;
  memory.fill(xmm(s, 0), 0, (<usize>n) << 4);
}

export function saveMxcsr(s: State, at: usize): void {
  store<u32>(at, s.mxcsr, 24);
  store<u32>(at, MXCSR_MASK, 28);
}

export function x87InUse(s: State): bool {
  if (s.fcw != FCW_INITIAL || (s.fsw | s.ftw | s.fop | s.fcs | s.fds) != 0 || (s.fip | s.fdp) != 0) return true;
  return !isZero(stack(s, 0), 128);
}

export function xmmInUse(s: State): bool {
  return !isZero(xmm(s, 0), s.mode == 2 ? 256 : 128);
}

/** Bytes of an XSAVE area for some components; in the compacted format they stand one behind the other. */
export function xsaveSize(components: u64, compacted: bool): u32 {
  if ((components & XSTATE_PKRU) == 0) return XSAVE_AREA_BASIC;
  return (compacted ? XSAVE_AREA_BASIC : XSAVE_AREA_PKRU) + XSAVE_AREA_PKRU_BYTES;
}

function isZero(at: usize, bytes: usize): bool {
  for (const end = at + bytes; at < end; at += 8) if (load<u64>(at) != 0) return false;
  return true;
}
