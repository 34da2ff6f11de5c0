/**
 * The fields and controls of the current VMCS by their names in src/spec: one accessor for all fields and one for all control bits. A field
 * exists where the control that it belongs to may be set; a control may be set or cleared as the capability MSRs say.
 */
import { VMCS_FIELDS, type VmcsField } from "../../spec/vmcs.ts";
import { type ControlField, VMX_CONTROLS, type VmxControl } from "../../spec/vmx-controls.ts";
import { LogicError } from "../../vmm/errors.ts";
import { CONTROL_WORDS, capabilityOf } from "./capability.ts";
import type { Intrinsics } from "./intrinsics.ts";
import { Vmx } from "./vmx.ts";

const FIELDS: ReadonlyMap<string, VmcsField> = new Map(VMCS_FIELDS.map((f) => [f.name, f]));
const NAMED = VMX_CONTROLS.filter((c) => c.name !== "");
/** by "primary.useMsrBitmaps" */
const CONTROLS: ReadonlyMap<string, VmxControl> = new Map(NAMED.map((c) => [`${c.field}.${c.name}`, c]));
/** the names in the column "needs" of the fields say no word */
const BY_NAME: ReadonlyMap<string, VmxControl> = new Map(NAMED.map((c) => [c.name, c]));

const bitOf = (control: VmxControl): bigint => 1n << BigInt(control.bit);

export class VmcsFields {
  readonly #cpu: Intrinsics;
  readonly #vmx: Vmx;
  readonly #log: (text: string) => void;

  constructor(cpu: Intrinsics, log: (text: string) => void = () => {}) {
    this.#cpu = cpu;
    this.#vmx = new Vmx(cpu, log);
    this.#log = log;
  }

  exists(name: string): boolean {
    const { needs } = fieldOf(name);
    return needs === undefined || this.#mayBeSet(BY_NAME.get(needs) as VmxControl);
  }

  get(name: string): bigint {
    this.#demand(name);
    return this.#vmx.vmread(name);
  }

  set(name: string, value: bigint): void {
    this.#demand(name);
    this.#vmx.vmwrite(name, value);
  }

  /** 0 if the CPU has no such field */
  getIfExists(name: string): bigint {
    if (this.exists(name)) return this.#vmx.vmread(name);
    this.#log(`${name}: the CPU has no such VMCS field; read as 0`);
    return 0n;
  }

  setIfExists(name: string, value: bigint): void {
    if (this.exists(name)) this.#vmx.vmwrite(name, value);
    else this.#log(`${name}: the CPU has no such VMCS field; not written`);
  }

  /** The control may be 1. */
  isAllowed1(name: string): boolean {
    return this.#mayBeSet(controlOf(name));
  }

  /** The control may be 0. */
  isAllowed0(name: string): boolean {
    return this.#mayBeClear(controlOf(name));
  }

  isEnabled(name: string): boolean {
    const control = controlOf(name);
    return (this.#vmx.vmread(CONTROL_WORDS[control.field].field) & bitOf(control)) !== 0n;
  }

  enable(name: string): void {
    if (!this.isAllowed1(name)) throw new LogicError(`the CPU does not allow the VMX control ${name} to be 1`);
    this.#write(controlOf(name), true);
  }

  disable(name: string): void {
    if (!this.isAllowed0(name)) throw new LogicError(`the CPU does not allow the VMX control ${name} to be 0`);
    this.#write(controlOf(name), false);
  }

  enableIfAllowed(name: string): boolean {
    if (this.isAllowed1(name)) this.#write(controlOf(name), true);
    else this.#log(`the CPU does not allow the VMX control ${name} to be 1; left as it is`);
    return this.isAllowed1(name);
  }

  disableIfAllowed(name: string): boolean {
    if (this.isAllowed0(name)) this.#write(controlOf(name), false);
    else this.#log(`the CPU does not allow the VMX control ${name} to be 0; left as it is`);
    return this.isAllowed0(name);
  }

  /** A word of controls gets the bits that must be 1 and no others. */
  setLeast(word: ControlField): void {
    const capability = capabilityOf(this.#cpu, word);
    this.#vmx.vmwrite(CONTROL_WORDS[word].field, capability & (capability >> 32n) & 0xffff_ffffn);
  }

  #demand(name: string): void {
    if (!this.exists(name)) throw new LogicError(`the CPU has no VMCS field ${name}: the control ${fieldOf(name).needs} may not be 1`);
  }

  #mayBeSet(control: VmxControl): boolean {
    const isReachable = control.field !== "secondary" || this.isAllowed1("primary.activateSecondaryControls");
    return isReachable && (capabilityOf(this.#cpu, control.field) & (bitOf(control) << 32n)) !== 0n;
  }

  #mayBeClear(control: VmxControl): boolean {
    return (capabilityOf(this.#cpu, control.field) & bitOf(control)) === 0n;
  }

  #write(control: VmxControl, value: boolean): void {
    const { field } = CONTROL_WORDS[control.field];
    const old = this.#vmx.vmread(field);
    this.#vmx.vmwrite(field, value ? old | bitOf(control) : old & ~bitOf(control));
  }
}

function fieldOf(name: string): VmcsField {
  const field = FIELDS.get(name);
  if (field === undefined) throw new LogicError(`there is no VMCS field "${name}"`);
  return field;
}

function controlOf(name: string): VmxControl {
  const control = CONTROLS.get(name);
  if (control === undefined) throw new LogicError(`there is no VMX control "${name}"`);
  return control;
}
