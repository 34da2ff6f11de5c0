/**
 * Which process runs when: round robin in the order of their numbers, in slices of instructions; so a run repeats exactly. A process in a
 * system call that cannot finish is tried again at each turn. If nobody can go on, time skips to the next deadline, or the outside is waited for.
 */
import { STOP } from "../../spec/events.ts";
import { deliverSignals } from "./delivery.ts";
import { retryCall, systemCall } from "./dispatch.ts";
import { handleException } from "./exceptions.ts";
import type { Kernel } from "./kernel.ts";
import type { Process } from "./process.ts";
import { SIG } from "./signals.ts";

const SLICE = 200_000;
/** real milliseconds after which the outside gets a turn */
const PAUSE_EVERY = 50;
/** page faults at one instruction without any progress that can have no good reason */
const MAX_REPEATS = 16;

export interface Limits {
  readonly maxInstructions?: number;
  /** in milliseconds of real time */
  readonly timeLimit?: number;
  readonly signal?: AbortSignal;
}

/** Why the run ended other than by the end of the programs. */
export type Interruption = "time limit" | "instruction limit" | "aborted" | "deadlock";

/** The core came upon something it does not implement. */
export class UnimplementedError extends Error {
  readonly what: number;
  readonly rip: bigint;

  constructor(what: number, rip: bigint) {
    super(`the core does not implement this (gap ${what}) at 0x${rip.toString(16)}`);
    this.what = what;
    this.rip = rip;
  }
}

export class Scheduler {
  readonly #kernel: Kernel;
  readonly #limits: Limits;
  readonly #first: Process;
  readonly #started: number;
  #paused: number;

  constructor(kernel: Kernel, first: Process, limits: Limits) {
    this.#kernel = kernel;
    this.#first = first;
    this.#limits = limits;
    this.#started = kernel.host.now();
    this.#paused = this.#started;
  }

  /** Runs until the first process has ended and no other one has our output open. */
  async run(): Promise<Interruption | undefined> {
    for (;;) {
      if (!this.#isWanted()) return undefined;
      let progress = false;
      for (const process of [...this.#kernel.processes.values()]) {
        if (!process.isAlive) continue;
        const interruption = this.#interruption();
        if (interruption !== undefined) return interruption;
        if (this.#turn(process)) progress = true;
        if (this.#kernel.host.now() - this.#paused > PAUSE_EVERY) await this.#pause(0);
      }
      if (!progress && !(await this.#idle())) return "deadlock";
    }
  }

  #isWanted(): boolean {
    if (this.#first.isAlive) return true;
    // as a reader of a pipe waits for the last writer
    for (const p of this.#kernel.processes.values())
      if (p.isAlive && p.descriptors.numbers().some((fd) => this.#kernel.isOutput(p.descriptors.get(fd)))) return true;
    return false;
  }

  #interruption(): Interruption | undefined {
    const { maxInstructions, timeLimit, signal } = this.#limits;
    if (maxInstructions !== undefined && this.#kernel.clock.instructions >= maxInstructions) return "instruction limit";
    if (timeLimit !== undefined && this.#kernel.host.now() - this.#started >= timeLimit) return "time limit";
    return signal?.aborted === true ? "aborted" : undefined;
  }

  /** Gives a process its turn; false if it could do nothing. */
  #turn(process: Process): boolean {
    const kernel = this.#kernel;
    ringAlarm(kernel, process);
    let progress = false;
    if (process.signals.hasDeliverable && process.stopped === 0 && process.pending?.wait.uninterruptible !== true) {
      kernel.makeCurrent(process);
      deliverSignals(kernel, process);
      if (!process.isAlive) return true;
      progress = true;
    }
    if (process.stopped !== 0 || !retryCall(kernel, process)) return progress;
    if (process.isAlive) this.#slice(process);
    return true;
  }

  #slice(process: Process): void {
    const kernel = this.#kernel;
    const { cpu, clock } = kernel;
    kernel.makeCurrent(process);
    let repeats = 0;
    let faultAddress = -1n;
    let budget = Math.min(SLICE, (this.#limits.maxInstructions ?? Number.POSITIVE_INFINITY) - clock.instructions);
    while (budget > 0 && process.isAlive && process.pending === undefined && process.stopped === 0) {
      kernel.observer.instruction?.(process, cpu);
      const stop = cpu.run(kernel.observer.instruction === undefined ? BigInt(budget) : 1n);
      const retired = Number(cpu.get("instructions")) - clock.instructions;
      clock.instructions += retired;
      process.instructions += retired;
      budget -= retired;
      repeats = retired === 0 && cpu.get("cr2") === faultAddress ? repeats + 1 : 0;
      faultAddress = cpu.get("cr2");
      if (repeats > MAX_REPEATS) throw new Error(`no progress at 0x${cpu.get("rip").toString(16)}`);
      if (stop === STOP.SYSCALL) systemCall(kernel, process);
      else if (stop === STOP.EXCEPTION) handleException(kernel, process);
      else if (stop !== STOP.BUDGET) throw new UnimplementedError(cpu.getNumber("vector"), cpu.get("rip"));
      if (process.signals.hasDeliverable) deliverSignals(kernel, process);
    }
  }

  /** Nobody can go on: skips to the next deadline or waits for the outside. False if neither can come. */
  async #idle(): Promise<boolean> {
    const kernel = this.#kernel;
    const { clock } = kernel;
    const waiting = [...kernel.processes.values()].filter((p) => p.isAlive);
    const deadline = Math.min(...waiting.map((p) => p.wakeTime));
    const input = kernel.host.streams[0].input;
    const forInput = input !== undefined && waiting.some((p) => p.pending?.wait.forInput === true);
    const milliseconds = Math.max(0, (deadline - clock.now()) / 1e6);
    if (forInput && !input.ready) {
      const before = kernel.host.now();
      await input.wait(Math.min(milliseconds, this.#timeLeft()));
      this.#paused = kernel.host.now();
      // waiting for the outside takes real time, also on the virtual clock
      if (deadline !== Number.POSITIVE_INFINITY) clock.skipTo(Math.min(deadline, clock.now() + (this.#paused - before) * 1e6));
    } else if (forInput) return true;
    else if (deadline !== Number.POSITIVE_INFINITY) {
      if (clock.isReal) await this.#pause(Math.min(milliseconds, this.#timeLeft()));
      else clock.skipTo(deadline);
    } else if (kernel.terminal !== undefined) await this.#pause(PAUSE_EVERY);
    else return waiting.length === 0;
    return true;
  }

  #timeLeft(): number {
    const { timeLimit } = this.#limits;
    return timeLimit === undefined ? 1000 : Math.max(0, Math.min(1000, timeLimit - (this.#kernel.host.now() - this.#started)));
  }

  async #pause(milliseconds: number): Promise<void> {
    await this.#kernel.host.pause(milliseconds);
    this.#paused = this.#kernel.host.now();
  }
}

function ringAlarm(kernel: Kernel, process: Process): void {
  const { alarm } = process;
  if (alarm === undefined || kernel.clock.now() < alarm.deadline) return;
  process.alarm = alarm.interval === 0 ? undefined : { deadline: kernel.clock.now() + alarm.interval, interval: alarm.interval };
  kernel.send(process, { signo: SIG.ALRM, code: 0x80 });
}
