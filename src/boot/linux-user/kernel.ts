/**
 * The kernel's shared state: the processes, and what they have in common (frames, files, clock, terminal). What a process may ask for is in
 * calls/; when it runs is in scheduler.ts.
 */
import type { Core, Vcpu } from "../../core/core.ts";
import { OPTION } from "../../spec/events.ts";
import { AddressSpace } from "./address-space.ts";
import { Clock } from "./clock.ts";
import type { Crash } from "./crash.ts";
import { Descriptors } from "./descriptors.ts";
import { makeDev } from "./dev-tree.ts";
import { Frames } from "./frames.ts";
import type { Host } from "./host.ts";
import { HostFile } from "./host-file.ts";
import { O, type OpenFile } from "./open-file.ts";
import { PageCache } from "./page-cache.ts";
import { makeProc } from "./proc-tree.ts";
import { type Ending, Process } from "./process.ts";
import { Random } from "./random.ts";
import { SA, SI, SIG, type SignalInfo, Signals } from "./signals.ts";
import { Statistics } from "./statistics.ts";
import { StreamFile } from "./stream-file.ts";
import { TerminalState } from "./terminal.ts";
import { Tree } from "./tree.ts";
import { UserMemory } from "./user-memory.ts";

export interface KernelOptions {
  /** host directory that programs see as "/" */
  readonly root: string;
  /** programs may change files */
  readonly writable: boolean;
  readonly realTime: boolean;
  readonly seed: number;
}

/** Told about what happens; all optional, so that nothing is paid for what nobody listens to. */
export interface Observer {
  /** Before each instruction; its presence makes the core run one instruction at a time. */
  instruction?(process: Process, cpu: Vcpu): void;
  /** An exception that was not just a page to bring in; `signal` is what it becomes. */
  exception?(process: Process, vector: number, errorCode: number, signal: SignalInfo): void;
  systemCall?(process: Process, name: string, text: string, result: string): void;
  crash?(crash: Crash): void;
  /** The first process was stopped, and only the outside can continue it. */
  stopped?(): void;
  /** something worth a line that the program is not told */
  notice?(text: string): void;
}

/** PIDs of the processes that are not ours: the one that started the first program */
const OUTER_PID = 1;
const FIRST_PID = 100;

export class Kernel {
  readonly core: Core;
  readonly cpu: Vcpu;
  readonly host: Host;
  readonly options: KernelOptions;
  readonly frames: Frames;
  readonly cache: PageCache;
  readonly clock: Clock;
  readonly random: Random;
  readonly tree: Tree;
  readonly terminal: TerminalState | undefined;
  readonly statistics = new Statistics();
  readonly processes = new Map<number, Process>();
  observer: Observer = {};
  /** whose registers are in the vCPU */
  current: Process | undefined;
  #nextPid = FIRST_PID;
  #nextInode = 1000;
  #translated: AddressSpace | undefined;

  constructor(core: Core, host: Host, options: KernelOptions) {
    this.core = core;
    this.cpu = core.vcpu(0);
    this.host = host;
    this.options = options;
    this.frames = new Frames(core);
    this.cache = new PageCache(this.frames);
    this.clock = new Clock(host, options.realTime);
    this.random = new Random(options.seed);
    const terminal = host.streams.find((s) => s.terminal !== undefined)?.terminal;
    this.terminal = terminal === undefined ? undefined : new TerminalState(terminal, FIRST_PID);
    if (this.terminal !== undefined) {
      const state = this.terminal;
      state.onSignal = (signo) => this.sendToGroup(state.foreground, { signo, code: SI.KERNEL });
    }
    const dev = makeDev(
      (into) => this.random.fill(into),
      () => this.#terminalFile,
    );
    const proc = () => makeProc(this);
    this.tree = new Tree(
      host.files,
      options.root,
      new Map([
        ["dev", () => dev],
        ["proc", proc],
      ]),
    );
  }

  #terminalFile: OpenFile | undefined;

  newAddressSpace(): AddressSpace {
    return new AddressSpace(this.frames, this.core);
  }

  newInode(): number {
    return this.#nextInode++;
  }

  /** The process that the first program will be loaded into. */
  createFirst(): Process {
    const descriptors = new Descriptors();
    for (const stream of this.host.streams) {
      const access = stream.terminal !== undefined ? O.RDWR : stream.input !== undefined || stream.file !== undefined ? O.RDONLY : O.WRONLY;
      const { file } = stream;
      const opened =
        file !== undefined
          ? new HostFile(this.host.files, file.handle, file.path, access, this.cache)
          : new StreamFile(stream, this.terminal, access, this.newInode());
      if (file !== undefined) opened.position = file.position;
      if (stream.terminal !== undefined) this.#terminalFile ??= opened;
      descriptors.add(opened, false);
    }
    const memory = new UserMemory(this.newAddressSpace(), this.frames);
    const process = this.#add(new Process(this.#nextPid++, undefined, memory, descriptors, new Signals(), this.cpu.bytes.slice()));
    this.current = process;
    return process;
  }

