/**
 * A guest and its host for tests of VMX: both run in 64-bit mode of ring 0 with the same flat memory. The VMCS is set up by VMWRITE, as a
 * hypervisor does; the guest's program ends by a VM exit, and the host's code is an UD2, so that the test finds the state behind the exit.
 */

import type { StopReason } from "../../src/core/core.ts";
import { max } from "../../src/cpus/max.ts";
import { STOP } from "../../src/spec/events.ts";
import { fieldOffset } from "../../src/spec/print/vmx.ts";
import { VMCS_FIELDS } from "../../src/spec/vmcs.ts";
import { capability, VMX_CONTROLS } from "../../src/spec/vmx-controls.ts";
import { CODE, GDT, Ring0, SELECTOR, STACK, TSS } from "./ring0.ts";

export const VMXON_REGION = 0x5_0000;
export const VMCS = 0x5_1000;
export const GUEST = 0x1_8000;
export const HOST = 0x1_c000;
export const HOST_STACK = 0x2_8000;
const HLT = "F4";
/** operand of VMXON, VMCLEAR and VMPTRLD: [rsi] */
const POINTER = 0x3_8000;

const required = (field: "pin" | "primary" | "secondary" | "exit" | "entry"): bigint => capability(field, false) & 0xffff_ffffn;

/** what a VMCS needs for the guest and host described above */
const DEFAULTS: Readonly<Record<string, bigint>> = {
  pinBasedVmExecutionControls: required("pin"),
  primaryProcessorBasedVmExecutionControls: required("primary"),
  // 64-bit host, EFER saved and loaded
  vmExitControls: required("exit") | (1n << 9n) | (1n << 20n) | (1n << 21n),
  vmEntryControls: required("entry") | (1n << 9n) | (1n << 15n),
  vmcsLinkPointer: 0xffff_ffff_ffff_ffffn,
  hostCr0: 0x8001_0033n,
  hostCr3: 0x1000n,
  hostCr4: 0x2620n,
  hostIa32Efer: 0xd01n,
  hostCsSelector: BigInt(SELECTOR.CODE64),
  hostSsSelector: BigInt(SELECTOR.DATA),
  hostTrSelector: BigInt(SELECTOR.TSS),
  hostTrBase: BigInt(TSS),
  hostGdtrBase: BigInt(GDT),
  hostRip: BigInt(HOST),
  hostRsp: BigInt(HOST_STACK),
  guestCr0: 0x8001_0033n,
  guestCr3: 0x1000n,
  guestCr4: 0x2620n,
  guestIa32Efer: 0xd01n,
  guestDr7: 0x400n,
  guestRflags: 2n,
  guestRip: BigInt(GUEST),
  guestRsp: BigInt(STACK),
  guestGdtrBase: BigInt(GDT),
  guestGdtrLimit: 0xffn,
  guestCsSelector: BigInt(SELECTOR.CODE64),
  guestCsAccessRights: 0xa09bn,
  guestCsLimit: 0xffff_ffffn,
  guestSsSelector: BigInt(SELECTOR.DATA),
  guestTrSelector: BigInt(SELECTOR.TSS),
  guestTrBase: BigInt(TSS),
  guestTrLimit: 0x67n,
  guestTrAccessRights: 0x8bn,
  guestLdtrAccessRights: 0x1_0000n,
};
const DATA_SEGMENTS = ["Es", "Ss", "Ds", "Fs", "Gs"];

/** secondary controls by name, as bits */
export const SECONDARY: Readonly<Record<string, bigint>> = Object.fromEntries(
  VMX_CONTROLS.filter((c) => c.field === "secondary").map((c) => [c.name, 1n << BigInt(c.bit)]),
);

const encodings = new Map(VMCS_FIELDS.map((f) => [f.name, f.encoding]));

const DIRECTORY = 0x6_8000;
const LARGE_PAGE = 0xe7n;

export class VmxMachine {
  #in32 = false;
  readonly ring0 = new Ring0(undefined, undefined, max);
  readonly #fields = new Map<string, bigint>(Object.entries(DEFAULTS));

  constructor() {
    for (const s of DATA_SEGMENTS) {
      this.#fields.set(`guest${s}AccessRights`, 0xc093n);
      this.#fields.set(`guest${s}Limit`, 0xffff_ffffn);
    }
    this.ring0.set({ cr4: 0x2620n, rsi: BigInt(POINTER), options: 0 });
    this.ring0.write(VMXON_REGION, 1n).write(VMCS, 1n);
    this.ring0.code(HLT, HOST);
  }

  /** Fields of the VMCS; a value as it is, or a function of the default. */
  with(fields: Readonly<Record<string, bigint | ((old: bigint) => bigint)>>): this {
    for (const [name, value] of Object.entries(fields))
      this.#fields.set(name, typeof value === "bigint" ? value : value(this.#fields.get(name) ?? 0n));
    return this;
  }

  /** Sets secondary controls, and the primary one that activates them. */
  secondary(controls: bigint): this {
    return this.with({
      primaryProcessorBasedVmExecutionControls: (old) => old | (1n << 31n),
      secondaryProcessorBasedVmExecutionControls: (old) => old | controls,
    });
  }

  /** The host enters the guest from 32-bit code with the page directory at 68000H, which maps 4 MiB to themselves. */
  hostIn32(): this {
    this.#in32 = true;
    this.ring0.write(DIRECTORY, LARGE_PAGE);
    return this;
  }

  /** Enters the guest with its program. Returns why the processor stopped: HALT in the host, or behind VMLAUNCH if that fails. */
  launch(guest: string): StopReason {
    this.ring0.code(guest, GUEST);
    this.ring0.write(POINTER, BigInt(VMXON_REGION));
    this.#prepare("F3 0F C7 36");
    this.ring0.write(POINTER, BigInt(VMCS));
    this.#prepare("66 0F C7 36 0F C7 36");
    for (const [name, value] of this.#fields) {
      const encoding = encodings.get(name);
      if (encoding === undefined) throw new Error(`there is no VMCS field ${name}`);
      this.ring0.set({ rdx: BigInt(encoding), rax: value });
      this.#prepare("0F 79 D0");
    }
    if (this.#in32) {
      this.ring0.set({ cr3: BigInt(DIRECTORY), cr4: 0x2010n, efer: 0n, mode: 1, cs: SELECTOR.CODE32, csRights: 0xc09b });
      this.ring0.core.flushTlb();
    }
    return this.run("0F 01 C2");
  }

  /** Goes on with the guest where it exited. */
  resume(): StopReason {
    return this.run("0F 01 C3");
  }

  /** Runs code of the host; it ends with HLT. */
  run(hex: string): StopReason {
    this.ring0.code(`${hex} ${HLT}`).set({ rip: BigInt(CODE), halted: 0 });
    this.ring0.vcpu.refresh();
    return this.ring0.vcpu.run(1000n);
  }

  #prepare(hex: string): void {
    const stop = this.run(hex);
    if (stop !== STOP.HALT || (this.ring0.vcpu.rflags & 0x41) !== 0) throw new Error(`VMX set-up: ${hex} failed`);
  }

  field(name: string): bigint {
    return this.ring0.read(VMCS + fieldOffset(name));
  }

  setField(name: string, value: bigint): void {
    this.ring0.write(VMCS + fieldOffset(name), value);
  }

  /** reason, qualification, guest RIP relative to its start */
  get exit(): { reason: number; qualification: bigint; at: number } {
    return {
      reason: Number(this.field("exitReason")),
      qualification: this.field("exitQualification"),
      at: Number(this.field("guestRip")) - GUEST,
    };
  }
}
