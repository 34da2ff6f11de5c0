/** Turns VMX operation on and off. SDM Vol. 3 "Enabling and Entering VMX Operation", "Restrictions on VMX Operation". */
import { CR4, RFLAGS } from "../../spec/registers.ts";
import { LogicError } from "../../vmm/errors.ts";
import { withRollback } from "../../vmm/rollback.ts";
import { VMX_BASIC } from "./capability.ts";
import type { Intrinsics } from "./intrinsics.ts";
import type { OwnBlock, OwnMemory } from "./own-memory.ts";
import { Vmx } from "./vmx.ts";

const FEATURE_CONTROL = 0x3a;
const LOCKED = 1n;
const OUTSIDE_SMX = 1n << 2n;
const CPUID_VMX = 1 << 5;
const FIXED = { CR0: [0x486, 0x487], CR4: [0x488, 0x489] } as const;
const VMXE = BigInt(CR4.VMXE);
const VM = BigInt(RFLAGS.VM);
const WIDTH_32 = 1n << 48n;
const WRITE_BACK = 6n;
const TRUE_CONTROLS = 1n << 55n;
const REVISION = 0x7fff_ffffn;

/** The dword that VMXON regions and VMCSs begin with. */
export const revisionOf = (cpu: Intrinsics): number => Number(cpu.rdmsr(VMX_BASIC) & REVISION);

export class Vmxon {
  readonly #cpu: Intrinsics;
  readonly #vmx: Vmx;
  readonly #own: OwnMemory;
  readonly #log: (text: string) => void;
  #region: OwnBlock | undefined;
  #isEnabled = false;

  constructor(cpu: Intrinsics, own: OwnMemory, log: (text: string) => void = () => {}) {
    this.#cpu = cpu;
    this.#vmx = new Vmx(cpu, log);
    this.#own = own;
    this.#log = log;
  }

  get isEnabled(): boolean {
    return this.#isEnabled;
  }

  start(): void {
    if (this.#isEnabled) throw new LogicError("vmxon: VMX operation is on already");
    withRollback((rollback) => {
      const cpu = this.#cpu;
      demand((cpu.cr4 & VMXE) === 0n, "CR4.VMXE is set already: the OS, or another VMM, uses VMX itself");
      demand((cpu.cpuidQuietly(1).ecx & CPUID_VMX) !== 0, "the CPU has no VMX, CPUID.1:ECX bit 5");
      this.#demandBasics();
      this.#demandFixed("CR0", cpu.cr0);
      this.#lockFeatureControl();
      demand((cpu.rflags & VM) === 0n, "the OS is in virtual-8086 mode");
      const region = this.#own.obtain();
      rollback.add(() => this.#own.release(region));
      this.#own.physical.write32(region.phys, revisionOf(cpu));
      cpu.cr4 |= VMXE;
      rollback.add(() => {
        cpu.cr4 &= ~VMXE;
      });
      demand((cpu.cr4 & VMXE) !== 0n, "CR4.VMXE does not stay set");
      this.#demandFixed("CR4", cpu.cr4);
      this.#vmx.vmxon(region.phys);
      this.#region = region;
      this.#isEnabled = true;
    });
  }

  stop(): void {
    if (this.#isEnabled) {
      this.#vmx.vmxoff();
      this.#isEnabled = false;
    } else this.#log("vmxoff: VMX operation is off already");
    this.#cpu.cr4 &= ~VMXE;
    demand((this.#cpu.cr4 & VMXE) === 0n, "CR4.VMXE does not stay clear");
    if (this.#region !== undefined) this.#own.release(this.#region);
    this.#region = undefined;
  }

  #demandBasics(): void {
    const basic = this.#cpu.rdmsr(VMX_BASIC);
    demand((basic & WIDTH_32) === 0n, "IA32_VMX_BASIC bit 48: regions have to be below 4 GiB");
    demand(((basic >> 50n) & 15n) === WRITE_BACK, "IA32_VMX_BASIC bits 53-50: the memory type of regions is not write-back");
    demand((basic & TRUE_CONTROLS) !== 0n, "IA32_VMX_BASIC bit 55: there are no TRUE capability MSRs");
  }

  #demandFixed(register: "CR0" | "CR4", value: bigint): void {
    const [must, may] = FIXED[register].map((msr) => this.#cpu.rdmsr(msr));
    const hex = (v: bigint) => `0x${v.toString(16)}`;
    demand((must & ~value) === 0n, `${register} is ${hex(value)}, and VMX operation needs ${hex(must & ~value)} set as well`);
    demand((value & ~may) === 0n, `${register} is ${hex(value)}, and VMX operation needs ${hex(value & ~may)} clear`);
  }

  /** Firmware that has locked it has decided; if it has not, we do. */
  #lockFeatureControl(): void {
    const value = this.#cpu.rdmsr(FEATURE_CONTROL);
    if ((value & LOCKED) === 0n) this.#cpu.wrmsr(FEATURE_CONTROL, value | OUTSIDE_SMX | LOCKED);
  }
}

function demand(holds: boolean, otherwise: string): void {
  if (!holds) throw new LogicError(`vmxon: ${otherwise}`);
}
