/** What is known about a process at the moment a signal with a core dump kills it: enough to print what a debugger would. */
import type { Vcpu } from "../../core/core.ts";
import { GPR_NAMES } from "../../spec/state.ts";
import { SystemCallError } from "./errno.ts";
import type { Process } from "./process.ts";
import type { Region } from "./regions.ts";
import type { SignalInfo } from "./signals.ts";

export interface Crash {
  readonly pid: number;
  readonly program: string;
  readonly signal: SignalInfo;
  readonly rip: bigint;
  readonly registers: ReadonlyMap<string, bigint>;
  readonly rflags: number;
  readonly fsBase: bigint;
  readonly gsBase: bigint;
  /** the bytes around RIP that can be read, and the address of the first */
  readonly code: Uint8Array;
  readonly codeStart: number;
  readonly stack: Uint8Array;
  readonly mappings: readonly Region[];
}

const BEFORE = 64;
const AFTER = 64;
const STACK_BYTES = 64;

export function describeCrash(process: Process, cpu: Vcpu, signal: SignalInfo): Crash {
  const rip = cpu.get("rip");
  const [codeStart, code] = readable(process, Number(rip) - BEFORE, Number(rip), Number(rip) + AFTER);
  const rsp = Number(cpu.get("rsp"));
  return {
    pid: process.pid,
    program: process.executable,
    signal,
    rip,
    registers: new Map(GPR_NAMES.map((name) => [name, cpu.get(name)])),
    rflags: cpu.rflags,
    fsBase: cpu.get("fsBase"),
    gsBase: cpu.get("gsBase"),
    code,
    codeStart,
    stack: readable(process, rsp, rsp, rsp + STACK_BYTES)[1],
    mappings: [...process.memory.space.regions],
  };
}

/** The longest readable part of [start, end) around `middle`. */
function readable(process: Process, start: number, middle: number, end: number): [number, Uint8Array] {
  for (const [from, to] of [
    [start, end],
    [middle, end],
    [start, middle],
    [middle, pageEnd(middle)],
  ] as const)
    try {
      const bytes = process.memory.read(from, to - from);
      if (bytes.length > 0 && middle < to) return [from, bytes];
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
    }
  return [middle, new Uint8Array(0)];
}

function pageEnd(address: number): number {
  return address - (address % 4096) + 4096;
}
