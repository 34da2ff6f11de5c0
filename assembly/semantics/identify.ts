/** Who and when: SDM Vol. 2 "CPUID", "RDTSC", "RDTSCP", "RDPID", "RDRAND", "RDSEED". */
import { Exec } from "../backend/exec";
import { visibleTimeStamp } from "../clock";
import { highestLeaf, leafAt, MISC_LIMIT_CPUID, MISC_MONITOR, MISC_XD_DISABLE } from "../cpu/cpuid";
import { xsaveSize } from "../cpu/extended-state";
import { Op } from "../decode/op";
import { isEnabled } from "../devices/lapic-interrupts";
import { CR4_OSXSAVE, CR4_PKE, CR4_TSD, RFLAGS_CF, VMX_NON_ROOT } from "../generated/constants";
import { raiseGp } from "../raise";
import { maskCpuid } from "../vmx/fast-path";

const EXTENDED: u32 = 0x80000000;
const EXTENDED_FEATURES: u32 = 0x80000001;
/** the highest leaf when IA32_MISC_ENABLE limits it */
const LIMITED: u32 = 2;
const FEATURES_7: u32 = 7;
const EXTENDED_STATE: u32 = 0xd;
const TOPOLOGY: u32 = 0xb;
const CPUID_MONITOR: u32 = 1 << 3;
const CPUID_NX: u32 = 1 << 20;
const CPUID_APIC: u32 = 1 << 9;
const CPUID_OSPKE: u32 = 1 << 4;
const CPUID_OSXSAVE: u32 = 1 << 27;
/** above the revisions that operating systems know errata of */
const MICROCODE_REVISION: u32 = 0xf0;

/** A leaf that does not exist is answered as the highest basic one, a subleaf that does not exist with zeros. */
export function cpuid(b: Exec): void {
  const asked = <u32>b.rax;
  let leaf = asked;
  const subleaf = <u32>b.rcx;
  const limit = (b.miscEnable & MISC_LIMIT_CPUID) != 0 ? LIMITED : highestLeaf(false);
  if (leaf > (leaf >= EXTENDED ? highestLeaf(true) : limit)) leaf = limit;
  const at = leafAt(leaf, subleaf);
  b.rax = at == 0 ? 0 : <u64>load<u32>(at);
  b.rbx = at == 0 ? 0 : <u64>load<u32>(at, 4);
  b.rcx = at == 0 ? 0 : <u64>load<u32>(at, 8);
  b.rdx = at == 0 ? 0 : <u64>load<u32>(at, 12);
  if (leaf == 0) b.rax = <u64>limit;
  else if (leaf == 1) identifyHere(b);
  else if (leaf == EXTENDED_FEATURES && (b.miscEnable & MISC_XD_DISABLE) != 0) b.rdx &= ~(<u64>CPUID_NX);
  else if (leaf == FEATURES_7 && subleaf == 0 && (b.cr4 & CR4_PKE) != 0) b.rcx |= CPUID_OSPKE;
  else if (leaf == EXTENDED_STATE && subleaf == 0) b.rbx = <u64>xsaveSize(b.xcr0, false);
  else if (leaf == EXTENDED_STATE && subleaf == 1) b.rbx = <u64>xsaveSize(b.xcr0 | b.xss, true);
  else if (leaf == TOPOLOGY) {
    b.rcx |= <u64>(subleaf & 0xff);
    b.rdx = <u64>b.apicId;
  }
  if (b.vmx == VMX_NON_ROOT) maskCpuid(b, asked, subleaf);
}

/** What leaf 1 says of this processor as it is now: APIC ID, whether the APIC is on, OSXSAVE. */
function identifyHere(b: Exec): void {
  b.rbx |= (<u64>(b.apicId & 0xff)) << 24;
  if ((b.miscEnable & MISC_MONITOR) == 0) b.rcx &= ~(<u64>CPUID_MONITOR);
  if (!isEnabled(b)) b.rdx &= ~(<u64>CPUID_APIC);
  if ((b.cr4 & CR4_OSXSAVE) != 0) b.rcx |= CPUID_OSXSAVE;
  // SDM Vol. 3 "Determining the Signature": CPUID loads the revision of the microcode, which WRMSR had cleared
  b.biosSignId = (<u64>MICROCODE_REVISION) << 32;
}

export function rdtsc(b: Exec, op: Op): void {
  if (b.cpl != 0 && (b.cr4 & CR4_TSD) != 0) raiseGp(b, op);
  const t = visibleTimeStamp(b, op);
  b.rax = t & 0xffffffff;
  b.rdx = t >> 32;
}

export function rdtscp(b: Exec, op: Op): void {
  rdtsc(b, op);
  b.rcx = b.tscAux & 0xffffffff;
}

export function rdpid<T>(b: Exec, op: Op): void {
  b.setRegister<T>(<usize>op.d, b.tscAux);
}

export function rdrand<T>(b: Exec, op: Op): void {
  b.setRegister<T>(<usize>op.d, nextRandom(b));
  b.flagsAll(RFLAGS_CF);
}

export function rdseed<T>(b: Exec, op: Op): void {
  rdrand<T>(b, op);
}

/** splitmix64: every seed gives a sequence of its own, and runs can be repeated. */
function nextRandom(b: Exec): u64 {
  b.random += 0x9e3779b97f4a7c15;
  let z = b.random;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}
