import { isa } from "./isa/all.ts";

/** Basic exit reasons. SDM Vol. 3 appendix "VMX Basic Exit Reasons". Reasons of features that are not offered are left out. */
export const EXIT_REASON = {
  EXCEPTION_OR_NMI: 0,
  EXTERNAL_INTERRUPT: 1,
  TRIPLE_FAULT: 2,
  INIT_SIGNAL: 3,
  STARTUP_IPI: 4,
  INTERRUPT_WINDOW: 7,
  NMI_WINDOW: 8,
  TASK_SWITCH: 9,
  CPUID: 10,
  HLT: 12,
  INVD: 13,
  INVLPG: 14,
  RDPMC: 15,
  RDTSC: 16,
  VMCALL: 18,
  VMCLEAR: 19,
  VMLAUNCH: 20,
  VMPTRLD: 21,
  VMPTRST: 22,
  VMREAD: 23,
  VMRESUME: 24,
  VMWRITE: 25,
  VMXOFF: 26,
  VMXON: 27,
  CR_ACCESS: 28,
  MOV_DR: 29,
  IO_INSTRUCTION: 30,
  RDMSR: 31,
  WRMSR: 32,
  INVALID_GUEST_STATE: 33,
  MSR_LOADING: 34,
  MWAIT: 36,
  MONITOR_TRAP_FLAG: 37,
  MONITOR: 39,
  PAUSE: 40,
  MACHINE_CHECK_DURING_ENTRY: 41,
  TPR_BELOW_THRESHOLD: 43,
  APIC_ACCESS: 44,
  VIRTUALIZED_EOI: 45,
  GDTR_OR_IDTR: 46,
  LDTR_OR_TR: 47,
  EPT_VIOLATION: 48,
  EPT_MISCONFIGURATION: 49,
  INVEPT: 50,
  RDTSCP: 51,
  PREEMPTION_TIMER: 52,
  INVVPID: 53,
  WBINVD: 54,
  XSETBV: 55,
  APIC_WRITE: 56,
  RDRAND: 57,
  INVPCID: 58,
  VMFUNC: 59,
  RDSEED: 61,
  PAGE_MODIFICATION_LOG_FULL: 62,
  XSAVES: 63,
  XRSTORS: 64,
} as const;

const REASON_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(EXIT_REASON).map(([name, number]) => [number, name.replaceAll("_", " ")]),
);

/** "CPUID", "EPT VIOLATION", by the basic reason in bits 15-0 */
export function exitReasonName(reason: number): string {
  return REASON_NAMES.get(reason & 0xffff) ?? `reason ${reason & 0xffff}`;
}

/** VM-instruction error numbers. SDM Vol. 3 "VM Instruction Error Numbers". */
export const VM_INSTRUCTION_ERROR = {
  VMCALL_IN_ROOT: 1,
  VMCLEAR_INVALID_ADDRESS: 2,
  VMCLEAR_VMXON_POINTER: 3,
  VMLAUNCH_NOT_CLEAR: 4,
  VMRESUME_NOT_LAUNCHED: 5,
  VMRESUME_AFTER_VMXOFF: 6,
  ENTRY_INVALID_CONTROLS: 7,
  ENTRY_INVALID_HOST_STATE: 8,
  VMPTRLD_INVALID_ADDRESS: 9,
  VMPTRLD_VMXON_POINTER: 10,
  VMPTRLD_WRONG_REVISION: 11,
  UNSUPPORTED_FIELD: 12,
  VMWRITE_READ_ONLY_FIELD: 13,
  VMXON_IN_ROOT: 15,
  ENTRY_INVALID_EXECUTIVE_VMCS: 16,
  ENTRY_NOT_LAUNCHED_EXECUTIVE_VMCS: 17,
  ENTRY_EXECUTIVE_VMCS_NOT_VMXON_POINTER: 18,
  ENTRY_EVENTS_BLOCKED_BY_MOV_SS: 26,
  INVALID_INVEPT_INVVPID_OPERAND: 28,
} as const;

/** Causes of VM exits by instructions: the `exit:` attributes of the instruction rows, numbered from 1. */
export const EXIT_CAUSES: readonly string[] = [
  ...new Set(isa.flatMap((row) => [...row.attributes].filter((a) => a.startsWith("exit:")).map((a) => a.slice(5)))),
].sort();
