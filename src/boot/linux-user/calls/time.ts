/** Time: clocks, sleeping, timers. clock_gettime(2), nanosleep(2), setitimer(2). The clock itself is in clock.ts. */
import { fail } from "../errno.ts";
import { TICK } from "../proc-tree.ts";
import type { Process } from "../process.ts";
import type { UserMemory } from "../user-memory.ts";
import { type CallContext, type Result, refused, row } from "./row.ts";
import { writeUsage } from "./usage.ts";

const CLOCK = { REALTIME: 0, PROCESS_CPUTIME: 2, THREAD_CPUTIME: 3, REALTIME_COARSE: 5, TAI: 11, LAST: 11 } as const;
const TIMER_ABSTIME = 1;
const ITIMER_REAL = 0;
const RUSAGE_CHILDREN = -1;
const SECOND = 1e9;

/** nanoseconds of struct timespec */
export function timespec(memory: UserMemory, address: number): number {
  const [seconds, nanoseconds] = [memory.i64(address), memory.i64(address + 8)];
  if (seconds < 0 || nanoseconds < 0 || nanoseconds >= SECOND) fail("EINVAL");
  return seconds * SECOND + nanoseconds;
}

/** nanoseconds of struct timeval */
export function timeval(memory: UserMemory, address: number): number {
  const [seconds, microseconds] = [memory.i64(address), memory.i64(address + 8)];
  if (seconds < 0 || microseconds < 0 || microseconds >= 1e6) fail("EINVAL");
  return seconds * SECOND + microseconds * 1e3;
}

export function writeTimespec(memory: UserMemory, address: number, nanoseconds: bigint): void {
  memory.setU64(address, nanoseconds / 1_000_000_000n);
  memory.setU64(address + 8, nanoseconds % 1_000_000_000n);
}

function writeTimeval(memory: UserMemory, address: number, nanoseconds: number): void {
  memory.setU64(address, Math.floor(nanoseconds / SECOND));
  memory.setU64(address + 8, Math.floor((nanoseconds % SECOND) / 1e3));
}

function read({ kernel, process }: CallContext, clock: number): bigint {
  if (clock === CLOCK.REALTIME || clock === CLOCK.REALTIME_COARSE || clock === CLOCK.TAI) return kernel.clock.sinceEpoch();
  if (clock === CLOCK.PROCESS_CPUTIME || clock === CLOCK.THREAD_CPUTIME || clock < 0) return BigInt(process.instructions);
  return clock <= CLOCK.LAST ? BigInt(kernel.clock.now()) : fail("EINVAL");
}

function clockGettime(c: CallContext, clock: number, address: number): Result {
  writeTimespec(c.process.memory, address, read(c, clock));
  return 0;
}

function clockGetres(c: CallContext, clock: number, address: number): Result {
  read(c, clock);
  if (address !== 0) writeTimespec(c.process.memory, address, 1n);
  return 0;
}

/** Sleeps until `deadline`; interrupted, it stores what was left. */
function sleep({ kernel, process }: CallContext, deadline: number, remaining: number): Result {
  if (kernel.clock.now() >= deadline) return 0;
  const onInterrupt = () => {
    if (remaining !== 0) writeTimespec(process.memory, remaining, BigInt(Math.max(0, deadline - kernel.clock.now())));
  };
  return { until: deadline, interruptible: true, onInterrupt };
}

function nanosleep(c: CallContext, request: number, remaining: number): Result {
  return sleep(c, c.waited?.until ?? c.kernel.clock.now() + timespec(c.process.memory, request), remaining);
}

function clockNanosleep(c: CallContext, clock: number, flags: number, request: number, remaining: number): Result {
  if (c.waited?.until !== undefined) return sleep(c, c.waited.until, remaining);
  const time = timespec(c.process.memory, request);
  const now = c.kernel.clock.now();
  if ((flags & TIMER_ABSTIME) === 0) return sleep(c, now + time, remaining);
  return sleep(c, now + Math.max(0, time - Number(read(c, clock))), 0);
}

function gettimeofday({ kernel, process }: CallContext, time: number, zone: number): Result {
  const now = kernel.clock.sinceEpoch();
  if (time !== 0) {
    process.memory.setU64(time, now / 1_000_000_000n);
    process.memory.setU64(time + 8, (now % 1_000_000_000n) / 1000n);
  }
  if (zone !== 0) process.memory.setU64(zone, 0);
  return 0;
}

function time({ kernel, process }: CallContext, address: number): Result {
  const seconds = Number(kernel.clock.sinceEpoch() / 1_000_000_000n);
  if (address !== 0) process.memory.setU64(address, seconds);
  return seconds;
}

/** nanoseconds to the next alarm; 0: none */
function alarmLeft({ kernel, process }: CallContext): number {
  return process.alarm === undefined ? 0 : Math.max(1, process.alarm.deadline - kernel.clock.now());
}

function setAlarm({ kernel, process }: CallContext, delay: number, interval: number): void {
  process.alarm = delay === 0 ? undefined : { deadline: kernel.clock.now() + delay, interval };
}

function alarm(c: CallContext, seconds: number): Result {
  const left = Math.ceil(alarmLeft(c) / SECOND);
  setAlarm(c, seconds * SECOND, 0);
  return left;
}

function writeTimer(c: CallContext, address: number): void {
  writeTimeval(c.process.memory, address, c.process.alarm?.interval ?? 0);
  writeTimeval(c.process.memory, address + 16, alarmLeft(c));
}

function getitimer(c: CallContext, which: number, address: number): Result {
  if (which !== ITIMER_REAL) c.process.memory.write(address, new Uint8Array(32));
  else writeTimer(c, address);
  return 0;
}

/** The timers that count processor time are accepted and never ring. */
function setitimer(c: CallContext, which: number, value: number, old: number): Result {
  if (which < 0 || which > 2) return fail("EINVAL");
  const { memory } = c.process;
  const [interval, delay] = value === 0 ? [0, 0] : [timeval(memory, value), timeval(memory, value + 16)];
  if (old !== 0) getitimer(c, which, old);
  if (which === ITIMER_REAL) setAlarm(c, delay, interval);
  return 0;
}

function getrusage({ process }: CallContext, who: number, address: number): Result {
  writeUsage(process.memory, address, who === RUSAGE_CHILDREN ? process.childInstructions : process.instructions);
  return 0;
}

function ticks(process: Process): readonly number[] {
  return [process.instructions, 0, process.childInstructions, 0].map((n) => Math.floor(n / TICK));
}

function times({ kernel, process }: CallContext, address: number): Result {
  if (address !== 0)
    ticks(process).forEach((count, i) => {
      process.memory.setU64(address + i * 8, count);
    });
  return Math.floor(kernel.clock.now() / TICK);
}

export const timeCalls = [
  row(34, "pause", "", ({ waited }) => (waited === undefined ? { interruptible: true } : waited)),
  row(35, "nanosleep", "pointer pointer", nanosleep),
  row(36, "getitimer", "int pointer", getitimer),
  row(37, "alarm", "uint", alarm),
  row(38, "setitimer", "int pointer pointer", setitimer),
  row(96, "gettimeofday", "pointer pointer", gettimeofday),
  row(98, "getrusage", "int pointer", getrusage),
  row(100, "times", "pointer", times),
  refused(164, "settimeofday", "EPERM"),
  row(201, "time", "pointer", time),
  refused(227, "clock_settime", "EPERM"),
  row(228, "clock_gettime", "int pointer", clockGettime),
  row(229, "clock_getres", "int pointer", clockGetres),
  row(230, "clock_nanosleep", "int int pointer pointer", clockNanosleep),
];
