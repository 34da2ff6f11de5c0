/** A vCPU's registers by their architectural names, for programs that look at a machine: `machine.registers.rip`. */
import type { Vcpu } from "../core/core.ts";
import { GPR_NAMES, SEGMENT_NAMES } from "../spec/state.ts";

const WIDE = [
  "rip",
  "cr0",
  "cr2",
  "cr3",
  "cr4",

  "xcr0",
  "efer",
  "fsBase",
  "gsBase",
  "kernelGsBase",
  "gdtrBase",
  "idtrBase",
] as const;
const SELECTORS = [...SEGMENT_NAMES, "ldtr", "tr"] as const;

export type RegisterName = (typeof GPR_NAMES)[number] | (typeof WIDE)[number] | (typeof SELECTORS)[number] | "rflags" | "cr8";

/** All are BigInt; selectors are the visible part. What is written counts from the next instruction on. */
export type Registers = { [name in RegisterName]: bigint };

export const REGISTER_NAMES: readonly RegisterName[] = [...GPR_NAMES, "rflags", "cr8", ...WIDE, ...SELECTORS];

export function registersOf(vcpu: Vcpu): Registers {
  const registers = {};
  const define = (name: string, get: () => bigint, set: (value: bigint) => void) =>
    Object.defineProperty(registers, name, { get, set, enumerable: true });
  for (const name of [...GPR_NAMES, ...WIDE])
    define(
      name,
      () => vcpu.get(name),
      (value) => {
        vcpu.set(name, value);
        vcpu.refresh();
      },
    );
  define(
    "rflags",
    () => BigInt(vcpu.rflags),
    (value) => {
      vcpu.rflags = Number(value);
    },
  );
  // the upper half of the local APIC's task priority
  define(
    "cr8",
    () => BigInt(vcpu.getNumber("apicTpr") >> 4),
    (value) => vcpu.setNumber("apicTpr", Number(value & 15n) << 4),
  );
  for (const name of SELECTORS)
    define(
      name,
      () => BigInt(vcpu.getNumber(name)),
      (value) => vcpu.setNumber(name, Number(value)),
    );
  return registers as Registers;
}
