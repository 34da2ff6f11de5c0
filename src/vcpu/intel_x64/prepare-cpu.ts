/**
 * What VMX operation wants of the CPU and an OS may have otherwise: CR0.NE, and for a VMM of 64 bits, IA-32e mode. The CPU is brought there for
 * the time of the launch; the OS goes on as a guest in its own mode. SDM Vol. 3 "Restrictions on VMX Operation", "Checks Related to
 * Address-Space Size", "Initializing IA-32e Mode".
 */
import { CR0, CR4, EFER } from "../../spec/registers.ts";
import type { Intrinsics } from "./intrinsics.ts";

const EFER_MSR = 0xc000_0080;
const LMA = BigInt(EFER.LMA);
const LME = BigInt(EFER.LME);
const PG = BigInt(CR0.PG);
const PAE = BigInt(CR4.PAE);

const NE = BigInt(CR0.NE);

/** Returns how to go back, if there is anything to go back from. `root` is CR3 of tables that IA-32e mode can use. */
export function prepareCpu(cpu: Intrinsics, root: bigint): (() => void) | undefined {
  const { cr0 } = cpu;
  if ((cr0 & NE) === 0n) cpu.cr0 = cr0 | NE;
  const leaveLongMode = enterLongMode(cpu, root);
  if (leaveLongMode === undefined && cr0 === cpu.cr0) return undefined;
  return () => {
    leaveLongMode?.();
    cpu.cr0 = cr0;
  };
}

function enterLongMode(cpu: Intrinsics, root: bigint): (() => void) | undefined {
  const efer = cpu.rdmsr(EFER_MSR);
  if ((efer & LMA) !== 0n) return undefined;
  const { cr0, cr3, cr4 } = cpu;
  cpu.cr0 = cr0 & ~PG;
  cpu.cr4 = cr4 | PAE;
  cpu.cr3 = root;
  cpu.wrmsr(EFER_MSR, efer | LME);
  cpu.cr0 = cr0;
  return () => {
    cpu.cr0 = cr0 & ~PG;
    cpu.wrmsr(EFER_MSR, efer);
    cpu.cr4 = cr4;
    cpu.cr3 = cr3;
    cpu.cr0 = cr0;
  };
}