  /** A copy of the running process; its registers are those of the vCPU now. */
  fork(parent: Process, shared: { readonly memory: boolean; readonly descriptors: boolean }): Process {
    const { space } = parent.memory;
    if (shared.memory) space.users++;
    const memory = shared.memory ? parent.memory : new UserMemory(space.fork(), this.frames);
    const descriptors = shared.descriptors ? parent.descriptors.share() : parent.descriptors.fork();
    const child = new Process(this.#nextPid++, parent, memory, descriptors, parent.signals.fork(), this.cpu.bytes.slice());
    child.directory = parent.directory;
    child.umask = parent.umask;
    child.executable = parent.executable;
    child.args = parent.args;
    child.environment = parent.environment;
    child.name = parent.name;
    child.niceness = parent.niceness;
    return this.#add(child);
  }

  /** Puts a process's registers and address space into the vCPU. */
  makeCurrent(process: Process): void {
    const { cpu } = this;
    if (this.current !== process) {
      this.statistics.switches++;
      this.current?.saved.set(cpu.bytes);
      // the generator behind RDRAND belongs to the processor, not to the process
      const random = cpu.get("random");
      cpu.bytes.set(process.saved);
      cpu.set("random", random);
      this.current = process;
    }
    cpu.set("instructions", BigInt(this.clock.instructions));
    if (this.#translated !== process.memory.space) {
      this.#translated = process.memory.space;
      this.core.flushTlb();
    }
    cpu.set("cr3", BigInt(process.memory.space.table.root));
    const stepping = this.observer.instruction === undefined ? 0 : OPTION.SINGLE_STEP;
    cpu.setNumber("options", OPTION.HOST_EXCEPTIONS | OPTION.HOST_SYSCALLS | stepping);
    cpu.refresh();
  }

  /** The process gives its address space up: execve, exit. */
  leaveMemory(process: Process): void {
    const { space } = process.memory;
    process.holdsParent = false;
    if (--space.users > 0) return;
    space.destroy();
    if (this.#translated === space) this.#translated = undefined;
  }

  end(process: Process, ending: Ending): void {
    if (process.ending !== undefined) return;
    process.ending = ending;
    process.pending = undefined;
    process.stopped = 0;
    if (process.clearTid !== 0 && process.memory.space.users > 1) process.memory.setU32(process.clearTid, 0);
    process.descriptors.release();
    this.statistics.pageFaults += process.memory.space.users === 1 ? process.memory.space.faults : 0;
    this.leaveMemory(process);
    for (const child of this.processes.values()) if (child.parent === process) this.#orphan(child);
    const { parent } = process;
    if (parent === undefined) return;
    const chld = parent.signals.action(SIG.CHLD);
    if (process.exitSignal !== 0) this.send(parent, childSignal(process, ending));
    if (process.exitSignal === SIG.CHLD && (chld.handler === 1 || (chld.flags & SA.NOCLDWAIT) !== 0)) this.reap(process);
  }

  /** The parent has been told. */
  reap(process: Process): void {
    if (process.parent !== undefined) process.parent.childInstructions += process.instructions + process.childInstructions;
    this.processes.delete(process.pid);
  }

  /** Sends a signal to one process; what it does to it is decided when it next runs. */
  send(process: Process, info: SignalInfo): void {
    if (!process.isAlive) return;
    const { signals } = process;
    if (info.signo === SIG.CONT || info.signo === SIG.KILL) this.#continue(process, info.signo === SIG.CONT);
    if (info.signo >= SIG.STOP && info.signo <= SIG.TTOU) signals.discard(SIG.CONT);
    signals.raise(info);
  }

  sendToGroup(group: number, info: SignalInfo): number {
    const members = [...this.processes.values()].filter((p) => p.group === group && p.isAlive);
    for (const p of members) this.send(p, info);
    return members.length;
  }

  stop(process: Process, signo: number): void {
    process.stopped = signo;
    process.unreported = "stopped";
    const { parent } = process;
    if (parent === undefined) this.observer.stopped?.();
    else if ((parent.signals.action(SIG.CHLD).flags & SA.NOCLDSTOP) === 0)
      this.send(parent, { signo: SIG.CHLD, code: SI.CLD_STOPPED, pid: process.pid, status: signo });
  }

  /** True for the standard output and error of the first program. */
  isOutput(file: OpenFile): boolean {
    return file instanceof StreamFile && file.isOutput;
  }

  parentPid(process: Process): number {
    return process.parent?.pid ?? OUTER_PID;
  }

  #add(process: Process): Process {
    this.processes.set(process.pid, process);
    this.statistics.processes++;
    return process;
  }

  #orphan(child: Process): void {
    child.parent = undefined;
    if (!child.isAlive) this.reap(child);
  }

  #continue(process: Process, report: boolean): void {
    for (const signo of [SIG.STOP, SIG.TSTP, SIG.TTIN, SIG.TTOU]) process.signals.discard(signo);
    if (process.stopped !== 0 && report) process.unreported = "continued";
    process.stopped = 0;
  }
}

function childSignal(process: Process, ending: Ending): SignalInfo {
  const how = "status" in ending ? { code: SI.CLD_EXITED, status: ending.status } : { code: SI.CLD_KILLED, status: ending.signal };
  return { signo: process.exitSignal, pid: process.pid, ...how };
}
