/** Why a slice ends, what can be switched on in a vCPU, and the exceptions. Shared by the core and TypeScript. */

/** `State.stop` after a slice. */
export const STOP = {
  /** the budget is used up */
  BUDGET: 0,
  /** an exception: the host answers it (OPTION.HOST_EXCEPTIONS), or it is to be delivered next: `vector`, `errorCode`, `cr2` */
  EXCEPTION: 1,
  /** SYSCALL, for the host to answer (OPTION.HOST_SYSCALLS); RIP is behind the instruction */
  SYSCALL: 2,
  /** HLT */
  HALT: 3,
  /** triple fault or VMX abort */
  SHUTDOWN: 4,
  /** something the core does not implement: `vector` says what, see UNIMPLEMENTED */
  UNIMPLEMENTED: 5,
  /** a VM exit that belongs to the TypeScript VMM: `vmmGate` of the state */
  VM_EXIT: 6,
} as const;

/** Bits of `State.options`. */
export const OPTION = {
  /** exceptions and software interrupts end the slice instead of going through the IDT */
  HOST_EXCEPTIONS: 1,
  /** SYSCALL and SYSENTER end the slice instead of entering ring 0 */
  HOST_SYSCALLS: 2,
  /** one instruction per block, no links: every instruction boundary is a block boundary */
  SINGLE_STEP: 4,
  /** the host is told of everything that is delivered */
  TRACE: 8,
  /** every use of a translation that the TLB holds is compared with the tables in memory: assembly/mmu/stale.ts */
  CHECK_TRANSLATIONS: 16,
  /** the host is told of every VM exit */
  TRACE_EXITS: 32,
} as const;

/** Bits of `State.pending`: what the run loop has to look at before the next instruction. */
export const PENDING = {
  NMI: 1,
  /** the interrupt line of the 8259, where the local APIC lets it through */
  INTR: 2,
  /** the local APIC has an interrupt above the processor's priority */
  APIC: 4,
  INIT: 8,
  /** the host wants `run` to return */
  HOST: 16,
  /** a message of delivery mode ExtINT: the 8259 has the vector */
  EXTINT: 32,
  /** in VMX non-root operation: windows, timer, monitor trap flag, debug exceptions that wait */
  VMX: 64,
  /** a start-up IPI */
  SIPI: 128,
} as const;

/** `State.halted`: what the processor waits in. */
export const HALTED = { HLT: 1, MWAIT: 2, MWAIT_MASKED: 3, SHUTDOWN: 4, WAIT_FOR_SIPI: 5 } as const;

/** SDM Vol. 3 "Exception and Interrupt Reference". */
export const VECTOR = {
  DE: 0,
  DB: 1,
  NMI: 2,
  BP: 3,
  OF: 4,
  BR: 5,
  UD: 6,
  NM: 7,
  DF: 8,
  TS: 10,
  NP: 11,
  SS: 12,
  GP: 13,
  PF: 14,
  MF: 16,
  AC: 17,
  MC: 18,
  XM: 19,
  VE: 20,
  CP: 21,
} as const;

/** `State.vmx`. SDM Vol. 3 "VMX Operation" */
export const VMX = { OFF: 0, ROOT: 1, NON_ROOT: 2 } as const;

/** `State.vmxFailure`, besides error numbers and exit reasons: VMfailInvalid because no VMCS is current, or because a shadow VMCS is. */
export const VMX_FAILURE = { NO_VMCS: 0x100, SHADOW_VMCS: 0x101 } as const;

/** `State.vmxTrap`: what is under way ends with a VM exit by the monitor trap flag, or such an exit is pending. SDM Vol. 3 "Monitor Trap Flag" */
export const VMX_TRAP = { NONE: 0, ARMED: 1, PENDING: 2 } as const;

/** How an event came about, numbered as in SDM Vol. 3 "VM-Entry Controls for Event Injection". */
export const EVENT = {
  EXTERNAL: 0,
  NMI: 2,
  /** a hardware exception: everything the processor raises itself */
  EXCEPTION: 3,
  /** INT n */
  SOFTWARE_INTERRUPT: 4,
  /** INT1 */
  PRIVILEGED_EXCEPTION: 5,
  /** INT3, INTO */
  SOFTWARE_EXCEPTION: 6,
} as const;

/** Bits of `State.delivering` besides the vector (0-7) and the EVENT (from 8 on). SDM Vol. 3 "Information for VM Exits During Event Delivery". */
export const DELIVERING = { TYPE: 8, ERROR_CODE: 1 << 11, VALID: 0x80000000 } as const;

/** Error code bits of a page fault. SDM Vol. 3 "Page-Fault Exceptions". */
export const PF = { P: 1, W: 2, U: 4, RSVD: 8, I: 16, PK: 32 } as const;

/** `vector` of STOP.UNIMPLEMENTED: gaps are named, never silent. */
export const UNIMPLEMENTED = { PAGING: 1, INTERRUPT_DELIVERY: 2, TASK_SWITCH: 3 } as const;
