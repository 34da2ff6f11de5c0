/** Signals take effect here, on the way back to the program: default actions, or the entry into a handler. signal(7), kernel/signal.c */
import { describeCrash } from "./crash.ts";
import { ERRNO, SystemCallError } from "./errno.ts";
import type { Kernel } from "./kernel.ts";
import type { Process } from "./process.ts";
import { pushSignalFrame } from "./signal-frame.ts";
import { bitOf, defaultAction, SA, SI, SIG, SIG_DFL, SIG_IGN, type SignalAction, type SignalInfo } from "./signals.ts";

const SYSCALL_BYTES = 2n;

/** Delivers everything that may be delivered to the current process. It may have ended or stopped afterwards. */
export function deliverSignals(kernel: Kernel, process: Process): void {
  while (process.isAlive && process.stopped === 0 && process.signals.hasDeliverable) {
    const info = process.signals.take();
    if (info === undefined) return;
    const action = process.signals.action(info.signo);
    if (action.handler === SIG_IGN) continue;
    if (action.handler === SIG_DFL) takeDefaultAction(kernel, process, info);
    else enterHandler(kernel, process, action, info);
  }
}

/** A signal the process cannot escape from: caused by its own instruction. */
export function forceSignal(kernel: Kernel, process: Process, info: SignalInfo): void {
  const { signals } = process;
  if (signals.isBlocked(info.signo) || signals.action(info.signo).handler === SIG_IGN) {
    signals.setAction(info.signo, { handler: SIG_DFL, flags: 0, restorer: 0, mask: 0n });
    signals.blocked &= ~bitOf(info.signo);
  }
  kernel.send(process, info);
}

function takeDefaultAction(kernel: Kernel, process: Process, info: SignalInfo): void {
  switch (defaultAction(info.signo)) {
    case "stop":
      kernel.stop(process, info.signo);
      return;
    case "core":
      kernel.observer.crash?.(describeCrash(process, kernel.cpu, info));
      kernel.end(process, { signal: info.signo });
      return;
    case "terminate":
      kernel.end(process, { signal: info.signo });
      return;
  }
}

function enterHandler(kernel: Kernel, process: Process, action: SignalAction, info: SignalInfo): void {
  const { signals, memory } = process;
  const { cpu } = kernel;
  kernel.statistics.signals++;
  interruptCall(kernel, process, action);
  try {
    pushSignalFrame({ cpu, memory, signals, faultAddress: process.faultAddress }, action, info);
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
    const fault: SignalInfo = { signo: SIG.SEGV, code: SI.KERNEL, address: 0n };
    kernel.observer.crash?.(describeCrash(process, cpu, fault));
    kernel.end(process, { signal: SIG.SEGV });
    return;
  }
  signals.savedMask = undefined;
  signals.blocked |= action.mask | ((action.flags & SA.NODEFER) !== 0 ? 0n : bitOf(info.signo));
  if ((action.flags & SA.RESETHAND) !== 0) signals.setAction(info.signo, { handler: SIG_DFL, flags: 0, restorer: 0, mask: 0n });
}

/** The call the process waits in ends with EINTR, or starts again after the handler (SA_RESTART). */
function interruptCall(kernel: Kernel, process: Process, action: SignalAction): void {
  const { pending } = process;
  if (pending === undefined) return;
  process.pending = undefined;
  pending.wait.onInterrupt?.();
  if (pending.wait.interruptible !== true && (action.flags & SA.RESTART) !== 0) {
    kernel.cpu.set("rip", kernel.cpu.get("rip") - SYSCALL_BYTES);
    kernel.cpu.set("rax", BigInt(pending.call.number));
  } else kernel.cpu.set("rax", BigInt.asUintN(64, BigInt(-ERRNO.EINTR)));
}
