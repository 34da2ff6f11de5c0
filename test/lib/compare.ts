/**
 * Compares two results of a case. Equal words are passed over quickly; where they differ, the row's undefined flags and its own rules
 * (rules.ts) decide whether it counts, and each difference is named.
 */
import type { Row } from "../../src/spec/isa/row.ts";
import type { Batch } from "./batch.ts";
import { AT, FX, FX_BYTES, HAS_FX } from "./layout.ts";
import { excuse } from "./rules.ts";

export const REGISTER_NAMES = [
  "rax",
  "rcx",
  "rdx",
  "rbx",
  "rsp",
  "rbp",
  "rsi",
  "rdi",
  "r8",
  "r9",
  "r10",
  "r11",
  "r12",
  "r13",
  "r14",
  "r15",
];
const GREG_NAMES = ["r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rdi", "rsi", "rbp", "rbx", "rdx", "rax", "rcx", "rsp"];

/** Status flags, TF, DF, NT, AC and ID; IF and RF are the kernel's. */
const RFLAGS_MASK = 0x24_4dd5;
const FLAG_BIT: Readonly<Record<string, number>> = { c: 1, p: 4, a: 16, z: 64, s: 128, o: 0x800 };
const BREAKPOINT = 3;
const PAGE_FAULT = 14;
const VECTORS = 20;

/** A part of the state: where it lies in the records, and its name. */
interface Part {
  readonly name: string;
  readonly at: number;
  readonly bytes: number;
}

const FIXED_PARTS: readonly Part[] = [
  ...GREG_NAMES.map((name, i) => ({ name, at: AT.gregs + 8 * i, bytes: 8 })),
  { name: "rip", at: AT.rip, bytes: 8 },
  { name: "rflags", at: AT.rflags, bytes: 4 },
  { name: "cs", at: AT.cs, bytes: 2 },
  { name: "ss", at: AT.ss, bytes: 2 },
  { name: "vector", at: AT.vector, bytes: 4 },
  { name: "error code", at: AT.errorCode, bytes: 8 },
  { name: "cr2", at: AT.cr2, bytes: 8 },
  { name: "fs base", at: AT.fsBase, bytes: 8 },
  { name: "gs base", at: AT.gsBase, bytes: 8 },
  ...["ds", "es", "fs", "gs"].map((name, i) => ({ name, at: AT.segments + 2 * i, bytes: 2 })),
];

/** FOP, FIP and FDP are left out: AMD and Intel keep them at different times. */
const FX_PARTS: readonly Part[] = [
  { name: "fcw", at: FX.fcw, bytes: 2 },
  { name: "fsw", at: FX.fsw, bytes: 2 },
  { name: "ftw", at: FX.ftw, bytes: 1 },
  { name: "mxcsr", at: FX.mxcsr, bytes: 4 },
  ...Array.from({ length: 8 }, (_, i) => ({ name: `st${i}`, at: FX.st + 16 * i, bytes: 10 })),
  ...Array.from({ length: 16 }, (_, i) => ({ name: `xmm${i}`, at: FX.xmm + 16 * i, bytes: 16 })),
].map((part) => ({ ...part, at: part.at + AT.fx }));

export interface Difference {
  readonly name: string;
  /** hex digits, most significant first */
  readonly before: string;
  readonly native: string;
  readonly ours: string;
}

/** One case and both its results. */
export interface Outcome {
  readonly row: Row;
  readonly before: DataView;
  readonly native: DataView;
  readonly ours: DataView;
}

/** The parts that a case has. */
export function parts(before: DataView): Part[] {
  const list = [...FIXED_PARTS];
  let at: number = AT.fx;
  if ((before.getUint32(AT.flags, true) & HAS_FX) !== 0) {
    list.push(...FX_PARTS);
    at += FX_BYTES;
  }
  for (let i = 0; i < before.getUint32(AT.windowCount, true); i++) {
    const offset = before.getUint32(AT.windows + 8 * i, true);
    const length = before.getUint32(AT.windows + 8 * i + 4, true);
    for (let k = 0; k < length; k += 8) {
      list.push({ name: `memory +${(offset + k).toString(16)}`, at: at + k, bytes: Math.min(8, length - k) });
    }
    at += length;
  }
  return list;
}

export const hex = (v: DataView, at: number, bytes: number): string => {
  let text = "";
  for (let i = bytes - 1; i >= 0; i--)
    text += v
      .getUint8(at + i)
      .toString(16)
      .padStart(2, "0");
  return text;
};

