/** From SYSCALL to a handler and back: arguments out of the registers, the result into RAX, a trace line for whoever listens. */
import { SYSTEM_CALLS } from "./calls/all.ts";
import { PARAMETER, type Result, type SystemCall } from "./calls/row.ts";
import { ERRNO, SystemCallError } from "./errno.ts";
import { killForMemory } from "./exceptions.ts";
import { OutOfMemoryError } from "./frames.ts";
import type { Kernel } from "./kernel.ts";
import type { Process, Wait } from "./process.ts";
import { callText, resultText } from "./trace.ts";

/** registers of the arguments, psABI "Linux Conventions" */
const ARGUMENTS = ["rdi", "rsi", "rdx", "r10", "r8", "r9"] as const;

/** The current process has executed SYSCALL. */
export function systemCall(kernel: Kernel, process: Process): void {
  const { cpu } = kernel;
  const number = Number(cpu.get("rax") & 0xffff_ffffn);
  const call = SYSTEM_CALLS.get(number);
  if (call === undefined) {
    kernel.statistics.countUnknown(number);
    cpu.set("rax", BigInt.asUintN(64, BigInt(-ERRNO.ENOSYS)));
    kernel.observer.systemCall?.(process, `syscall_${number}`, "…", "-1 ENOSYS");
    return;
  }
  kernel.statistics.countCall(call.name);
  const args = call.parameters.map((parameter, i) => decode(PARAMETER[parameter], cpu.get(ARGUMENTS[i])));
  finish(kernel, process, call, args, undefined);
}

/** Another attempt at the call a process waits in; true if it is done. The process need not be the current one. */
export function retryCall(kernel: Kernel, process: Process): boolean {
  const { pending } = process;
  if (pending === undefined) return true;
  finish(kernel, process, pending.call, pending.args, pending.wait);
  return process.pending === undefined;
}

function finish(kernel: Kernel, process: Process, call: SystemCall, args: readonly number[], waited: Wait | undefined): void {
  const text = kernel.observer.systemCall === undefined ? "" : callText(call, args, process.memory);
  const result = attempt(kernel, process, call, args, waited);
  if (typeof result === "object") {
    process.pending = { call, args, wait: result };
    return;
  }
  process.pending = undefined;
  if (process.signals.savedMask !== undefined && process.isAlive) {
    process.signals.blocked = process.signals.savedMask;
    process.signals.savedMask = undefined;
  }
  kernel.observer.systemCall?.(process, call.name, text, resultText(call, result));
  if (result === undefined) return;
  if (kernel.current !== process) kernel.makeCurrent(process);
  kernel.cpu.set("rax", BigInt.asUintN(64, BigInt(result)));
}

function attempt(kernel: Kernel, process: Process, call: SystemCall, args: readonly number[], waited: Wait | undefined): Result {
  try {
    const values = args.map((value, i) => (call.parameters[i] === "path" ? process.memory.path(value) : value));
    const context = waited === undefined ? { kernel, process } : { kernel, process, waited };
    return call.handler(context, ...(values as never[]));
  } catch (error) {
    if (error instanceof SystemCallError) return -error.errno;
    if (!(error instanceof OutOfMemoryError)) throw error;
    killForMemory(kernel, process);
    return undefined;
  }
}

function decode(how: (typeof PARAMETER)[keyof typeof PARAMETER], register: bigint): number {
  if (how === "signed 32") return Number(BigInt.asIntN(32, register));
  if (how === "unsigned 32") return Number(BigInt.asUintN(32, register));
  return Number(how === "signed 64" ? BigInt.asIntN(64, register) : register);
}
