/**
 * Exceptions of a program: page faults that bring in a page, and everything else as the signal Linux makes of it, with the same si_code
 * and si_addr. arch/x86/kernel/traps.c, arch/x86/mm/fault.c
 */
import { PF, VECTOR } from "../../spec/events.ts";
import type { AccessKind, Refusal } from "./address-space.ts";
import { forceSignal } from "./delivery.ts";
import { OutOfMemoryError } from "./frames.ts";
import type { Kernel } from "./kernel.ts";
import type { Process } from "./process.ts";
import { SI, SIG, type SignalInfo } from "./signals.ts";

const SEGV_CODE: Readonly<Record<Refusal, number>> = { "not mapped": 1, "not permitted": 2, "behind the end of the file": 2 };
const BUS_ADRALN = 1;
const BUS_ADRERR = 2;
const ILL_ILLOPN = 2;
const TRAP_TRACE = 2;
const FPE = { INTDIV: 1, FLTDIV: 3, FLTOVF: 4, FLTUND: 5, FLTRES: 6, FLTINV: 7 } as const;
const USER_END = 2n ** 47n;
/** TF */
const TRAP_FLAG = 0x100;

export function handleException(kernel: Kernel, process: Process): void {
  const { cpu } = kernel;
  const vector = cpu.getNumber("vector");
  const errorCode = cpu.getNumber("errorCode");
  const signal = vector === VECTOR.PF ? pageFault(kernel, process, cpu.get("cr2"), errorCode) : signalOf(kernel, vector, errorCode);
  if (signal === undefined) return;
  if (vector === VECTOR.PF) process.faultAddress = cpu.get("cr2");
  kernel.statistics.exceptions++;
  kernel.observer.exception?.(process, vector, errorCode, signal);
  forceSignal(kernel, process, signal);
}

function pageFault(kernel: Kernel, process: Process, address: bigint, errorCode: number): SignalInfo | undefined {
  const kind: AccessKind = (errorCode & PF.I) !== 0 ? "execute" : (errorCode & PF.W) !== 0 ? "write" : "read";
  const fault = { trap: VECTOR.PF, errorCode, address };
  // Linux reports kernel addresses as present, whatever they are
  if (address >= USER_END) return { signo: SIG.SEGV, code: SEGV_CODE["not mapped"], ...fault, errorCode: errorCode | PF.P };
  const refusal = bringIn(kernel, process, Number(address), kind);
  if (refusal === undefined) return undefined;
  if (refusal === "behind the end of the file") return { signo: SIG.BUS, code: BUS_ADRERR, ...fault };
  return { signo: SIG.SEGV, code: SEGV_CODE[refusal], ...fault };
}

/** As AddressSpace.fault; when RAM is used up the process is killed, as Linux' OOM killer does. */
function bringIn(kernel: Kernel, process: Process, address: number, kind: AccessKind): Refusal | undefined {
  try {
    return process.memory.space.fault(address, kind);
  } catch (error) {
    if (!(error instanceof OutOfMemoryError)) throw error;
    killForMemory(kernel, process);
    return undefined;
  }
}

export function killForMemory(kernel: Kernel, process: Process): void {
  const mib = Math.round(kernel.core.ramBytes / 2 ** 20);
  kernel.observer.notice?.(
    `${process.executable} (process ${process.pid}) was killed: ${mib} MiB of guest memory are full; give it more with -m`,
  );
  kernel.end(process, { signal: SIG.KILL });
}

function signalOf(kernel: Kernel, vector: number, errorCode: number): SignalInfo {
  const { cpu } = kernel;
  const rip = cpu.get("rip");
  const trap = { trap: vector, errorCode };
  switch (vector) {
    case VECTOR.DE:
      return { signo: SIG.FPE, code: FPE.INTDIV, address: rip, ...trap };
    case VECTOR.DB:
      cpu.rflags &= ~TRAP_FLAG;
      return { signo: SIG.TRAP, code: TRAP_TRACE, address: rip, ...trap };
    case VECTOR.BP:
      return { signo: SIG.TRAP, code: SI.KERNEL, address: 0n, ...trap };
    case VECTOR.UD:
      return { signo: SIG.ILL, code: ILL_ILLOPN, address: rip, ...trap };
    case VECTOR.NP:
    case VECTOR.SS:
      return { signo: SIG.BUS, code: SI.KERNEL, address: 0n, ...trap };
    case VECTOR.AC:
      return { signo: SIG.BUS, code: BUS_ADRALN, address: 0n, ...trap };
    case VECTOR.MF:
      return { signo: SIG.FPE, code: floatingPointCode(cpu.getNumber("fsw"), cpu.getNumber("fcw")), address: rip, ...trap };
    case VECTOR.XM:
      return { signo: SIG.FPE, code: floatingPointCode(cpu.getNumber("mxcsr"), cpu.getNumber("mxcsr") >> 7), address: rip, ...trap };
    case VECTOR.OF:
    case VECTOR.BR:
    case VECTOR.GP:
      return { signo: SIG.SEGV, code: SI.KERNEL, address: 0n, ...trap };
    default:
      // INT n from user mode: a gate of privilege level 0, hence #GP with the gate as error code
      return { signo: SIG.SEGV, code: SI.KERNEL, address: 0n, trap: VECTOR.GP, errorCode: vector * 8 + 2 };
  }
}

/** The unmasked exception, in the order of fpu__exception_code. */
function floatingPointCode(status: number, mask: number): number {
  const raised = status & ~mask;
  if ((raised & 1) !== 0) return FPE.FLTINV;
  if ((raised & 4) !== 0) return FPE.FLTDIV;
  if ((raised & 8) !== 0) return FPE.FLTOVF;
  if ((raised & 18) !== 0) return FPE.FLTUND;
  return (raised & 32) !== 0 ? FPE.FLTRES : 0;
}
