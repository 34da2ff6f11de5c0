/** Random x87 and SSE state. SDM Vol. 1 "x87 FPU Control Word", "x87 FPU Status Register", "MXCSR Control and Status Register". */
import { FX } from "./layout.ts";
import type { Making } from "./making.ts";
import { type Kind, relate } from "./values.ts";

const KINDS: readonly Kind[] = ["int", "f32", "f64"];

/** What the row's registers hold, and whether it is x87 or MMX. */
export interface FxKinds {
  readonly xmm: Kind;
  readonly st: Kind;
  readonly x87: boolean;
  readonly mmx: boolean;
}

export function fillFx(m: Making, kinds: FxKinds): void {
  const { random: r, pool, draft } = m;
  const v = draft.fxView;
  draft.hasFx = true;
  draft.fx.fill(0, 0, FX.st);
  pool.take(kinds.mmx ? "int" : kinds.st, draft.fx.subarray(FX.st, FX.xmm));
  pool.take(kinds.xmm, draft.fx.subarray(FX.xmm));
  // another kind now and then: an MMX value in an x87 register, a double where floats are wanted
  for (let n = r.below(3); n > 0; n--) pool.take("int", draft.fx.subarray(FX.st + 16 * r.below(8)).subarray(0, 16));
  for (let n = r.below(5); n > 0; n--) pool.take(r.pick(KINDS), draft.fx.subarray(FX.xmm + 16 * r.below(16)).subarray(0, 16));
  for (let at = FX.st; at < FX.xmm; at += 16) {
    if (kinds.mmx && !r.oneIn(8)) v.setUint16(at + 8, 0xffff, true);
    v.setUint16(at + 10, 0, true);
    v.setUint32(at + 12, 0, true);
  }
  if (kinds.x87 && r.oneIn(3)) relate(r, v, FX.st, FX.st + 16 * r.between(1, 7), "f80");
  if (r.oneIn(3)) for (let i = 0; i < 16; i += 4) relateXmm(m, kinds.xmm);
  v.setUint16(FX.fcw, controlWord(m), true);
  const status = statusWord(m, v.getUint16(FX.fcw, true));
  v.setUint16(FX.fsw, status, true);
  // abridged tags by physical register: full for x87, anything for MMX
  v.setUint8(FX.ftw, r.oneIn(kinds.x87 ? 3 : 2) ? r.bits() & 0xff : 0xff);
  v.setUint32(FX.mxcsr, mxcsr(m), true);
}

function relateXmm(m: Making, kind: Kind): void {
  const { random: r, draft } = m;
  const width = kind === "f32" ? 4 : 8;
  const [a, b] = [r.below(16), r.below(16)];
  for (let lane = 0; lane < 16; lane += width) {
    if (a !== b && r.oneIn(2)) relate(r, draft.fxView, FX.xmm + 16 * a + lane, FX.xmm + 16 * b + lane, kind === "int" ? "f64" : kind);
  }
}

/** Rounding and precision control, masks; bit 6 reads as 1. */
export function controlWord(m: Making): number {
  const { random: r } = m;
  const rounding = r.oneIn(2) ? 0 : r.below(4);
  const precision = r.oneIn(3) ? r.pick([0, 2, 3]) : 3;
  const masks = r.oneIn(5) ? r.below(64) : 63;
  return (rounding << 10) | (precision << 8) | 0x40 | masks;
}

/** TOP, condition codes, sticky flags; ES and B follow from flags and masks. */
export function statusWord(m: Making, control: number): number {
  const { random: r } = m;
  let flags = r.oneIn(3) ? r.below(64) : 0;
  // a pending exception stops every waiting instruction: seldom wanted
  if (!r.oneIn(6)) flags &= control;
  const stackFault = r.oneIn(8) ? 0x40 : 0;
  const pending = (flags & ~control & 63) !== 0 ? 0x8080 : 0;
  const top = r.oneIn(2) ? 0 : r.below(8);
  return pending | (r.bits() & 0x4700) | (top << 11) | stackFault | flags;
}

export function mxcsr(m: Making): number {
  const { random: r } = m;
  const rounding = r.oneIn(2) ? 0 : r.below(4);
  const masks = r.oneIn(4) ? r.below(64) : 63;
  const flags = r.oneIn(3) ? r.below(64) : 0;
  return (r.oneIn(8) ? 0x8000 : 0) | (rounding << 13) | (masks << 7) | (r.oneIn(8) ? 0x40 : 0) | flags;
}
