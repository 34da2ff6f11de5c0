/**
 * VM exits that the VMM has no opinion on: its policy lets the core answer them, as if their control were not set. Asked where an exit has
 * been decided; the instruction then runs as it would without a VM, and only the count tells. Only VMCSs whose host is the gate have it.
 *
 *     policy     0 what is answered, FAST_… · 4 CPUID rows · 8 port rows · 16 bits of CR0, and 24 of CR4, that may be written through
 *     CPUID row  leaf · subleaf or ANY · register: 0 EAX 1 EBX 2 ECX 3 EDX, 4: not answered · bits that are cleared · bits that are set
 *     port row   first port · last port, 16 bits each · accesses, 64 bits at 8
 */
import { Op } from "../decode/op";
import { State } from "../generated/state";
import * as V from "../generated/vmx";
import { FAST_MSRS, FAST_PATH } from "../memory-map";
import { countFast } from "./exit-counts";
import { isGated } from "./gate";
import { field, setField } from "./vmcs";

/** FAST in src/core/fast-path.ts */
const FAST_CPUID: u32 = 1;
const FAST_INVD: u32 = 2;
const FAST_XSETBV: u32 = 4;
const FAST_CR: u32 = 8;

const CPUID_ROWS: usize = 4;
const PORT_ROWS: usize = 8;
const CR0_BITS: usize = 16;
const CR4_BITS: usize = 24;
const CPUID_TABLE: usize = 32;
const CPUID_ROW: usize = 20;
const PORT_TABLE: usize = 0x600;
const PORT_ROW: usize = 16;

const ANY: u32 = 0xffffffff;
const NOT_ANSWERED: u32 = 4;
const HIGH_MSRS: u32 = 0xc0000000;
const MSRS: u32 = 0x2000;

function isEnabled(s: State, what: u32): bool {
  return (load<u32>(FAST_PATH) & what) != 0 && isGated(s);
}

function answer(s: State, op: Op, reason: u32, qualification: u64): bool {
  countFast(s, reason, qualification, s.blockRip + <u64>op.off);
  return true;
}

/** Of the exits that have no qualification. */
export function answersPlain(s: State, op: Op, reason: u32): bool {
  let answers = false;
  if (reason == V.EXIT_REASON_CPUID) answers = isEnabled(s, FAST_CPUID) && !isTrapped(<u32>s.rax, <u32>s.rcx);
  else if (reason == V.EXIT_REASON_RDMSR) answers = isGated(s) && passesMsr(<u32>s.rcx, 0);
  else if (reason == V.EXIT_REASON_WRMSR) answers = isGated(s) && passesMsr(<u32>s.rcx, 1);
  else if (reason == V.EXIT_REASON_INVD) answers = isEnabled(s, FAST_INVD);
  else if (reason == V.EXIT_REASON_XSETBV) answers = isEnabled(s, FAST_XSETBV);
  return answers && answer(s, op, reason, 0);
}

function isTrapped(leaf: u32, subleaf: u32): bool {
  const rows = load<u32>(FAST_PATH, CPUID_ROWS);
  for (let n: u32 = 0; n < rows; n++) {
    const row = FAST_PATH + CPUID_TABLE + <usize>n * CPUID_ROW;
    if (load<u32>(row, 8) == NOT_ANSWERED && isAbout(row, leaf, subleaf)) return true;
  }
  return false;
}

function isAbout(row: usize, leaf: u32, subleaf: u32): bool {
  return load<u32>(row) == leaf && (load<u32>(row, 4) == subleaf || load<u32>(row, 4) == ANY);
}

/** What CPUID has answered in a guest, as the policy wants the guest to see it. */
export function maskCpuid(s: State, leaf: u32, subleaf: u32): void {
  const rows = load<u32>(FAST_PATH, CPUID_ROWS);
  for (let n: u32 = 0; n < rows; n++) {
    const row = FAST_PATH + CPUID_TABLE + <usize>n * CPUID_ROW;
    if (!isAbout(row, leaf, subleaf)) continue;
    const register = load<u32>(row, 8);
    const clear = ~(<u64>load<u32>(row, 12));
    const set = <u64>load<u32>(row, 16);
    if (register == 0) s.rax = (s.rax & clear) | set;
    else if (register == 1) s.rbx = (s.rbx & clear) | set;
    else if (register == 2) s.rcx = (s.rcx & clear) | set;
    else if (register == 3) s.rdx = (s.rdx & clear) | set;
  }
}

/** Bits in the order of an MSR bitmap: reads of low MSRs, of high ones, writes. SDM Vol. 3 "MSR-Bitmap Address" */
function passesMsr(number: u32, write: u32): bool {
  const high = number >= HIGH_MSRS;
  const n = high ? number - HIGH_MSRS : number;
  if (n >= MSRS) return false;
  return ((load<u8>(FAST_MSRS + <usize>(write * 2048 + <u32>high * 1024 + (n >> 3))) >> (n & 7)) & 1) != 0;
}

/** An access to ports is answered if one row has all of them. */
export function answersPort(s: State, op: Op, port: u32, size: u32, qualification: u64): bool {
  const rows = load<u32>(FAST_PATH, PORT_ROWS);
  for (let n: u32 = 0; n < rows; n++) {
    const row = FAST_PATH + PORT_TABLE + <usize>n * PORT_ROW;
    if (port < <u32>load<u16>(row) || port + size - 1 > <u32>load<u16>(row, 2) || !isGated(s)) continue;
    store<u64>(row, load<u64>(row, 8) + 1, 8);
    return answer(s, op, V.EXIT_REASON_IO_INSTRUCTION, qualification);
  }
  return false;
}

/** A write of `v` to CR0 or CR4 is answered if it changes no bits but those that the policy writes through; CR3 and CR8 always. */
export function answersCr(s: State, op: Op, cr: u32, v: u64, qualification: u64): bool {
  if (!isEnabled(s, FAST_CR)) return false;
  if (cr == 0 && (hostOwned(v, field(s, V.CR0_READ_SHADOW), field(s, V.CR0_GUEST_HOST_MASK)) & ~load<u64>(FAST_PATH, CR0_BITS)) != 0)
    return false;
  if (cr == 4 && (hostOwned(v, field(s, V.CR4_READ_SHADOW), field(s, V.CR4_GUEST_HOST_MASK)) & ~load<u64>(FAST_PATH, CR4_BITS)) != 0)
    return false;
  return answer(s, op, V.EXIT_REASON_CR_ACCESS, qualification);
}

function hostOwned(v: u64, shadow: u64, mask: u64): u64 {
  return (v ^ shadow) & mask;
}

/**
 * The guest has written `v` to CR0 or CR4 without a VM exit: what it reads of the bits that the host owns is what it has written. They differ
 * from the read shadow only where the policy has let the write through; the register keeps the host's.
 */
export function writeThrough(s: State, cr: u32, v: u64): void {
  const shadow = cr == 0 ? V.CR0_READ_SHADOW : V.CR4_READ_SHADOW;
  const mask = field(s, cr == 0 ? V.CR0_GUEST_HOST_MASK : V.CR4_GUEST_HOST_MASK);
  setField(s, shadow, (field(s, shadow) & ~mask) | (v & mask));
}
