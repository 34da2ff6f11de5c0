/**
 * Breakpoints by debug registers. SDM Vol. 3 "Debug Registers". While DR7 enables any, KEY_DEBUG makes every block one instruction with a
 * STEP record behind it, and pages with data breakpoints get no TLB entry: what they cost, they cost only then. Data and I/O breakpoints
 * are noted in `pendingDb` during the instruction, which STEP turns into the trap behind it.
 *
 *     DR7: 2n, 2n+1 enable breakpoint n · 13 general detect · 16+4n, 17+4n type: 0 execute 1 write 2 I/O 3 read or write · 18+4n, 19+4n length: 1 2 8 4
 */
import { CR4_DE } from "./generated/constants";
import { State } from "./generated/state";

const ENABLED: u64 = 0xff;
const EXECUTE: u32 = 1 << 0;
const WRITE: u32 = 1 << 1;
const IO: u32 = 1 << 2;
const READ_WRITE: u32 = 1 << 3;
/** lengths by their codes, a byte each */
const LENGTHS: u32 = 0x04080201;

export function anyBreakpoint(s: State): bool {
  return (s.dr7 & ENABLED) != 0;
}

/** Bits for DR6 of the instruction breakpoints at a linear address. */
export function codeBreakpoints(s: State, at: u64): u32 {
  return matches(s, EXECUTE, at, 1);
}

/** Whether a page has data breakpoints. */
export function isWatched(s: State, page: u64): bool {
  return anyBreakpoint(s) && matches(s, WRITE | READ_WRITE, page, 4096) != 0;
}

/** Notes the data breakpoints that an access strikes. */
export function watch(s: State, at: u64, size: u32, write: bool): void {
  if (anyBreakpoint(s)) s.pendingDb |= matches(s, write ? WRITE | READ_WRITE : READ_WRITE, at, <u64>size);
}

/** Notes the I/O breakpoints that an access to `size` ports from `port` on strikes. */
export function watchPort(s: State, port: u32, size: u32): void {
  if (anyBreakpoint(s) && (s.cr4 & CR4_DE) != 0) s.pendingDb |= matches(s, IO, <u64>port, <u64>size);
}

/** Bits for DR6 of the enabled breakpoints of some types whose bytes overlap those given. */
function matches(s: State, types: u32, at: u64, size: u64): u32 {
  let found: u32 = 0;
  for (let n: u32 = 0; n < 4; n++) {
    if ((<u32>(s.dr7 >> (n * 2)) & 3) == 0) continue;
    const control = <u32>(s.dr7 >> (16 + n * 4)) & 15;
    if (((types >> (control & 3)) & 1) == 0) continue;
    const length = <u64>(LENGTHS >> ((control >> 2) * 8)) & 15;
    const first = load<u64>(changetype<usize>(s) + ((<usize>n) << 3), offsetof<State>("dr0")) & ~(length - 1);
    if (at - first < length || first - at < size) found |= 1 << n;
  }
  return found;
}
