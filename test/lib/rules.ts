/**
 * Rows whose results need their own comparison: approximations, fields that AMD and Intel keep at different times. Each rule takes the
 * differences that are not excused from the list.
 */
import { PF, VECTOR } from "../../src/spec/events.ts";
import type { Difference, Outcome } from "./compare.ts";
import { AT } from "./layout.ts";

type Rule = (outcome: Outcome, found: Difference[]) => Difference[];

/** Relative error that SDM Vol. 2 "RCPPS" and "RSQRTPS" allow. */
const APPROXIMATION = 1.5 * 2 ** -12;

/** UD0 and UD1 have a ModRM byte on Intel; AMD stops before it, which shows where the rest cannot be fetched. */
const modrmOfUd: Rule = (outcome, found) =>
  outcome.native.getUint32(AT.vector, true) === VECTOR.UD && outcome.ours.getUint32(AT.errorCode, true) === (PF.I | PF.U) ? [] : found;

/** MOVSXD with a 16-bit operand reads a word on Intel, a doubleword on AMD, which shows where the rest cannot be read. */
const wordOfMovsxd: Rule = (outcome, found) =>
  outcome.row.operandSize === 16 && outcome.native.getUint32(AT.vector, true) !== VECTOR.BP ? [] : found;

/**
 * AMD has EXTRQ with two immediate bytes where Intel has VMREAD, and Zen 4 fetches them whatever the prefix before it raises #UD (measured:
 * 0F 78 C0 at the end of a page wants two bytes more).
 */
const extrqOfVmread: Rule = (outcome, found) =>
  outcome.native.getUint32(AT.errorCode, true) === (PF.I | PF.U) && outcome.ours.getUint32(AT.vector, true) === VECTOR.UD ? [] : found;

/** AMD executes VERW with a LOCK prefix; SDM Vol. 2 "LOCK" has #UD. */
const lockedVerw: Rule = (outcome, found) => (outcome.ours.getUint32(AT.vector, true) === VECTOR.UD ? [] : found);

/** SDM Vol. 2 "ARPL" has #GP where the segment is not writable; AMD looks only when the selector changes. */
const arplInCode: Rule = (outcome, found) => (outcome.ours.getUint32(AT.vector, true) === VECTOR.GP ? [] : found);

/** SHA instructions take memory operands at any address on AMD; Intel wants them aligned. */
const alignmentOfSha: Rule = (outcome, found) =>
  outcome.ours.getUint32(AT.vector, true) === VECTOR.GP && outcome.native.getUint32(AT.vector, true) !== VECTOR.GP ? [] : found;
/** AMD's MXCSR has bit 17 (misaligned exception mask), which FXSAVE shows in MXCSR_MASK. */
const mxcsrMask: Rule = (_outcome, found) =>
  found.filter(
    ({ name, native, ours }) =>
      !(name.startsWith("memory") && /^0*20{12}$/.test((BigInt(`0x${native}`) ^ BigInt(`0x${ours}`)).toString(16))),
  );

/** INT1 traps, SDM Vol. 3 "Debug Exceptions"; a hypervisor that intercepts it, as KVM on AMD does, gives #DB to its guest with RIP before it. */
const int1UnderHypervisor: Rule = (outcome, found) => (isTrapOf(outcome) ? found.filter(({ name }) => name !== "rip") : found);

/** Both raise #DB, and our RIP is behind the native one by the length of an instruction. */
function isTrapOf({ ours, native }: Outcome): boolean {
  const isDebug = ours.getUint32(AT.vector, true) === VECTOR.DB && native.getUint32(AT.vector, true) === VECTOR.DB;
  const length = ours.getUint32(AT.rip, true) - native.getUint32(AT.rip, true);
  return isDebug && length > 0 && length <= 15;
}

const BY_SEMANTICS: Readonly<Record<string, Rule>> = {
  fxsave: mxcsrMask,
  int1: int1UnderHypervisor,
  movsx: wordOfMovsxd,
  verw: lockedVerw,
  arpl: arplInCode,
  ud: modrmOfUd,
  vmread: extrqOfVmread,
  sha1rnds4: alignmentOfSha,
  sha1nexte: alignmentOfSha,
  sha1msg1: alignmentOfSha,
  sha1msg2: alignmentOfSha,
  sha256rnds2: alignmentOfSha,
  sha256msg1: alignmentOfSha,
  sha256msg2: alignmentOfSha,
  rcpp: approximate32,
  rcps: approximate32,
  rsqrtp: approximate32,
  rsqrts: approximate32,
  f2xm1: transcendental,
  fyl2x: transcendental,
  fyl2xp1: transcendental,
  fptan: transcendental,
  fpatan: transcendental,
  fsin: transcendental,
  fcos: transcendental,
  fsincos: transcendental,
};

export function excuse(outcome: Outcome, found: Difference[]): Difference[] {
  const rule = BY_SEMANTICS[outcome.row.semantics];
  return rule === undefined ? found : rule(outcome, found);
}

/** Each lane of an XMM register within the documented error of the other. */
function approximate32(_outcome: Outcome, found: Difference[]): Difference[] {
  return found.filter(({ name, native, ours }) => {
    if (!name.startsWith("xmm")) return true;
    for (let lane = 0; lane < 32; lane += 8) {
      const [a, b] = [native, ours].map((h) => single(Number.parseInt(h.slice(lane, lane + 8), 16)));
      if (!Object.is(a, b) && !(Math.abs(a - b) <= 2 * APPROXIMATION * Math.abs(a))) return true;
    }
    return false;
  });
}

const scratch = new DataView(new ArrayBuffer(4));
function single(bits: number): number {
  scratch.setUint32(0, bits);
  return scratch.getFloat32(0);
}

/** Results within one unit in the last place; C1 says how that was rounded. */
function transcendental(_outcome: Outcome, found: Difference[]): Difference[] {
  return found.filter((d) => !(/^st\d/.test(d.name) && near80(d.native, d.ours)) && !onlyC1(d));
}

const onlyC1 = ({ name, native, ours }: Difference): boolean =>
  name === "fsw" && ((Number.parseInt(native, 16) ^ Number.parseInt(ours, 16)) & ~0x200) === 0;

/** Sign, exponent and significand read as one number differ by at most 1. */
function near80(a: string, b: string): boolean {
  const difference = BigInt(`0x${a}`) - BigInt(`0x${b}`);
  const size = difference < 0n ? -difference : difference;
  // from one binade to the next the integer bit jumps
  return size <= 1n || size === 0x8000_0000_0000_0001n;
}
