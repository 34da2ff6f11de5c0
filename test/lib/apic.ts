/** A bare machine whose local APIC is on, with handlers that tell which interrupt came: every gate leads to a HLT of its own. */
import type { CoreHost } from "../../src/core/core.ts";
import { Ring0, SELECTOR } from "./ring0.ts";

/** where the xAPIC's registers stand in linear memory */
export const LAPIC = 0x60_0000;
const LAPIC_PAGE = 0xfee0_0000;
const PAGES = 0x3000;
const HANDLERS = 0x1_8000;
const STRIDE = 32;
const X2APIC_ON = 0xfee0_0d00;
const IA32_APIC_BASE = 0x1b;

/** code that writes an MSR */
export const wrmsr = (number: number, value: number | bigint): string => {
  const v = BigInt.asUintN(64, BigInt(value));
  return `B9${le(BigInt(number))}B8${le(v & 0xffff_ffffn)}BA${le(v >> 32n)}0F30`;
};
/** code that reads an MSR into RAX */
export const rdmsr = (number: number): string => `B9${le(BigInt(number))}0F32 48C1E220 4809D0`;
/** code that writes a register of the local APIC in memory, by its offset */
export const poke = (offset: number, value: number): string => `C70425${le(BigInt(LAPIC + offset))}${le(BigInt(value >>> 0))}`;
/** code that reads one into EAX */
export const peek = (offset: number): string => `8B0425${le(BigInt(LAPIC + offset))}`;

export const X2APIC = wrmsr(IA32_APIC_BASE, X2APIC_ON);
/** software enable, spurious vector FF */
export const ENABLE = wrmsr(0x80f, 0x1ff);

export class ApicMachine extends Ring0 {
  constructor(host: Partial<CoreHost> = {}) {
    super(host);
    this.write(PAGES + 24, BigInt(LAPIC_PAGE) | 0x87n).interruptible();
    for (let vector = 0; vector < 256; vector++) {
      this.gate(vector, SELECTOR.CODE64, HANDLERS + STRIDE * vector);
      this.code("F4", HANDLERS + STRIDE * vector);
    }
    this.vcpu.rflags = 0x202;
  }

  /** the vector whose handler has halted the machine, or undefined if it stands elsewhere */
  get handled(): number | undefined {
    const at = Number(this.vcpu.get("rip")) - 1 - HANDLERS;
    return at >= 0 && at < STRIDE * 256 && at % STRIDE === 0 ? at / STRIDE : undefined;
  }

  /** the handler of `vector` does this instead */
  handler(vector: number, code: string): this {
    return this.code(code, HANDLERS + STRIDE * vector);
  }
}

function le(v: bigint): string {
  return [0n, 8n, 16n, 24n].map((shift) => ((v >> shift) & 0xffn).toString(16).padStart(2, "0")).join("");
}
