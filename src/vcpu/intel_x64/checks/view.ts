/**
 * The current VMCS as the checks read it: fields by name, whether a control is in force, capability MSRs, and memory that fields point at.
 * Everything comes through the intrinsics, so the checks work on a VMCS before it is ever launched, and on a mock.
 */
import type { Memory } from "../../../bus/device.ts";
import { type ControlField, VMX_CONTROLS } from "../../../spec/vmx-controls.ts";
import { CONTROL_WORDS } from "../capability.ts";
import type { Intrinsics } from "../intrinsics.ts";
import { encodingOf } from "../vmx.ts";

const ADDRESS_SIZES = 0x8000_0008;
const PAGE_BITS = 12n;

const CONTROLS = new Map(VMX_CONTROLS.filter((c) => c.name !== "").map((c) => [`${c.field}.${c.name}`, c]));

export type Segment = "Es" | "Cs" | "Ss" | "Ds" | "Fs" | "Gs" | "Ldtr" | "Tr";

export class VmcsView {
  readonly cpu: Intrinsics;
  readonly #memory: Pick<Memory, "view">;
  readonly #physicalBits: bigint;
  readonly #linearBits: number;

  constructor(cpu: Intrinsics, memory: Pick<Memory, "view">) {
    this.cpu = cpu;
    this.#memory = memory;
    const { eax } = cpu.cpuid(ADDRESS_SIZES);
    this.#physicalBits = BigInt(eax & 0xff);
    this.#linearBits = (eax >>> 8) & 0xff;
  }

  /** A field's value; 0 if the CPU has no such field. */
  field(name: string): bigint {
    return this.cpu.vmread(encodingOf(name)) ?? 0n;
  }

  /** a field of at most 32 bits */
  low(name: string): number {
    return Number(this.field(name) & 0xffff_ffffn);
  }

  /** "primary.useTprShadow" is in force: a secondary control is only if the primary ones activate them. */
  control(name: string): boolean {
    const control = CONTROLS.get(name);
    if (control === undefined) throw new RangeError(`there is no VMX control "${name}"`);
    return ((this.word(control.field) >> BigInt(control.bit)) & 1n) !== 0n;
  }

  /** A word of controls as far as it is in force. */
  word(word: ControlField): bigint {
    if (word === "secondary" && !this.control("primary.activateSecondaryControls")) return 0n;
    return this.field(CONTROL_WORDS[word].field);
  }

  msr(number: number): bigint {
    return this.cpu.rdmsr(number);
  }

  isPhysical(address: bigint): boolean {
    return address >> this.#physicalBits === 0n;
  }

  /** The field is a physical address, aligned to 2 to the power of `bits`. */
  isAddress(name: string, bits = PAGE_BITS): boolean {
    const address = this.field(name);
    return this.isPhysical(address) && (address & ((1n << bits) - 1n)) === 0n;
  }

  /** As the CPU is able to address, or with so many bits. */
  isCanonical(name: string, bits = this.#linearBits): boolean {
    return isExtended(this.field(name), bits);
  }

  /** Those above the width of linear addresses, whatever the highest bit below is. */
  hasIdenticalUpperBits(name: string): boolean {
    return isExtended(this.field(name), this.#linearBits + 1);
  }

  /** Doublewords of physical memory; undefined where there is none. */
  words(address: bigint, count: number): Uint32Array | undefined {
    const bytes = this.isPhysical(address) ? this.#memory.view(Number(address), 4 * count) : undefined;
    if (bytes === undefined) return undefined;
    return new Uint32Array(bytes.slice().buffer);
  }

  selector(segment: Segment): number {
    return this.low(`guest${segment}Selector`);
  }

  base(segment: Segment): bigint {
    return this.field(`guest${segment}Base`);
  }

  limit(segment: Segment): number {
    return this.low(`guest${segment}Limit`);
  }

  rights(segment: Segment): number {
    return this.low(`guest${segment}AccessRights`);
  }
}

/** The highest of so many bits is also in all bits above. */
function isExtended(value: bigint, bits: number): boolean {
  return BigInt.asUintN(64, BigInt.asIntN(bits, value)) === BigInt.asUintN(64, value);
}

/** Whether what a rule says holds of a VMCS, or the fields of which it does not. A table of them goes by the names of src/spec/vmx-rules.ts. */
export type Predicate = (v: VmcsView) => boolean | readonly string[];
export type Predicates = Readonly<Record<string, Predicate>>;
