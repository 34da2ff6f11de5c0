/** What `-d` can log; apart from the code that does it, because that brings the disassembler's tables along. */
export const TRACE_ITEMS = {
  in_asm: "each instruction, disassembled, the first time it runs",
  exec: "each jump: the address where a straight run of instructions starts",
  int: "exceptions, and the signals they become",
  syscall: "system calls as strace shows them, and at the end those that are not known",
} as const;

export type TraceItem = keyof typeof TRACE_ITEMS;

/** The same for machines. */
export const MACHINE_TRACE_ITEMS = {
  in_asm: "each instruction, disassembled, the first time it runs",
  exec: "each jump: the address where a straight run of instructions starts",
  int: "interrupts and exceptions as they are delivered, with the place they interrupt",
  mmu: "changes of the paging registers, and page faults",
  cpu_reset: "the registers at every reset and at a triple fault",
  vmexit: "VM exits: reason, qualification, place, and the guest's cycles until it went on",
} as const;

export type MachineTraceItem = keyof typeof MACHINE_TRACE_ITEMS;
