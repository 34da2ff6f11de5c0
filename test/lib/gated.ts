/**
 * The smallest VMM over the intrinsics: it takes the program that a vCPU is running into a VM, as it is, and sees every VM exit. Control
 * fields are the least the CPU allows, as Bareflank's; `before` may change any field before the launch.
 */
import type { Core, Vcpu } from "../../src/core/core.ts";
import { capability } from "../../src/spec/vmx-controls.ts";
import { CoreIntrinsics } from "../../src/vcpu/intel_x64/core-intrinsics.ts";
import { SEGMENTS, type SegmentName } from "../../src/vcpu/intel_x64/intrinsics.ts";
import { StateSave } from "../../src/vcpu/intel_x64/state-save.ts";
import { encodingOf, Vmx } from "../../src/vcpu/intel_x64/vmx.ts";
import type { Faults } from "../../src/vmm/faults.ts";

const VMXE = 1n << 13n;
/** canonical, and no code stands there */
export const GATE_RIP = 0xffff_f000_dead_0000n;
const REASON = encodingOf("exitReason");

export type Fields = Readonly<Record<string, bigint>>;

const least = (field: "pin" | "primary" | "secondary" | "exit" | "entry"): bigint => capability(field, false) & 0xffff_ffffn;
const capitalized = (name: string): string => name[0].toUpperCase() + name.slice(1);

/** `at` is the first of three free pages of physical memory: VMXON region, VMCS, state-save page. */
export class GatedVmm {
  readonly cpu: CoreIntrinsics;
  readonly vmx: Vmx;
  readonly save: StateSave;
  /** basic reasons of the exits so far */
  readonly exits: number[] = [];
  /** What an exit does, besides being noted; it decides how the guest goes on. */
  onExit: (reason: number) => void;
  readonly #at: bigint;
  readonly #core: Core;

  constructor(core: Core, vcpu: Vcpu, at: number, faults?: Faults) {
    this.cpu = new CoreIntrinsics(core, vcpu, faults);
    this.vmx = new Vmx(this.cpu);
    this.#core = core;
    this.#at = BigInt(at);
    this.save = new StateSave(core.ram.subarray(at + 0x2000, at + 0x3000));
    this.onExit = () => {
      this.cpu.advanceRip();
      this.vmx.vmresume();
    };
    vcpu.onVmExit = () => {
      const reason = this.cpu.vmread32(REASON);
      this.exits.push(reason & 0xffff);
      this.onExit(reason);
    };
  }

  /** The program goes on in a VM. False: it cannot, and goes on as before. */
  start(before: Fields = {}): boolean {
    const { cpu, vmx } = this;
    new DataView(this.#core.memory.buffer).setUint32(this.#core.linearOf(this.#at) ?? 0, 1, true);
    new DataView(this.#core.memory.buffer).setUint32(this.#core.linearOf(this.#at + 0x1000n) ?? 0, 1, true);
    cpu.cr4 |= VMXE;
    vmx.vmxon(this.#at);
    vmx.vmclear(this.#at + 0x1000n);
    vmx.vmptrld(this.#at + 0x1000n);
    cpu.setGate(GATE_RIP, this.#at + 0x2000n);
    for (const [field, value] of Object.entries({ ...this.#fields(), ...before })) vmx.vmwrite(field, value);
    return cpu.vmlaunchDemote();
  }

  /** The program goes on as it was before `start`. */
  stop(): void {
    const { cpu } = this;
    this.onExit = () => cpu.promote();
    this.vmx.vmxoff();
    cpu.cr4 &= ~VMXE;
    cpu.setGate(0n, 0n);
  }

  #fields(): Fields {
    const { cpu } = this;
    const efer = cpu.rdmsr(0xc000_0080);
    const fields: Record<string, bigint> = {
      pinBasedVmExecutionControls: least("pin"),
      primaryProcessorBasedVmExecutionControls: least("primary"),
      vmExitControls: least("exit") | (1n << 2n) | (1n << 9n) | (3n << 18n) | (3n << 20n),
      vmEntryControls: least("entry") | (1n << 2n) | ((efer >> 10n) & 1n ? 1n << 9n : 0n) | (3n << 14n),
      vmcsLinkPointer: ~0n,
      cr4GuestHostMask: VMXE,
      hostCr0: 0x8001_0031n,
      hostCr3: cpu.cr3,
      hostCr4: 0x2020n,
      hostIa32Efer: 0xd00n,
      hostIa32Pat: cpu.rdmsr(0x277),
      hostCsSelector: 8n,
      hostSsSelector: 16n,
      hostTrSelector: 40n,
      hostRip: GATE_RIP,
      guestCr0: cpu.cr0,
      guestCr3: cpu.cr3,
      guestCr4: cpu.cr4,
      guestIa32Efer: efer,
      guestIa32Pat: cpu.rdmsr(0x277),
      guestDr7: cpu.dr7,
      guestRflags: cpu.rflags,
      guestRip: cpu.rip,
      guestRsp: cpu.rsp,
      guestGdtrBase: cpu.gdtr.base,
      guestGdtrLimit: BigInt(cpu.gdtr.limit),
      guestIdtrBase: cpu.idtr.base,
      guestIdtrLimit: BigInt(cpu.idtr.limit),
      guestIa32SysenterCs: cpu.rdmsr(0x174),
      guestIa32SysenterEsp: cpu.rdmsr(0x175),
      guestIa32SysenterEip: cpu.rdmsr(0x176),
      guestInterruptibilityState: BigInt(cpu.interruptibility),
      guestActivityState: BigInt(cpu.activity),
    };
    for (const name of SEGMENTS) this.#addSegment(fields, name);
    return fields;
  }

  #addSegment(fields: Record<string, bigint>, name: SegmentName): void {
    const { selector, base, limit, accessRights } = this.cpu.segment(name);
    const field = `guest${capitalized(name)}`;
    fields[`${field}Selector`] = BigInt(selector);
    fields[`${field}Base`] = base;
    fields[`${field}Limit`] = BigInt(limit);
    fields[`${field}AccessRights`] = BigInt(accessRights);
  }
}
