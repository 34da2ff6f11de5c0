/**
 * Model-specific registers that RDMSR and WRMSR know; any other number is #GP(0). SDM Vol. 4 "IA-32 Architectural MSRs". A register is a
 * field of the vCPU state; a written value that has a reserved bit set, or is not canonical where it is an address, is #GP(0).
 */
export interface Msr {
  readonly number: number;
  readonly name: string;
  /** field of the vCPU state, src/spec/state.ts */
  readonly field: string;
  /** what WRMSR checks: reserved bits, or that the value is a canonical address; `own`: assembly/semantics/msr.ts does everything */
  readonly check: bigint | "canonical" | "own";
}

const NONE = 0n;
const UPPER = 0xffff_ffff_0000_0000n;

const msr = (number: number, name: string, field: string, check: Msr["check"]): Msr => ({ number, name, field, check });

export const MSRS: readonly Msr[] = [
  msr(0x00000010, "IA32_TIME_STAMP_COUNTER", "tscOffset", "own"),
  msr(0x00000174, "IA32_SYSENTER_CS", "sysenterCs", UPPER),
  msr(0x00000175, "IA32_SYSENTER_ESP", "sysenterEsp", "canonical"),
  msr(0x00000176, "IA32_SYSENTER_EIP", "sysenterEip", "canonical"),
  msr(0x00000277, "IA32_PAT", "pat", "own"),
  msr(0xc0000080, "IA32_EFER", "efer", "own"),
  msr(0xc0000081, "IA32_STAR", "star", NONE),
  msr(0xc0000082, "IA32_LSTAR", "lstar", "canonical"),
  msr(0xc0000083, "IA32_CSTAR", "cstar", "canonical"),
  msr(0xc0000084, "IA32_FMASK", "fmask", UPPER),
  msr(0xc0000100, "IA32_FS_BASE", "fsBase", "canonical"),
  msr(0xc0000101, "IA32_GS_BASE", "gsBase", "canonical"),
  msr(0xc0000102, "IA32_KERNEL_GS_BASE", "kernelGsBase", "canonical"),
  msr(0xc0000103, "IA32_TSC_AUX", "tscAux", UPPER),
];
