/**
 * Rows that are not compared with this CPU, with the reason, and the test that checks them instead. Everything else must have recorded cases.
 * Rows that fault in user mode are compared: the expected result is the fault.
 */
import { existsSync } from "node:fs";
import type { Row } from "../../src/spec/isa/row.ts";

export interface Exclusion {
  readonly reason: string;
  /** the test file that checks these rows, relative to test/; absent where there is none */
  readonly test?: string;
}

interface Group extends Exclusion {
  readonly mnemonics: readonly string[];
}

const GROUPS: readonly Group[] = [
  { mnemonics: ["syscall", "sysenter"], reason: "would enter this machine's kernel", test: "core/far.spec.ts" },
  { mnemonics: ["rdtsc", "rdtscp", "rdpmc"], reason: "time of this machine", test: "core/identify.spec.ts" },
  { mnemonics: ["cpuid", "rdpid", "xgetbv"], reason: "names this CPU", test: "core/identify.spec.ts" },
  { mnemonics: ["rdrand", "rdseed"], reason: "random", test: "core/identify.spec.ts" },
  {
    mnemonics: ["sgdt", "sidt", "sldt", "str", "smsw"],
    reason: "UMIP: this kernel answers in the CPU's place",
    test: "core/segments.spec.ts",
  },
  { mnemonics: ["monitor", "mwait", "vmcall"], reason: "the hypervisor under this machine may answer", test: "core/identify.spec.ts" },
  {
    mnemonics: ["xsave", "xsave64", "xsaveopt", "xsaveopt64", "xsavec", "xsavec64", "xrstor", "xrstor64"],
    reason: "depends on this CPU's XCR0",
    test: "core/xsave.spec.ts",
  },
];

const BY_MNEMONIC: ReadonlyMap<string, Exclusion> = new Map(GROUPS.flatMap((group) => group.mnemonics.map((m) => [m, group])));

/** Forms that load a selector from descriptor tables of this machine's kernel. */
const FAR = /^(callFar|jmpFar|callFarTo|jmpFarTo|retFar|retFarImm|iret)$/;
const SEGMENT = /^(movToSeg|popSeg|les|lds|lss|lfs|lgs)$/;
const REASON = "loads a selector from this kernel's descriptor tables";
const SELECTORS: Exclusion = { reason: REASON, test: "core/far.spec.ts" };
const SEGMENTS: Exclusion = { reason: REASON, test: "core/segments.spec.ts" };

/** Why a row is not compared; undefined if it is. */
export function excluded(row: Row): Exclusion | undefined {
  return BY_MNEMONIC.get(row.mnemonic) ?? (FAR.test(row.semantics) ? SELECTORS : SEGMENT.test(row.semantics) ? SEGMENTS : undefined);
}

/** Whether the test that an exclusion names is there. */
export function isTestedOtherwise({ test }: Exclusion): boolean {
  return test !== undefined && existsSync(new URL(`../${test}`, import.meta.url));
}
