/** Loading segment registers with all checks. SDM Vol. 2 "MOV", "POP", "LDS/LES/LFS/LGS/LSS". */
import { retiredBefore } from "../clock";
import { Op } from "../decode/op";
import { VECTOR_GP, VECTOR_NP, VECTOR_SS } from "../generated/constants";
import { State } from "../generated/state";
import { raiseGp } from "../raise";
import {
  descriptor,
  descriptorAt,
  dplIn,
  isConforming,
  isNull,
  isPresent,
  isReadable,
  isWritableData,
  markAccessed,
  needDescriptor,
  raiseSelector,
  setFromDescriptor,
} from "./descriptors";
import { deriveMode, hasDescriptors, isReal } from "./modes";
import { RIGHTS_P, rightsOf, SS, segmentLimit, setSegment } from "./segments";

/** access rights of a segment in virtual-8086 mode: present writable data of ring 3 */
const VIRTUAL_RIGHTS: u32 = 0xf3;
/** `inhibit`: what casts the interrupt shadow */
export const SHADOW_STI: u32 = 1;
export const SHADOW_SS: u32 = 2;

/** Loads ES, SS, DS, FS or GS. */
export function loadSegment(s: State, op: Op, segment: u32, selector: u32): void {
  if (!hasDescriptors(s)) setRealSegment(s, segment, selector);
  else if (segment == SS) loadStackSegment(s, op, selector);
  else if (isNull(selector)) setNull(s, segment, selector, 0);
  else {
    needDescriptor(s, op, selector, 8, VECTOR_GP);
    const d = descriptor;
    const dpl = dplIn(d);
    if (!isReadable(d)) raiseSelector(s, op, VECTOR_GP, selector);
    if (!isConforming(d) && ((selector & 3) > dpl || s.cpl > dpl)) raiseSelector(s, op, VECTOR_GP, selector);
    if (!isPresent(d)) raiseSelector(s, op, VECTOR_NP, selector);
    setFromDescriptor(s, segment, selector, markAccessed(s, op, d, descriptorAt));
  }
}

function loadStackSegment(s: State, op: Op, selector: u32): void {
  if (isNull(selector)) {
    if (s.mode != 2 || s.cpl == 3 || (selector & 3) != s.cpl) raiseGp(s, op);
    setNull(s, SS, selector, s.cpl);
  } else setFromDescriptor(s, SS, selector, stackDescriptor(s, op, selector, s.cpl, VECTOR_GP));
  deriveMode(s);
}

/** The checked descriptor of a stack segment for privilege level `cpl`; a bad one is `vector`, an absent one #SS. */
export function stackDescriptor(s: State, op: Op, selector: u32, cpl: u32, vector: u32): u64 {
  needDescriptor(s, op, selector, 8, vector);
  const d = descriptor;
  if ((selector & 3) != cpl || !isWritableData(d) || dplIn(d) != cpl) raiseSelector(s, op, vector, selector);
  if (!isPresent(d)) raiseSelector(s, op, VECTOR_SS, selector);
  return markAccessed(s, op, d, descriptorAt);
}

/** A null selector leaves a register that cannot be used outside 64-bit mode. Its base is cleared, as by every CPU since Zen 2. */
export function setNull(s: State, segment: u32, selector: u32, dpl: u32): void {
  setSegment(s, segment, selector, 0, 0, dpl << 5);
}

/** Real-address mode keeps limit and rights; virtual-8086 mode has fixed ones. */
export function setRealSegment(s: State, segment: u32, selector: u32): void {
  if (isReal(s)) setSegment(s, segment, selector, (<u64>selector) << 4, segmentLimit(s, segment), rightsOf(s, segment) | RIGHTS_P);
  else setSegment(s, segment, selector, (<u64>selector) << 4, 0xffff, VIRTUAL_RIGHTS);
}

/** No interrupt before the instruction behind `op` has run. */
export function castShadow(s: State, op: Op, shadow: u32): void {
  s.inhibit = shadow;
  s.inhibitAt = retiredBefore(s, op) + 1;
}
