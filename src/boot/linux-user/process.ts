/** One process: everything that fork copies and wait4 reports. Its registers are in the vCPU while it runs, and in `saved` otherwise. */

import type { SystemCall } from "./calls/row.ts";
import type { Descriptors } from "./descriptors.ts";
import type { Signals } from "./signals.ts";
import type { UserMemory } from "./user-memory.ts";

/** What a system call returns that cannot finish now: it is called again, with the same arguments, until it returns a number. */
export interface Wait {
  /** time (Clock.now) at which it will finish in any case */
  readonly until?: number;
  /** it waits for something from outside */
  readonly forInput?: boolean;
  /** a signal handler interrupts it even if it is to restart calls (SA_RESTART) */
  readonly interruptible?: boolean;
  /** signals wait until it is done */
  readonly uninterruptible?: boolean;
  /** called when a signal handler ends it */
  readonly onInterrupt?: () => void;
  /** what it has done so far: kept for the next attempt */
  readonly progress?: number;
}

export interface PendingCall {
  readonly call: SystemCall;
  readonly args: readonly number[];
  readonly wait: Wait;
}

export type Ending = { readonly status: number } | { readonly signal: number };

export interface IntervalTimer {
  readonly deadline: number;
  readonly interval: number;
}

export class Process {
  readonly pid: number;
  /** undefined: the process outside that started the first one */
  parent: Process | undefined;
  group: number;
  session: number;
  memory: UserMemory;
  descriptors: Descriptors;
  signals: Signals;
  /** the vCPU's state while another process runs */
  saved: Uint8Array;
  directory = "/";
  umask = 0o022;
  /** absolute path, arguments and environment of the program */
  executable = "";
  args: readonly Uint8Array[] = [];
  environment: readonly Uint8Array[] = [];
  name = "";
  /** the system call it is in the middle of */
  pending: PendingCall | undefined;
  /** set once it has ended; it stays until its parent has asked */
  ending: Ending | undefined;
  /** the signal that stopped it */
  stopped = 0;
  /** stops and continuations that wait4 has not reported yet */
  unreported: "stopped" | "continued" | undefined;
  /** sent to the parent at the end */
  exitSignal = 0;
  /** its parent waits until it has called execve or ended (vfork) */
  holdsParent = false;
  /** address of the last page fault that became a signal: signal frames show it from then on */
  faultAddress = 0n;
  /** address to clear at the end (CLONE_CHILD_CLEARTID) */
  clearTid = 0;
  alarm: IntervalTimer | undefined;
  instructions = 0;
  childInstructions = 0;
  niceness = 0;
  deathSignal = 0;

  constructor(pid: number, parent: Process | undefined, memory: UserMemory, descriptors: Descriptors, signals: Signals, saved: Uint8Array) {
    this.pid = pid;
    this.parent = parent;
    this.group = parent?.group ?? pid;
    this.session = parent?.session ?? pid;
    this.memory = memory;
    this.descriptors = descriptors;
    this.signals = signals;
    this.saved = saved;
  }

  get isAlive(): boolean {
    return this.ending === undefined;
  }

  /** Time at which it can go on by itself; Infinity if there is no such time. */
  get wakeTime(): number {
    const call = this.stopped === 0 ? this.pending?.wait.until : undefined;
    return Math.min(call ?? Number.POSITIVE_INFINITY, this.alarm?.deadline ?? Number.POSITIVE_INFINITY);
  }
}
