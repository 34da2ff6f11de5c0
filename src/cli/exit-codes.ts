/** Exit statuses of the command line that are not a guest's own. Numbers as in sysexits.h, timeout(1) and the shell. */
export const EXIT = {
  OK: 0,
  USAGE: 64,
  NO_INPUT: 66,
  UNIMPLEMENTED: 69,
  INTERNAL: 70,
  CANNOT_WRITE: 73,
  TRIPLE_FAULT: 122,
  INSTRUCTION_LIMIT: 123,
  TIMEOUT: 124,
  DEADLOCK: 125,
  CANNOT_LOAD: 126,
  NOT_FOUND: 127,
  SIGNAL: 128,
} as const;

export const EXIT_TEXT: readonly (readonly [string, string])[] = [
  ["0", "run: the guest has switched the machine off, or reset it under -no-reboot; or Ctrl-A x, or the monitor's quit"],
  ["0-255", "exec: the program's own status; run: (v << 1) | 1, which is odd, after the guest wrote v to isa-debug-exit"],
  ["64", "bad usage: unknown command or option, impossible value"],
  ["66", "run: a file that was named (kernel, initrd, disk) is not there, cannot be read, or is empty"],
  ["69", "the guest needs something that is not implemented"],
  ["70", "an error in minusone itself"],
  ["73", "an output file (-D, --stats-json, -serial file:) cannot be written"],
  ["122", "run: triple fault"],
  ["123", "--max-instructions was reached"],
  ["124", "--timeout was reached"],
  ["125", "exec: every process waits for something that cannot come; run: the processor has halted, and nothing can wake it"],
  ["126", "the program or kernel cannot be loaded: of an unknown kind, damaged, not executable, too large for the memory"],
  ["127", "exec: there is no such program"],
  ["128+N", "exec: signal N killed the program (139: segmentation fault, 137: out of guest memory); run: signal N ended minusone"],
];
