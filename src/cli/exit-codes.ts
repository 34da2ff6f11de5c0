/** Exit statuses of the command line that are not a guest's own. Numbers as in sysexits.h, timeout(1) and the shell. */
export const EXIT = {
  OK: 0,
  USAGE: 64,
  UNIMPLEMENTED: 69,
  INTERNAL: 70,
  CANNOT_WRITE: 73,
  INSTRUCTION_LIMIT: 123,
  TIMEOUT: 124,
  DEADLOCK: 125,
  CANNOT_LOAD: 126,
  NOT_FOUND: 127,
  SIGNAL: 128,
} as const;

export const EXIT_TEXT: readonly (readonly [string, string])[] = [
  ["0-255", "the program's own status"],
  ["64", "bad usage: unknown command or option, impossible value"],
  ["69", "the program needs something that is not implemented"],
  ["70", "an error in minusone itself"],
  ["73", "an output file (-D, --stats-json) cannot be written"],
  ["123", "--max-instructions was reached"],
  ["124", "--timeout was reached"],
  ["125", "every process waits for something that cannot come"],
  ["126", "the program cannot be loaded: not an x86-64 program, damaged, not executable"],
  ["127", "there is no such program"],
  ["128+N", "signal N killed the program (139: segmentation fault, 137: out of guest memory)"],
];
