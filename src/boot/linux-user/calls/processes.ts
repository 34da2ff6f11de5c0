/** Processes: fork and its relatives, execve, exit, wait. clone(2), execve(2), wait(2), arch_prctl(2), futex(2) */
import { fail } from "../errno.ts";
import { execute } from "../exec.ts";
import type { Ending, Process } from "../process.ts";
import { SIG } from "../signals.ts";
import { type CallContext, type Result, refused, row } from "./row.ts";
import { writeUsage } from "./usage.ts";

const CLONE = {
  VM: 0x100,
  FILES: 0x400,
  VFORK: 0x4000,
  PARENT: 0x8000,
  THREAD: 0x1_0000,
  SETTLS: 0x8_0000,
  PARENT_SETTID: 0x10_0000,
  CHILD_CLEARTID: 0x20_0000,
  CHILD_SETTID: 0x100_0000,
  SIGNAL: 0xff,
} as const;
const ARCH = { SET_GS: 0x1001, SET_FS: 0x1002, GET_FS: 0x1003, GET_GS: 0x1004 } as const;
const USER_END = 2 ** 47;
const WAIT = { NOHANG: 1, UNTRACED: 2, EXITED: 4, CONTINUED: 8, NOWAIT: 0x100_0000 } as const;
const AT_EMPTY_PATH = 0x1000;

function clone(c: CallContext, flags: number, stack: number, parentTid: number, childTid: number, tls: number): Result {
  const { kernel, process, waited } = c;
  if (waited?.progress !== undefined) return vforkResult(c, waited.progress);
  if ((flags & CLONE.THREAD) !== 0 || ((flags & CLONE.VM) !== 0 && (flags & CLONE.VFORK) === 0)) {
    if (kernel.statistics.refusedThreads++ === 0)
      kernel.observer.notice?.(`${process.executable} asked for a thread; threads are not supported, it gets EAGAIN`);
    return fail("EAGAIN");
  }
  // the child is a copy of the vCPU as it is now: the registers in which it differs are set for the moment of copying
  const { cpu } = kernel;
  const rsp = cpu.get("rsp");
  const fsBase = cpu.get("fsBase");
  cpu.set("rax", 0n);
  if (stack !== 0) cpu.set("rsp", BigInt(stack));
  if ((flags & CLONE.SETTLS) !== 0) cpu.set("fsBase", BigInt(tls));
  const child = kernel.fork(process, { memory: (flags & CLONE.VM) !== 0, descriptors: (flags & CLONE.FILES) !== 0 });
  cpu.set("rsp", rsp);
  cpu.set("fsBase", fsBase);
  child.exitSignal = flags & CLONE.SIGNAL;
  if ((flags & CLONE.PARENT) !== 0) child.parent = process.parent;
  if ((flags & CLONE.PARENT_SETTID) !== 0) process.memory.setU32(parentTid, child.pid);
  if ((flags & CLONE.CHILD_SETTID) !== 0) child.memory.setU32(childTid, child.pid);
  if ((flags & CLONE.CHILD_CLEARTID) !== 0) child.clearTid = childTid;
  if ((flags & CLONE.VFORK) === 0) return child.pid;
  child.holdsParent = true;
  return vforkResult(c, child.pid);
}

/** The parent of a vfork goes on when the child has its own program or has ended. */
function vforkResult({ kernel }: CallContext, pid: number): Result {
  return kernel.processes.get(pid)?.holdsParent === true ? { progress: pid, uninterruptible: true } : pid;
}

function execve({ kernel, process }: CallContext, path: string, argv: number, envp: number): Result {
  const args = process.memory.strings(argv);
  // an empty argument vector becomes one empty argument, as since Linux 5.18
  execute(kernel, process, { path, args: args.length === 0 ? [new Uint8Array(0)] : args, environment: process.memory.strings(envp) });
  kernel.cpu.set("rax", 0n);
  return undefined;
}

function execveat(c: CallContext, fd: number, path: string, argv: number, envp: number, flags: number): Result {
  if (path.startsWith("/") || (flags & AT_EMPTY_PATH) === 0)
    return execve(c, fd === -100 ? path : `${c.process.descriptors.get(fd).path}/${path}`, argv, envp);
  return execve(c, c.process.descriptors.get(fd).path, argv, envp);
}

function exit({ kernel, process }: CallContext, status: number): Result {
  kernel.end(process, { status: status & 0xff });
  return undefined;
}

/** What wait4 stores: wait(2), <sys/wait.h> */
function statusOf(ending: Ending): number {
  return "status" in ending ? ending.status << 8 : ending.signal;
}