/** Every part in which the results differ and no rule excuses it. */
export function differences(outcome: Outcome): Difference[] {
  const { row, before, native, ours } = outcome;
  const found: Difference[] = [];
  const vector = native.getUint32(AT.vector, true);
  for (const { name, at, bytes } of parts(before)) {
    if (name === "cr2" && vector !== PAGE_FAULT) continue;
    if (name === "rflags") {
      // undefined once the instruction has run, even if the next one could not be fetched
      const ran = vector === BREAKPOINT || native.getUint32(AT.rip, true) !== before.getUint32(AT.rip, true);
      const undefinedFlags = ran ? [...row.flagsUndefined].reduce((mask, f) => mask | FLAG_BIT[f], 0) : 0;
      if (((native.getUint32(at, true) ^ ours.getUint32(at, true)) & RFLAGS_MASK & ~undefinedFlags) === 0) continue;
    } else {
      let same = true;
      for (let i = 0; i < bytes && same; i++) same = native.getUint8(at + i) === ours.getUint8(at + i);
      if (same) continue;
    }
    found.push({ name, before: hex(before, at, bytes), native: hex(native, at, bytes), ours: hex(ours, at, bytes) });
  }
  return found.length === 0 ? found : excuse(outcome, found);
}

/** Masks of the words that the quick comparison looks at: a word that it finds different may still be excused. */
const FIXED_MASK = maskOf(FIXED_PARTS, AT.fx);
FIXED_MASK[AT.rflags / 4] = RFLAGS_MASK;
FIXED_MASK[AT.cr2 / 4] = 0;
FIXED_MASK[AT.cr2 / 4 + 1] = 0;
const FX_MASK = maskOf(FX_PARTS, AT.fx + FX_BYTES).subarray(AT.fx / 4);

function maskOf(list: readonly Part[], bytes: number): Int32Array {
  const mask = new Uint8Array(bytes);
  for (const { at, bytes } of list) mask.fill(0xff, at, at + bytes);
  return new Int32Array(mask.buffer);
}

/** Compares all cases of a batch; calls back for those with differences. */
export function compare(
  batch: Batch,
  rows: readonly Row[],
  native: Uint8Array,
  ours: Uint8Array,
  report: (index: number, found: Difference[]) => void,
): void {
  const file = batch.bytes;
  const before = new Int32Array(file.buffer, file.byteOffset, file.length >> 2);
  const a = new Int32Array(native.buffer, native.byteOffset, native.length >> 2);
  const b = new Int32Array(ours.buffer, ours.byteOffset, ours.length >> 2);
  for (let index = 0; index < batch.count; index++) {
    const at = batch.offsets[index];
    if (same(before, a, b, at >> 2)) continue;
    const size = before[at >> 2];
    const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset + at, size);
    const found = differences({ row: rows[index], before: view(file), native: view(native), ours: view(ours) });
    if (found.length > 0) report(index, found);
  }
}

function same(before: Int32Array, a: Int32Array, b: Int32Array, at: number): boolean {
  for (let i = 0; i < AT.fx / 4; i++) if (((a[at + i] ^ b[at + i]) & FIXED_MASK[i]) !== 0) return false;
  let from = at + AT.fx / 4;
  if ((before[at + 1] & HAS_FX) !== 0) {
    for (let i = 0; i < FX_BYTES / 4; i++) if (((a[from + i] ^ b[from + i]) & FX_MASK[i]) !== 0) return false;
    from += FX_BYTES / 4;
  }
  let bytes = 0;
  for (let i = 0; i < before[at + AT.windowCount / 4]; i++) bytes += before[at + AT.windows / 4 + 2 * i + 1];
  const whole = from + (bytes >> 2);
  for (; from < whole; from++) if (a[from] !== b[from]) return false;
  if ((bytes & 3) !== 0 && ((a[from] ^ b[from]) & ((1 << (8 * (bytes & 3))) - 1)) !== 0) return false;
  // CR2 counts after a page fault
  return (
    a[at + AT.vector / 4] !== PAGE_FAULT || (a[at + AT.cr2 / 4] === b[at + AT.cr2 / 4] && a[at + AT.cr2 / 4 + 1] === b[at + AT.cr2 / 4 + 1])
  );
}

export const vectorName = (vector: number): string =>
  vector < VECTORS
    ? [
        "#DE",
        "#DB",
        "NMI",
        "ran",
        "#OF",
        "#BR",
        "#UD",
        "#NM",
        "#DF",
        "-",
        "#TS",
        "#NP",
        "#SS",
        "#GP",
        "#PF",
        "-",
        "#MF",
        "#AC",
        "#MC",
        "#XM",
      ][vector]
    : `${vector}`;
