/**
 * The processor's VMX as a debugger sees it, whoever uses it: a hypervisor in the guest or the VMM in TypeScript. Looking changes nothing.
 *
 *   if ((await machine.run()).reason === "halted") console.log(machine.vmx.explain().summary);
 */
import type { Core, Vcpu } from "../core/core.ts";
import { VMX } from "../spec/events.ts";
import { fieldOffset } from "../spec/print/vmx.ts";
import { VMCS_FIELDS, type VmcsField } from "../spec/vmcs.ts";
import { type EntryExplanation, explainEntry, explanationText } from "../vcpu/intel_x64/explain.ts";
import { vmcsLines } from "../vcpu/intel_x64/vmcs-dump.ts";

const NO_POINTER = 0xffff_ffff_ffff_ffffn;

/** Values of a VMCS by the names of its fields in src/spec/vmcs.ts. */
export type VmcsValues = Readonly<Record<string, bigint>>;

export class MachineVmx {
  readonly #core: Core;
  readonly #vcpu: Vcpu;

  constructor(core: Core, vcpu: Vcpu) {
    this.#core = core;
    this.#vcpu = vcpu;
  }

  get operation(): "off" | "root" | "non-root" {
    const vmx = this.#vcpu.getNumber("vmx");
    return vmx === VMX.OFF ? "off" : vmx === VMX.ROOT ? "root" : "non-root";
  }

  /** guest-physical address of the current VMCS, if there is one */
  get pointer(): bigint | undefined {
    const pointer = this.#vcpu.get("vmcsPointer");
    return this.operation === "off" || pointer === NO_POINTER ? undefined : pointer;
  }

  /** The current VMCS. */
  vmcs(): VmcsValues | undefined {
    if (this.pointer === undefined) return undefined;
    return Object.fromEntries(VMCS_FIELDS.map((field) => [field.name, this.#read(field)]));
  }

  /** Why the last VM entry failed. */
  explain(): EntryExplanation {
    return explainEntry(this.#core, this.#vcpu);
  }

  explainText(): string {
    return explanationText(this.explain());
  }

  /** Operation, pointer, and the fields of the current VMCS with their controls by name. */
  vmcsText(): string {
    const { operation, pointer } = this;
    if (operation === "off") return "the processor is not in VMX operation";
    if (pointer === undefined) return `VMX ${operation} operation, no current VMCS`;
    return [`VMX ${operation} operation, current VMCS at 0x${pointer.toString(16)}`, ...vmcsLines((field) => this.#read(field))].join("\n");
  }

  #read({ name, width }: VmcsField): bigint {
    const at = this.#vcpu.getNumber("vmcs") + fieldOffset(name);
    const value = new DataView(this.#core.memory.buffer).getBigUint64(at, true);
    return BigInt.asUintN(width === "natural" ? 64 : width, value);
  }
}
