/** A guest with an IDT: every gate leads to a VMCALL of its own, so that the exit tells which event was delivered. */
import { VMX_CONTROLS } from "../../src/spec/vmx-controls.ts";
import { IDT, SELECTOR } from "./ring0.ts";
import { VmxMachine } from "./vmx.ts";

const HANDLERS = 0x1_9000;
const STRIDE = 16;
const VMCALL = "0F 01 C1";
/** VMCS fields of the control words */
const WORDS = {
  pin: "pinBasedVmExecutionControls",
  primary: "primaryProcessorBasedVmExecutionControls",
  secondary: "secondaryProcessorBasedVmExecutionControls",
  exit: "vmExitControls",
  entry: "vmEntryControls",
} as const;
const ACTIVATE_SECONDARY = 1n << 31n;
/** a page of zeros */
const NO_BITS = 0x6_a000;

export class GuestWithHandlers extends VmxMachine {
  constructor() {
    super();
    this.with({ guestIdtrBase: BigInt(IDT), guestIdtrLimit: 0xfffn });
    for (let vector = 0; vector < 256; vector++) this.handler(vector, VMCALL);
  }

  /** What the handler of a vector does. */
  handler(vector: number, code: string): this {
    this.ring0.gate(vector, SELECTOR.CODE64, HANDLERS + STRIDE * vector).code(code, HANDLERS + STRIDE * vector);
    return this;
  }

  /** Sets controls by their names in src/spec/vmx-controls.ts. */
  on(...names: readonly string[]): this {
    for (const name of names) {
      const control = VMX_CONTROLS.find((c) => c.name === name);
      if (control === undefined) throw new Error(`there is no VMX control ${name}`);
      this.with({ [WORDS[control.field]]: (old) => old | (1n << BigInt(control.bit)) });
      if (control.field === "secondary") this.with({ [WORDS.primary]: (old) => old | ACTIVATE_SECONDARY });
    }
    return this;
  }

  /** Clears controls of the VMCS in memory, between two runs of the guest. */
  off(...names: readonly string[]): this {
    for (const { field, bit } of VMX_CONTROLS.filter((c) => names.includes(c.name)))
      this.setField(WORDS[field], this.field(WORDS[field]) & ~(1n << BigInt(bit)));
    return this;
  }

  /** Accesses to MSRs do not exit. */
  withMsrs(): this {
    return this.on("useMsrBitmaps").with({ addressOfMsrBitmaps: BigInt(NO_BITS) });
  }

  /** an NMI that comes in the guest, not in the host before it */
  raiseNmi(): this {
    this.ring0.set({ nmiBlocked: 1 }).vcpu.raiseNmi();
    return this;
  }

  /** the wire of the 8259, which says vector FF */
  raiseIntr(): this {
    this.ring0.set({ apicBase: 0n }).vcpu.setIntr(true);
    return this;
  }

  /** vector of the handler at whose first instruction the guest stands, or undefined */
  get atHandler(): number | undefined {
    const n = Number(this.field("guestRip")) - HANDLERS;
    return n >= 0 && n < 256 * STRIDE && n % STRIDE === 0 ? n / STRIDE : undefined;
  }
}
