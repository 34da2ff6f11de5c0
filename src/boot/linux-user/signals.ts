/**
 * Signals of one process: what it has set up (sigaction), what is blocked, what is pending. signal(7). Masks are 64-bit numbers in which
 * bit n-1 stands for signal n, as in the kernel's interface.
 */
export const SIGNAL_NAMES = [
  "SIG0",
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGILL",
  "SIGTRAP",
  "SIGABRT",
  "SIGBUS",
  "SIGFPE",
  "SIGKILL",
  "SIGUSR1",
  "SIGSEGV",
  "SIGUSR2",
  "SIGPIPE",
  "SIGALRM",
  "SIGTERM",
  "SIGSTKFLT",
  "SIGCHLD",
  "SIGCONT",
  "SIGSTOP",
  "SIGTSTP",
  "SIGTTIN",
  "SIGTTOU",
  "SIGURG",
  "SIGXCPU",
  "SIGXFSZ",
  "SIGVTALRM",
  "SIGPROF",
  "SIGWINCH",
  "SIGIO",
  "SIGPWR",
  "SIGSYS",
] as const;

export const SIG = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  SEGV: 11,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  VTALRM: 26,
  PROF: 27,
  WINCH: 28,
} as const;

export const SIGNAL_COUNT = 64;
export const SIG_DFL = 0;
export const SIG_IGN = 1;

export const SA = {
  NOCLDSTOP: 1,
  NOCLDWAIT: 2,
  SIGINFO: 4,
  RESTORER: 0x0400_0000,
  ONSTACK: 0x0800_0000,
  RESTART: 0x1000_0000,
  NODEFER: 0x4000_0000,
  RESETHAND: 0x8000_0000,
} as const;

/** si_code, asm-generic/siginfo.h */
export const SI = { USER: 0, KERNEL: 0x80, TKILL: -6, CLD_EXITED: 1, CLD_KILLED: 2, CLD_STOPPED: 5, CLD_CONTINUED: 6 } as const;

export interface SignalAction {
  readonly handler: number;
  readonly flags: number;
  readonly restorer: number;
  readonly mask: bigint;
}

/** siginfo_t, and what the exception that caused it leaves in the signal frame. */
export interface SignalInfo {
  readonly signo: number;
  readonly code: number;
  readonly pid?: number;
  readonly uid?: number;
  readonly status?: number;
  readonly value?: bigint;
  /** si_addr; its presence marks a signal made by an exception */
  readonly address?: bigint;
  readonly trap?: number;
  readonly errorCode?: number;
}

export interface AlternateStack {
  readonly sp: number;
  readonly size: number;
  readonly flags: number;
}

export type DefaultAction = "terminate" | "core" | "ignore" | "stop" | "continue";

const CORE: ReadonlySet<number> = new Set([3, 4, 5, 6, 7, 8, 11, 24, 25, 31]);
const IGNORED: ReadonlySet<number> = new Set([SIG.CHLD, SIG.URG, SIG.WINCH]);
const STOPPING: ReadonlySet<number> = new Set([SIG.STOP, SIG.TSTP, SIG.TTIN, SIG.TTOU]);
const UNBLOCKABLE = bitOf(SIG.KILL) | bitOf(SIG.STOP);
const DEFAULT: SignalAction = { handler: SIG_DFL, flags: 0, restorer: 0, mask: 0n };
const NO_STACK: AlternateStack = { sp: 0, size: 0, flags: 2 };

export function bitOf(signo: number): bigint {
  return 1n << BigInt(signo - 1);
}

export function signalName(signo: number): string {
  return SIGNAL_NAMES[signo] ?? `SIGRT_${signo - 32}`;
}

export function defaultAction(signo: number): DefaultAction {
  if (CORE.has(signo)) return "core";
  if (IGNORED.has(signo)) return "ignore";
  if (STOPPING.has(signo)) return "stop";
  return signo === SIG.CONT ? "continue" : "terminate";
}

export class Signals {
  alternateStack = NO_STACK;
  /** the mask to put back once a signal was taken, after sigsuspend and its relatives */
  savedMask: bigint | undefined;
  #actions: SignalAction[] = [];
  #blocked = 0n;
  #pending: SignalInfo[] = [];

  get blocked(): bigint {
    return this.#blocked;
  }
  set blocked(mask: bigint) {
    this.#blocked = mask & ~UNBLOCKABLE;
  }

  get pendingMask(): bigint {
    return this.#pending.reduce((mask, info) => mask | bitOf(info.signo), 0n);
  }

  action(signo: number): SignalAction {
    return this.#actions[signo] ?? DEFAULT;
  }

  setAction(signo: number, action: SignalAction): void {
    this.#actions[signo] = action;
    if (this.ignores(signo)) this.discard(signo);
  }

  ignores(signo: number): boolean {
    const { handler } = this.action(signo);
    return handler === SIG_IGN || (handler === SIG_DFL && defaultAction(signo) === "ignore");
  }

  isBlocked(signo: number): boolean {
    return (this.#blocked & bitOf(signo)) !== 0n;
  }

  /** Makes a signal pending; ordinary signals do not queue. */
  raise(info: SignalInfo): void {
    const { signo } = info;
    if (this.ignores(signo) && !this.isBlocked(signo) && signo !== SIG.CONT) return;
    if (signo < 32 && this.#pending.some((p) => p.signo === signo)) return;
    this.#pending.push(info);
  }

  discard(signo: number): void {
    this.#pending = this.#pending.filter((p) => p.signo !== signo);
  }

  get hasDeliverable(): boolean {
    return this.#pending.length > 0 && this.#pending.some((p) => !this.isBlocked(p.signo));
  }

  /** Takes the next signal out of `mask` (default: those not blocked): exceptions first, then the lowest number. */
  take(mask = ~this.#blocked): SignalInfo | undefined {
    let best: SignalInfo | undefined;
    for (const p of this.#pending) if ((mask & bitOf(p.signo)) !== 0n && (best === undefined || rank(p) < rank(best))) best = p;
    if (best !== undefined) this.#pending.splice(this.#pending.indexOf(best), 1);
    return best;
  }

  /** for fork: actions, mask and stack are inherited, pending signals are not */
  fork(): Signals {
    const child = new Signals();
    child.#actions = [...this.#actions];
    child.#blocked = this.#blocked;
    child.alternateStack = this.alternateStack;
    return child;
  }

  /** for execve: handlers become defaults, ignored ones stay ignored */
  exec(): void {
    this.#actions = this.#actions.map((a) => (a?.handler === SIG_IGN ? { ...DEFAULT, handler: SIG_IGN } : DEFAULT));
    this.alternateStack = NO_STACK;
  }
}

function rank(info: SignalInfo): number {
  return info.address === undefined ? info.signo : info.signo - SIGNAL_COUNT;
}
