/**
 * The frame of a signal handler on the user stack, as arch/x86/kernel/signal_64.c lays it out (struct rt_sigframe), and the way back from it.
 *
 *     from the stack pointer up                      offsets in ucontext
 *    ┌──────────────────────────────┐  +0           0    flags, link
 *    │ return address: SA_RESTORER  │               16   alternate stack: sp, flags, size
 *    ├──────────────────────────────┤  +8           40   r8 … r15, rdi rsi rbp rbx rdx rax rcx rsp rip
 *    │ ucontext, 304 bytes          │               176  eflags, cs gs fs ss, err, trapno, oldmask, cr2
 *    ├──────────────────────────────┤  +312         224  pointer to the FXSAVE image
 *    │ siginfo, 128 bytes           │               296  signal mask
 *    ├──────────────────────────────┤  +440
 *    │ FXSAVE image, 64-byte aligned│
 *    └──────────────────────────────┘
 */
import type { Vcpu } from "../../core/core.ts";
import { FXSAVE_SIZE, resetFloatingPoint, restoreFloatingPoint, saveFloatingPoint, USER_CS, USER_SS } from "./context.ts";
import { SA, SIG, type SignalAction, type SignalInfo, type Signals } from "./signals.ts";
import type { UserMemory } from "./user-memory.ts";

const UCONTEXT = 8;
const SIGINFO = 312;
const FRAME_SIZE = 440;
const UC_REGISTERS = 40;
const UC_FLAGS = 176;
const UC_FPSTATE = 224;
const UC_MASK = 296;
const REGISTERS = ["r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rdi", "rsi", "rbp", "rbx", "rdx", "rax", "rcx", "rsp", "rip"];
/** UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS */
const UC_CONTENTS = 6;
const RED_ZONE = 128;
const SS_ONSTACK = 1;
const SS_DISABLE = 2;
/** TF, DF, RF are off in a handler */
const CLEARED_FLAGS = 0x1_0500;
/** what sigreturn may change: AC OF DF TF SF ZF AF PF CF RF */
const RESTORED_FLAGS = 0x5_0dd5;

export function isOnStack(signals: Signals, sp: number): boolean {
  const { sp: base, size } = signals.alternateStack;
  return size > 0 && sp > base && sp <= base + size;
}

/** The process a handler is entered in. */
export interface SignalContext {
  readonly cpu: Vcpu;
  readonly memory: UserMemory;
  readonly signals: Signals;
  readonly faultAddress: bigint;
}

/** Enters a handler. Throws if the stack cannot be written; nothing has changed then. */
export function pushSignalFrame(context: SignalContext, action: SignalAction, info: SignalInfo): void {
  const { cpu, memory, signals } = context;
  const { alternateStack } = signals;
  let sp = Number(cpu.get("rsp")) - RED_ZONE;
  const onStack = isOnStack(signals, Number(cpu.get("rsp")));
  if ((action.flags & SA.ONSTACK) !== 0 && alternateStack.size > 0 && !onStack) sp = alternateStack.sp + alternateStack.size;
  const fpstate = alignDown(sp - FXSAVE_SIZE, 64);
  const frame = alignDown(fpstate - FRAME_SIZE, 16) - 8;
  memory.write(fpstate, saveFloatingPoint(cpu));
  memory.write(frame, frameBytes(context, action, info, fpstate, onStack));

  resetFloatingPoint(cpu);
  cpu.rflags = cpu.rflags & ~CLEARED_FLAGS;
  cpu.set("rax", 0n);
  cpu.set("rdi", BigInt(info.signo));
  cpu.set("rsi", BigInt(frame + SIGINFO));
  cpu.set("rdx", BigInt(frame + UCONTEXT));
  cpu.set("rsp", BigInt(frame));
  cpu.set("rip", BigInt(action.handler));
}

function frameBytes(
  { cpu, signals, faultAddress }: SignalContext,
  action: SignalAction,
  info: SignalInfo,
  fpstate: number,
  onStack: boolean,
): Uint8Array {
  const bytes = new Uint8Array(FRAME_SIZE);
  const view = new DataView(bytes.buffer);
  const set64 = (at: number, value: bigint | number) => view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true);
  set64(0, action.restorer);
  set64(UCONTEXT, UC_CONTENTS);
  set64(UCONTEXT + 16, signals.alternateStack.sp);
  view.setUint32(UCONTEXT + 24, signals.alternateStack.size === 0 ? SS_DISABLE : onStack ? SS_ONSTACK : 0, true);
  set64(UCONTEXT + 32, signals.alternateStack.size);
  for (const [i, name] of REGISTERS.entries()) set64(UCONTEXT + UC_REGISTERS + i * 8, cpu.get(name));
  const mask = signals.savedMask ?? signals.blocked;
  set64(UCONTEXT + UC_FLAGS, cpu.rflags);
  view.setUint16(UCONTEXT + UC_FLAGS + 8, USER_CS, true);
  view.setUint16(UCONTEXT + UC_FLAGS + 14, USER_SS, true);
  set64(UCONTEXT + UC_FLAGS + 16, info.errorCode ?? 0);
  set64(UCONTEXT + UC_FLAGS + 24, info.trap ?? 0);
  set64(UCONTEXT + UC_FLAGS + 32, mask);
  set64(UCONTEXT + UC_FLAGS + 40, faultAddress);
  set64(UCONTEXT + UC_FPSTATE, fpstate);
  set64(UCONTEXT + UC_MASK, mask);
  bytes.set(siginfoBytes(info), SIGINFO);
  return bytes;
}

/** siginfo_t, asm-generic/siginfo.h */
export function siginfoBytes(info: SignalInfo): Uint8Array {
  const bytes = new Uint8Array(128);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, info.signo, true);
  view.setInt32(8, info.code, true);
  if (info.address !== undefined) view.setBigUint64(16, info.address, true);
  else {
    view.setInt32(16, info.pid ?? 0, true);
    view.setUint32(20, info.uid ?? 0, true);
    if (info.signo === SIG.CHLD) view.setInt32(24, info.status ?? 0, true);
    else view.setBigUint64(24, BigInt.asUintN(64, info.value ?? 0n), true);
  }
  return bytes;
}

/** rt_sigreturn: RSP is behind the return address. */
export function popSignalFrame(cpu: Vcpu, memory: UserMemory, signals: Signals): void {
  const context = Number(cpu.get("rsp")) - 8 + UCONTEXT;
  const bytes = memory.read(context, 304);
  const view = new DataView(bytes.buffer);
  const fpstate = Number(view.getBigUint64(UC_FPSTATE, true));
  const image = fpstate === 0 ? undefined : memory.read(fpstate, FXSAVE_SIZE);
  REGISTERS.forEach((name, i) => {
    cpu.set(name, view.getBigUint64(UC_REGISTERS + i * 8, true));
  });
  cpu.rflags = (cpu.rflags & ~RESTORED_FLAGS) | (view.getUint32(UC_FLAGS, true) & RESTORED_FLAGS);
  if (image === undefined) resetFloatingPoint(cpu);
  else restoreFloatingPoint(cpu, image);
  signals.blocked = view.getBigUint64(UC_MASK, true);
  const size = Number(view.getBigUint64(32, true));
  const flags = view.getUint32(24, true);
  signals.alternateStack = { sp: Number(view.getBigUint64(16, true)), size: (flags & SS_DISABLE) !== 0 ? 0 : size, flags };
}

function alignDown(value: number, to: number): number {
  return value - (value % to);
}
