/**
 * A VMM on a bare machine whose "OS" is a loop in ring 0: it counts in R15, asks CPUID and writes to memory. The pool is behind the OS's
 * memory. `osState` is all that a failed verb must not change.
 */
import { readFileSync } from "node:fs";
import { max } from "../../src/cpus/max.ts";
import { Vmm, type VmmOptions } from "../../src/driver/vmm.ts";
import { GuestMemory } from "../../src/machine/guest-memory.ts";
import { layout, STATE } from "../../src/spec/state.ts";
import type { Faults } from "../../src/vmm/faults.ts";
import { DATA, Ring0 } from "./ring0.ts";

const RAM_MIB = 12;
const POOL = 4n << 20n;
const POOL_BYTES = 8n << 20n;
const model = { ...max, features: [...max.features, "vmx"] };

/** loop: inc r15; xor eax, eax; xor ecx, ecx; cpuid; mov [DATA], r15; jmp loop */
export const OS = `49FFC7 31C0 31C9 0FA2 4C893C25${Buffer.from(Uint32Array.of(DATA).buffer).toString("hex")} EBED`;

export const RUNTIME = new Uint8Array(readFileSync("src/modules/runtime/runtime.so"));

export interface OsState {
  readonly vcpu: Uint8Array;
  readonly rflags: bigint;
  readonly interruptibility: number;
  readonly ram: Uint8Array;
}

/**
 * Fields that say the same in several ways: status flags are kept as an operation and its result, an interrupt shadow as the count of
 * instructions that it lasts for, and `link` is the interpreter's guess at the next block. What they say is compared instead.
 */
const FORMS: ReadonlySet<string> = new Set(["link", "flagR", "flagA", "flagKind", "flagsOther", "inhibit", "inhibitAt"]);
const { fields, size } = layout(STATE);
/** the others, each with what is between it and the next one */
const FIELDS = fields
  .map(({ name, offset }, i) => ({ name, offset, end: fields[i + 1]?.offset ?? size }))
  .filter(({ name }) => !FORMS.has(name));

export class VmmHost {
  readonly os: Ring0;
  readonly vmm: Vmm;
  /** what the VMM has printed */
  serial = "";

  constructor(options: Partial<VmmOptions> = {}) {
    this.os = new Ring0({}, RAM_MIB, model);
    this.os.code(OS);
    this.os.vcpu.refresh();
    this.vmm = new Vmm({
      core: this.os.core,
      memory: new GuestMemory(this.os.core),
      pool: { physical: POOL, bytes: POOL_BYTES },
      heapPoolBytes: 0x10_0000n,
      pagePoolBytes: 0x40_0000n,
      runtime: RUNTIME,
      serial: (text) => {
        this.serial += text;
      },
      ...options,
    });
  }

  /** Lets the OS go round its loop; how often it did. */
  run(instructions = 600n): bigint {
    const before = this.os.vcpu.get("r15");
    this.os.vcpu.run(instructions);
    return this.os.vcpu.get("r15") - before;
  }

  osState(): OsState {
    const { rflags, interruptibility } = this.vmm.cpu;
    return { vcpu: this.os.vcpu.bytes.slice(), rflags, interruptibility, ram: this.os.core.ram.slice(0, Number(POOL)) };
  }

  /** What of the OS is not as it was, by name or address; empty: every bit is the same. */
  changes(before: OsState): readonly string[] {
    const { vcpu } = this.os;
    const fields = FIELDS.filter(
      ({ offset, end }) => !Buffer.from(vcpu.bytes.subarray(offset, end)).equals(before.vcpu.subarray(offset, end)),
    );
    const ram = this.os.core.ram.subarray(0, Number(POOL));
    const at = Buffer.from(before.ram).equals(ram) ? -1 : before.ram.findIndex((byte, i) => byte !== ram[i]);
    const { rflags, interruptibility } = this.vmm.cpu;
    return [
      ...fields.map(({ name }) => name),
      ...(rflags === before.rflags ? [] : ["rflags"]),
      ...(interruptibility === before.interruptibility ? [] : ["interruptibility"]),
      ...(at < 0 ? [] : [`memory at 0x${at.toString(16)}`]),
    ];
  }
}

/** Counts steps, and makes one of them fail. */
export class OneFault implements Faults {
  steps: string[] = [];
  #at = 0;

  /** From now on, the n-th step fails; 0: none does. */
  arm(n = 0): void {
    this.steps = [];
    this.#at = n;
  }

  fails(step: string): boolean {
    return this.steps.push(step) === this.#at;
  }
}
