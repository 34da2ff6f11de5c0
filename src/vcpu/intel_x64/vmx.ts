/**
 * VMX instructions that throw when they fail, naming what they were about and the VM-instruction error. SDM Vol. 3 "VM Instruction Error
 * Numbers", "Conventions" of the VMX instruction reference.
 */
import { VM_INSTRUCTION_ERROR } from "../../spec/exits.ts";
import { VMCS_FIELDS } from "../../spec/vmcs.ts";
import { RuntimeError } from "../../vmm/errors.ts";
import type { Intrinsics, InveptType, InvvpidType } from "./intrinsics.ts";

const ENCODINGS: ReadonlyMap<string, number> = new Map(VMCS_FIELDS.map((f) => [f.name, f.encoding]));
const NAMES: ReadonlyMap<number, string> = new Map(VMCS_FIELDS.map((f) => [f.encoding, f.name]));
const ERRORS: ReadonlyMap<number, string> = new Map(
  Object.entries(VM_INSTRUCTION_ERROR).map(([name, number]) => [number, name.toLowerCase().replaceAll("_", " ")]),
);

/** Encoding of the field "guestRip". */
export function encodingOf(field: string): number {
  const encoding = ENCODINGS.get(field);
  if (encoding === undefined) throw new RangeError(`there is no VMCS field "${field}"`);
  return encoding;
}

export function fieldName(encoding: number): string {
  return NAMES.get(encoding) ?? `field 0x${encoding.toString(16)}`;
}

const INSTRUCTION_ERROR = encodingOf("vmInstructionError");

export class Vmx {
  readonly #cpu: Intrinsics;
  readonly #log: (text: string) => void;

  /** Failures of VMREAD and VMWRITE are also told to `log`, with the field's name. */
  constructor(cpu: Intrinsics, log: (text: string) => void = () => {}) {
    this.#cpu = cpu;
    this.#log = log;
  }

  vmxon(region: bigint): void {
    this.#check(this.#cpu.vmxon(region), `vmxon at 0x${region.toString(16)}`);
  }

  vmxoff(): void {
    this.#check(this.#cpu.vmxoff(), "vmxoff");
  }

  vmclear(vmcs: bigint): void {
    this.#check(this.#cpu.vmclear(vmcs), `vmclear of 0x${vmcs.toString(16)}`);
  }

  vmptrld(vmcs: bigint): void {
    this.#check(this.#cpu.vmptrld(vmcs), `vmptrld of 0x${vmcs.toString(16)}`);
  }

  vmptrst(): bigint {
    const pointer = this.#cpu.vmptrst();
    if (pointer === undefined) throw this.#failure("vmptrst");
    return pointer;
  }

  vmread(field: string): bigint {
    const value = this.#cpu.vmread(encodingOf(field));
    if (value !== undefined) return value;
    const failure = this.#failure(`vmread of ${field}`);
    this.#log(failure.message);
    throw failure;
  }

  vmwrite(field: string, value: bigint): void {
    if (this.#cpu.vmwrite(encodingOf(field), value)) return;
    const failure = this.#failure(`vmwrite of 0x${BigInt.asUintN(64, value).toString(16)} to ${field}`);
    this.#log(failure.message);
    throw failure;
  }

  vmlaunchDemote(): void {
    this.#check(this.#cpu.vmlaunchDemote(), "vmlaunch");
  }

  vmlaunch(): void {
    this.#check(this.#cpu.vmlaunch(), "vmlaunch");
  }

  vmresume(): void {
    this.#check(this.#cpu.vmresume(), "vmresume");
  }

  invept(type: InveptType, eptPointer: bigint): void {
    this.#check(this.#cpu.invept(type, eptPointer), `invept of type ${type}`);
  }

  invvpid(type: InvvpidType, vpid: number, address: bigint): void {
    this.#check(this.#cpu.invvpid(type, vpid, address), `invvpid of type ${type}`);
  }

  #check(succeeded: boolean, what: string): void {
    if (!succeeded) throw this.#failure(what);
  }

  #failure(what: string): RuntimeError {
    const number = this.#cpu.vmread32(INSTRUCTION_ERROR);
    const why =
      number < 0
        ? "there is no current VMCS to say why"
        : number === 0
          ? "no reason was given"
          : `VM-instruction error ${number}, ${ERRORS.get(number) ?? "unknown"}`;
    return new RuntimeError(`${what} failed: ${why}`);
  }
}
