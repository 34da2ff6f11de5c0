/**
 * Model-specific registers that RDMSR and WRMSR know; any other number is #GP(0), and so is a register of a feature that the CPU model does
 * not have. SDM Vol. 4 "IA-32 Architectural MSRs". A register is a field of the vCPU state. The x2APIC registers 800H-8FFH are
 * in assembly/devices/lapic.ts.
 */
export interface Msr {
  readonly number: number;
  readonly name: string;
  /** field of the vCPU state, src/spec/state.ts; `index` of an array field */
  readonly field: string;
  readonly index: number;
  /**
   * What WRMSR checks, #GP(0) otherwise: that reserved bits are clear; that the value is a canonical address; that each byte is a memory
   * type; `readOnly`: no value is right; `own`: assembly/semantics/msr.ts does everything.
   */
  readonly check: bigint | "canonical" | "types" | "readOnly" | "own";
  /** without this feature of the CPU model there is no such register */
  readonly feature?: string;
}

const NONE = 0n;
const UPPER = 0xffff_ffff_0000_0000n;
/** IBRS, STIBP, SSBD, BHI_DIS_S */
const SPEC_CTRL = 0x407n;

const msr = (number: number, name: string, field: string, check: Msr["check"], feature?: string, index = 0): Msr => ({
  number,
  name,
  field,
  index,
  check,
  ...(feature === undefined ? {} : { feature }),
});

/** SDM Vol. 3 "Variable Range MTRRs": 8 pairs of base and mask */
const variableMtrrs = Array.from({ length: 8 }, (_, n) => [
  msr(0x200 + 2 * n, `IA32_MTRR_PHYSBASE${n}`, "mtrrVariable", "own", "mtrr", 2 * n),
  msr(0x201 + 2 * n, `IA32_MTRR_PHYSMASK${n}`, "mtrrVariable", "own", "mtrr", 2 * n + 1),
]).flat();

/** SDM Vol. 3 "Fixed Range MTRRs" */
const FIXED_MTRRS: readonly (readonly [number, string])[] = [
  [0x250, "64K_00000"],
  [0x258, "16K_80000"],
  [0x259, "16K_A0000"],
  ...["C0000", "C8000", "D0000", "D8000", "E0000", "E8000", "F0000", "F8000"].map((at, i) => [0x268 + i, `4K_${at}`] as const),
];
const fixedMtrrs = FIXED_MTRRS.map(([number, range], i) => msr(number, `IA32_MTRR_FIX${range}`, "mtrrFixed", "types", "mtrr", i));

/** SDM Vol. 3 appendix "VMX Capability Reporting Facility", from 480H on */
const VMX_NAMES = (
  "BASIC PINBASED_CTLS PROCBASED_CTLS EXIT_CTLS ENTRY_CTLS MISC CR0_FIXED0 CR0_FIXED1 CR4_FIXED0 CR4_FIXED1 VMCS_ENUM PROCBASED_CTLS2 " +
  "EPT_VPID_CAP TRUE_PINBASED_CTLS TRUE_PROCBASED_CTLS TRUE_EXIT_CTLS TRUE_ENTRY_CTLS VMFUNC"
).split(" ");
const vmxCapabilities = VMX_NAMES.map((name, i) => msr(0x480 + i, `IA32_VMX_${name}`, "vmxCapability", "readOnly", "vmx", i));

export const MSRS: readonly Msr[] = [
  // nothing goes wrong in this machine
  msr(0x00000000, "IA32_P5_MC_ADDR", "zero", "readOnly", "mce"),
  msr(0x00000001, "IA32_P5_MC_TYPE", "zero", "readOnly", "mce"),
  msr(0x00000010, "IA32_TIME_STAMP_COUNTER", "tscOffset", "own"),
  msr(0x00000017, "IA32_PLATFORM_ID", "zero", "readOnly"),
  msr(0x0000001b, "IA32_APIC_BASE", "apicBase", "own"),
  msr(0x0000003a, "IA32_FEATURE_CONTROL", "featureControl", "readOnly"),
  msr(0x0000003b, "IA32_TSC_ADJUST", "tscAdjust", "own", "tscAdjust"),
  msr(0x00000048, "IA32_SPEC_CTRL", "specCtrl", ~SPEC_CTRL, "ibrs"),
  msr(0x00000049, "IA32_PRED_CMD", "zero", "own", "ibrs"),
  msr(0x0000008b, "IA32_BIOS_SIGN_ID", "biosSignId", NONE),
  msr(0x000000fe, "IA32_MTRRCAP", "mtrrCap", "readOnly", "mtrr"),
  msr(0x0000010a, "IA32_ARCH_CAPABILITIES", "archCapabilities", "readOnly", "archCapabilities"),
  msr(0x00000174, "IA32_SYSENTER_CS", "sysenterCs", UPPER),
  msr(0x00000175, "IA32_SYSENTER_ESP", "sysenterEsp", "canonical"),
  msr(0x00000176, "IA32_SYSENTER_EIP", "sysenterEip", "canonical"),
  msr(0x00000179, "IA32_MCG_CAP", "zero", "readOnly"),
  msr(0x000001a0, "IA32_MISC_ENABLE", "miscEnable", "own"),
  // last-branch recording, which does nothing, and single-stepping of branches
  msr(0x000001d9, "IA32_DEBUGCTL", "debugctl", ~3n),
  ...variableMtrrs,
  ...fixedMtrrs,
  msr(0x00000277, "IA32_PAT", "pat", "own"),
  msr(0x000002ff, "IA32_MTRR_DEF_TYPE", "mtrrDefault", "own", "mtrr"),
  ...vmxCapabilities,
  msr(0x000006e0, "IA32_TSC_DEADLINE", "tscDeadline", "own", "tscDeadline"),
  msr(0x00000da0, "IA32_XSS", "xss", ~NONE, "xsaves"),
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
