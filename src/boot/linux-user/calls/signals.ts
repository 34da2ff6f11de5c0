/** Signals: setting up, masking, sending, waiting. rt_sigaction(2), kill(2), sigaltstack(2) */
import { fail } from "../errno.ts";
import type { Process } from "../process.ts";
import { isOnStack, popSignalFrame, siginfoBytes } from "../signal-frame.ts";
import { SI, SIG, SIGNAL_COUNT, type SignalInfo } from "../signals.ts";
import { type CallContext, type Result, row } from "./row.ts";
import { timespec } from "./time.ts";

const HOW = { BLOCK: 0, UNBLOCK: 1, SETMASK: 2 } as const;
const SS = { ONSTACK: 1, DISABLE: 2, AUTODISARM: 0x8000_0000 } as const;
const MIN_STACK = 2048;
const MASK_SIZE = 8;

function check(signo: number): number {
  return signo >= 1 && signo <= SIGNAL_COUNT ? signo : fail("EINVAL");
}

function sigaction({ process }: CallContext, signo: number, action: number, old: number, size: number): Result {
  const { memory, signals } = process;
  if (size !== MASK_SIZE) return fail("EINVAL");
  check(signo);
  if (action !== 0 && (signo === SIG.KILL || signo === SIG.STOP)) return fail("EINVAL");
  const before = signals.action(signo);
  if (action !== 0) {
    const [handler, flags, restorer] = [0, 8, 16].map((offset) => memory.pointer(action + offset));
    signals.setAction(signo, { handler, flags: flags >>> 0, restorer, mask: memory.u64(action + 24) });
  }
  if (old !== 0)
    [before.handler, before.flags, before.restorer, before.mask].forEach((word, i) => {
      memory.setU64(old + i * 8, word);
    });
  return 0;
}

function sigprocmask({ process }: CallContext, how: number, set: number, old: number, size: number): Result {
  const { memory, signals } = process;
  if (size !== MASK_SIZE) return fail("EINVAL");
  const before = signals.blocked;
  if (set !== 0) {
    const mask = memory.u64(set);
    if (how === HOW.BLOCK) signals.blocked = before | mask;
    else if (how === HOW.UNBLOCK) signals.blocked = before & ~mask;
    else if (how === HOW.SETMASK) signals.blocked = mask;
    else return fail("EINVAL");
  }
  if (old !== 0) memory.setU64(old, before);
  return 0;
}

function sigreturn({ kernel, process }: CallContext): Result {
  popSignalFrame(kernel.cpu, process.memory, process.signals);
  return undefined;
}

/** Waits with another mask; the handler's frame restores the one before. */
function sigsuspend({ process, waited }: CallContext, mask: number): Result {
  if (waited === undefined) {
    const temporary = process.memory.u64(mask);
    process.signals.savedMask = process.signals.blocked;
    process.signals.blocked = temporary;
  }
  return { interruptible: true };
}

function sigtimedwait({ kernel, process, waited }: CallContext, set: number, info: number, timeout: number): Result {
  const { memory, signals } = process;
  const taken = signals.take(memory.u64(set));
  if (taken !== undefined) {
    if (info !== 0) memory.write(info, siginfoBytes(taken));
    return taken.signo;
  }
  const until = waited?.until ?? (timeout === 0 ? undefined : kernel.clock.now() + timespec(memory, timeout));
  if (until === undefined) return { interruptible: true };
  return kernel.clock.now() >= until ? fail("EAGAIN") : { until, interruptible: true };
}

function sender({ kernel, process }: CallContext, signo: number, code: number): SignalInfo {
  return { signo, code, pid: process.pid, uid: kernel.host.identity.uid };
}

function kill(c: CallContext, pid: number, signo: number): Result {
  const { kernel, process } = c;
  if (signo !== 0) check(signo);
  const targets = [...kernel.processes.values()].filter((p) => {
    if (pid > 0) return p.pid === pid;
    if (pid === -1) return p !== process;
    return p.group === (pid === 0 ? process.group : -pid);
  });
  if (targets.length === 0) return fail("ESRCH");
  if (signo !== 0) for (const target of targets) kernel.send(target, sender(c, signo, SI.USER));
  return 0;
}

function tgkill(c: CallContext, group: number, pid: number, signo: number): Result {
  const target = c.kernel.processes.get(pid);
  if (target === undefined || (group !== pid && group > 0)) return fail("ESRCH");
  if (signo !== 0) c.kernel.send(target, sender(c, check(signo), SI.TKILL));
  return 0;
}

function sigqueueinfo({ kernel, process }: CallContext, pid: number, signo: number, info: number): Result {
  const target: Process = kernel.processes.get(pid) ?? fail("ESRCH");
  const { memory } = process;
  const value = memory.u64(info + 24);
  if (signo !== 0)
    kernel.send(target, { signo: check(signo), code: memory.i32(info + 8), pid: process.pid, uid: kernel.host.identity.uid, value });
  return 0;
}

function sigaltstack({ kernel, process }: CallContext, stack: number, old: number): Result {
  const { memory, signals } = process;
  const { sp, size } = signals.alternateStack;
  const onStack = isOnStack(signals, Number(kernel.cpu.get("rsp")));
  const wanted = stack === 0 ? undefined : { sp: memory.pointer(stack), flags: memory.u32(stack + 8), size: memory.pointer(stack + 16) };
  if (old !== 0) {
    memory.setU64(old, sp);
    memory.setU64(old + 8, size === 0 ? SS.DISABLE : onStack ? SS.ONSTACK : 0);
    memory.setU64(old + 16, size);
  }
  if (wanted === undefined) return 0;
  if (onStack) return fail("EPERM");
  const mode = (wanted.flags & ~SS.AUTODISARM) >>> 0;
  if (mode !== 0 && mode !== SS.DISABLE && mode !== SS.ONSTACK) return fail("EINVAL");
  if (mode === SS.DISABLE) signals.alternateStack = { sp: 0, size: 0, flags: SS.DISABLE };
  else if (wanted.size < MIN_STACK) return fail("ENOMEM");
  else signals.alternateStack = wanted;
  return 0;
}

export const signalCalls = [
  row(13, "rt_sigaction", "signal pointer pointer size", sigaction),
  row(14, "rt_sigprocmask", "int pointer pointer size", sigprocmask),
  row(15, "rt_sigreturn", "", sigreturn),
  row(62, "kill", "int signal", kill),
  row(127, "rt_sigpending", "pointer size", ({ process }, address) => {
    process.memory.setU64(address, process.signals.pendingMask & process.signals.blocked);
    return 0;
  }),
  row(128, "rt_sigtimedwait", "pointer pointer pointer size", sigtimedwait),
  row(129, "rt_sigqueueinfo", "int signal pointer", sigqueueinfo),
  row(130, "rt_sigsuspend", "pointer size", sigsuspend),
  row(131, "sigaltstack", "pointer pointer", sigaltstack),
  row(200, "tkill", "int signal", (c, pid, signo) => tgkill(c, pid, pid, signo)),
  row(234, "tgkill", "int int signal", tgkill),
];