/** True for the children that `pid` asks for. */
function isAsked(process: Process, child: Process, pid: number): boolean {
  if (child.parent !== process) return false;
  if (pid === -1) return true;
  if (pid > 0) return child.pid === pid;
  return child.group === (pid === 0 ? process.group : -pid);
}

/** A child with something to report. */
function reporting(children: readonly Process[], options: number): Process | undefined {
  const stopped = (p: Process) => p.unreported === "stopped" && (options & WAIT.UNTRACED) !== 0;
  const continued = (p: Process) => p.unreported === "continued" && (options & WAIT.CONTINUED) !== 0;
  const ended = (p: Process) => !p.isAlive && (options & WAIT.EXITED) !== 0;
  return children.find((p) => ended(p) || stopped(p) || continued(p));
}

function wait4({ kernel, process }: CallContext, pid: number, status: number, options: number, usage: number): Result {
  const children = [...kernel.processes.values()].filter((child) => isAsked(process, child, pid));
  if (children.length === 0) return fail("ECHILD");
  const child = reporting(children, options | WAIT.EXITED);
  if (child === undefined) return (options & WAIT.NOHANG) !== 0 ? 0 : {};
  const word =
    child.ending !== undefined ? statusOf(child.ending) : child.unreported === "continued" ? 0xffff : (child.stopped << 8) | 0x7f;
  if (status !== 0) process.memory.setU32(status, word);
  if (usage !== 0) writeUsage(process.memory, usage, child.instructions + child.childInstructions);
  child.unreported = undefined;
  if (child.ending !== undefined) kernel.reap(child);
  return child.pid;
}

function waitid({ kernel, process }: CallContext, type: number, id: number, info: number, options: number, usage: number): Result {
  const [P_ALL, P_PID, P_PGID] = [0, 1, 2];
  if (type !== P_ALL && type !== P_PID && type !== P_PGID) return fail("EINVAL");
  const pid = type === P_ALL ? -1 : type === P_PID ? id : id === 0 ? 0 : -id;
  const children = [...kernel.processes.values()].filter((child) => isAsked(process, child, pid));
  if (children.length === 0) return fail("ECHILD");
  const child = reporting(children, options);
  if (child === undefined && (options & WAIT.NOHANG) === 0) return {};
  if (info !== 0) {
    const bytes = new DataView(new ArrayBuffer(128));
    if (child !== undefined) {
      const { ending } = child;
      const [code, value] =
        ending === undefined
          ? child.unreported === "stopped"
            ? [5, child.stopped]
            : [6, SIG.CONT]
          : "status" in ending
            ? [1, ending.status]
            : [2, ending.signal];
      bytes.setInt32(0, SIG.CHLD, true);
      bytes.setInt32(8, code, true);
      bytes.setInt32(16, child.pid, true);
      bytes.setUint32(20, kernel.host.identity.uid, true);
      bytes.setInt32(24, value, true);
    }
    process.memory.write(info, new Uint8Array(bytes.buffer));
  }
  if (child === undefined) return 0;
  if (usage !== 0) writeUsage(process.memory, usage, child.instructions + child.childInstructions);
  if ((options & WAIT.NOWAIT) !== 0) return 0;
  child.unreported = undefined;
  if (child.ending !== undefined) kernel.reap(child);
  return 0;
}

function archPrctl({ kernel, process }: CallContext, code: number, address: number): Result {
  const { cpu } = kernel;
  switch (code) {
    case ARCH.SET_FS:
    case ARCH.SET_GS:
      if (address >= USER_END) return fail("EPERM");
      cpu.set(code === ARCH.SET_FS ? "fsBase" : "gsBase", BigInt(address));
      return 0;
    case ARCH.GET_FS:
    case ARCH.GET_GS:
      process.memory.setU64(address, cpu.get(code === ARCH.GET_FS ? "fsBase" : "gsBase"));
      return 0;
    default:
      return fail("EINVAL");
  }
}

export const processCalls = [
  row(24, "sched_yield", "", () => 0),
  row(56, "clone", "flags pointer pointer pointer pointer", clone),
  row(57, "fork", "", (c) => clone(c, SIG.CHLD, 0, 0, 0, 0)),
  row(58, "vfork", "", (c) => clone(c, CLONE.VM | CLONE.VFORK | SIG.CHLD, 0, 0, 0, 0)),
  row(59, "execve", "path pointer pointer", execve),
  row(60, "exit", "int", exit),
  row(61, "wait4", "int pointer int pointer", wait4),
  row(158, "arch_prctl", "flags pointer", archPrctl),
  row(231, "exit_group", "int", exit),
  row(247, "waitid", "int int pointer int pointer", waitid),
  row(322, "execveat", "fd path pointer pointer flags", execveat),
  refused(435, "clone3", "ENOSYS"),
];
