/**
 * Rows that are not compared with this CPU, with the reason and where they are tested instead. Everything else must have recorded cases.
 * Rows that fault in user mode are compared: the expected result is the fault.
 */
import type { Row } from "../../src/spec/isa/row.ts";

interface Exclusion {
  readonly mnemonics: readonly string[];
  readonly reason: string;
}

const EXCLUSIONS: readonly Exclusion[] = [
  { mnemonics: ["syscall", "sysenter"], reason: "would enter this machine's kernel; test/boot runs programs that make system calls" },
  { mnemonics: ["rdtsc", "rdtscp", "rdpmc"], reason: "time of this machine; test/cpu checks ours against the cycle count" },
  { mnemonics: ["cpuid", "rdpid", "xgetbv"], reason: "names this CPU; test/cpu checks ours against src/spec/cpuid.ts" },
  { mnemonics: ["rdrand", "rdseed"], reason: "random; test/cpu checks flags and determinism" },
  { mnemonics: ["sgdt", "sidt", "sldt", "str", "smsw"], reason: "UMIP: this kernel answers in the CPU's place; test/cpu" },
  { mnemonics: ["monitor", "mwait", "vmcall"], reason: "the hypervisor under this machine answers; test/cpu" },
  {
    mnemonics: ["xsave", "xsave64", "xsaveopt", "xsaveopt64", "xsavec", "xsavec64", "xrstor", "xrstor64"],
    reason: "depends on this CPU's XCR0; test/cpu",
  },
];

const BY_MNEMONIC = new Map(EXCLUSIONS.flatMap(({ mnemonics, reason }) => mnemonics.map((m) => [m, reason])));

/** Forms whose encoding depends on descriptor tables of this machine's kernel. */
const FAR = /^(callFar|jmpFar|callFarTo|jmpFarTo|retFar|retFarImm|iret|movToSeg|popSeg|les|lds|lss|lfs|lgs)$/;

/** Why a row is not compared; undefined if it is. */
export function excluded(row: Row): string | undefined {
  const reason = BY_MNEMONIC.get(row.mnemonic);
  if (reason !== undefined) return reason;
  if (FAR.test(row.semantics)) return "loads a selector from this kernel's descriptor tables; test/cpu";
  return undefined;
}
