/**
 * The two bridges of a 440FX board. The host bridge does nothing here but be found: systems look for it to see that configuration accesses work.
 * The ISA bridge (82371SB PIIX3 2.2 "PCI to ISA Bridge Registers") routes the PCI interrupt lines to interrupts of the ISA bus.
 */
import type { Line } from "../../bus/device.ts";
import { PIRQS } from "./bus.ts";
import { PciFunction } from "./function.ts";

const INTEL = 0x8086;
const SUBSYSTEM = { subsystemVendor: 0x1af4, subsystem: 0x1100 };

/** PIRQRC[A:D] "PIRQx Route Control Registers": bit 7 disables, bits 3:0 are the interrupt */
export const PIRQ_ROUTE = 0x60;
export const PIRQ_ROUTE_DISABLED = 0x80;
/** DLC "Deterministic Latency Control Register" */
const LATENCY_CONTROL = 0x82;

/** ISA interrupts that a PCI line can be routed to: not those of timer, keyboard, cascade, clock and coprocessor. */
const ROUTABLE = [3, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15];

export function hostBridge(): PciFunction {
  return new PciFunction("host bridge", { vendor: INTEL, device: 0x1237, revision: 2, classCode: 0x060000, ...SUBSYSTEM });
}

export class IsaBridge {
  readonly f = new PciFunction("ISA bridge", { vendor: INTEL, device: 0x7000, classCode: 0x060100, ...SUBSYSTEM });
  readonly #isa: ReadonlyMap<number, Line>;
  readonly #levels = new Array<boolean>(PIRQS).fill(false);
  /** lines that some route drives high; the others are left to whom they belong */
  #driven = new Set<number>();

  constructor(isa: (irq: number) => Line) {
    this.#isa = new Map(ROUTABLE.map((irq) => [irq, isa(irq)]));
    const { config } = this.f;
    for (let n = 0; n < PIRQS; n++) {
      config.set(PIRQ_ROUTE + n, 1, PIRQ_ROUTE_DISABLED);
      config.allow(PIRQ_ROUTE + n, 1, 0x8f);
    }
    config.allow(LATENCY_CONTROL, 1, 0x0f);
    config.watch({ offset: PIRQ_ROUTE, length: PIRQS, written: () => this.#route() });
  }

  /** PIRQA# to PIRQD#, as the bus drives them */
  pirq(n: number): Line {
    return {
      set: (level) => {
        this.#levels[n] = level;
        this.#route();
      },
    };
  }

  /** The ISA interrupt of a line, or undefined. */
  routeOf(n: number): number | undefined {
    const route = this.f.config.bytes[PIRQ_ROUTE + n];
    return route & PIRQ_ROUTE_DISABLED || !this.#isa.has(route & 0xf) ? undefined : route & 0xf;
  }

  #route(): void {
    const driven = new Set<number>();
    for (const [n, level] of this.#levels.entries()) {
      const irq = level ? this.routeOf(n) : undefined;
      if (irq !== undefined) driven.add(irq);
    }
    for (const irq of this.#driven) if (!driven.has(irq)) this.#isa.get(irq)?.set(false);
    for (const irq of driven) if (!this.#driven.has(irq)) this.#isa.get(irq)?.set(true);
    this.#driven = driven;
  }
}
