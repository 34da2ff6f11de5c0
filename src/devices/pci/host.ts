/**
 * The PCI part of the machine, as the parts list takes it: bus 0 with its two bridges behind the configuration ports. After a reset it is as
 * firmware leaves it, since there is none: regions placed in the windows that ACPI names, interrupt lines routed.
 */
import type { AddressSpace } from "../../bus/address-space.ts";
import type { Device, Line, Memory, Saved, SendMessage } from "../../bus/device.ts";
import { hostBridge, IsaBridge, PIRQ_ROUTE } from "./bridges.ts";
import { PciBus, PIRQS, pirqOf } from "./bus.ts";
import type { PciFunction } from "./function.ts";
import { CONFIGURATION_PORTS, CONFIGURATION_PORTS_LENGTH, ConfigurationMechanism } from "./mechanism.ts";
import { COMMAND, COMMAND_IO, COMMAND_MEMORY, INTERRUPT_LINE } from "./registers.ts";

/** Windows of the bus, for the host bridge's _CRS as well. */
export const PCI_MEMORY = { base: 0xc0000000, end: 0xfec00000 } as const;
export const PCI_PORTS = { base: 0xc000, end: 0x10000 } as const;

/** the I/O APIC's pin of PIRQA#; B to D follow */
export const PIRQ_PIN = 16;
/** ISA interrupts of PIRQA# to PIRQD#, for systems without the I/O APIC; level-triggered in the ELCR */
export const PIRQ_IRQS: readonly number[] = [10, 10, 11, 11];

/** The I/O APIC's pin that the interrupt of a slot's pin (from 0, as in _PRT) arrives at. */
export function gsiOf(slot: number, pin: number): number {
  return PIRQ_PIN + pirqOf(slot, pin);
}

export interface PciSetting {
  readonly ports: AddressSpace;
  readonly addresses: AddressSpace;
  readonly memory: Memory;
  readonly send: SendMessage;
  /** pins of the I/O APIC */
  readonly pin: (n: number) => Line;
  /** interrupts of the ISA bus */
  readonly isa: (irq: number) => Line;
  /** asked for by the reset control register */
  readonly reset: () => void;
}

export class Pci implements Device {
  readonly name = "pci";
  readonly bus: PciBus;
  readonly #isaBridge: IsaBridge;
  readonly #mechanism: ConfigurationMechanism;

  constructor({ ports, addresses, memory, send, pin, isa, reset }: PciSetting) {
    const isaBridge = new IsaBridge(isa);
    const pirq = (n: number): Line => {
      const outputs = [pin(PIRQ_PIN + n), isaBridge.pirq(n)];
      return {
        set: (level) => {
          for (const output of outputs) output.set(level);
        },
      };
    };
    this.bus = new PciBus({ ports, addresses, memory, send, pirq });
    this.#isaBridge = isaBridge;
    this.#mechanism = new ConfigurationMechanism(this.bus, reset);
    this.bus.add(hostBridge());
    this.bus.add(isaBridge.f);
    ports.map("PCI configuration", CONFIGURATION_PORTS, CONFIGURATION_PORTS_LENGTH, this.#mechanism);
    this.reset();
  }

  /** Puts a function into the next free slot, where firmware finds it. Returns the slot. */
  add(f: PciFunction): number {
    const slot = this.bus.add(f);
    this.#setUp();
    return slot;
  }

  reset(): void {
    this.#mechanism.address = this.#mechanism.resetControl = 0;
    for (const [, f] of this.bus.functions) f.reset();
    this.#setUp();
  }

  /** Devices save their own functions; these are the bridges'. */
  save(): Saved {
    const { address, resetControl } = this.#mechanism;
    return { address, resetControl, bridges: this.#bridges.map((f) => f.save()) };
  }

  restore(saved: Saved): void {
    const { address, resetControl, bridges } = saved as { address: number; resetControl: number; bridges: readonly Uint8Array[] };
    this.#mechanism.address = address;
    this.#mechanism.resetControl = resetControl;
    for (const [n, f] of this.#bridges.entries()) f.restore(bridges[n]);
  }

  get #bridges(): readonly PciFunction[] {
    return [0, 1].map((slot) => this.bus.at(slot) as PciFunction);
  }

  /** What firmware does: a place for every region, each aligned to its size, and the interrupt lines' numbers. */
  #setUp(): void {
    for (let n = 0; n < PIRQS; n++) this.#isaBridge.f.config.write(PIRQ_ROUTE + n, 1, PIRQ_IRQS[n]);
    const next = { io: PCI_PORTS.base as number, memory: PCI_MEMORY.base as number };
    for (const [slot, f] of this.bus.functions) {
      for (const bar of f.baseAddresses) {
        const space = bar.kind === "io" ? "io" : "memory";
        const base = Math.ceil(next[space] / bar.size) * bar.size;
        next[space] = base + bar.size;
        f.place(bar, base);
      }
      if (f.interruptPin > 0) f.config.write(INTERRUPT_LINE, 1, PIRQ_IRQS[pirqOf(slot, f.interruptPin - 1)]);
      f.config.write(COMMAND, 2, COMMAND_IO | COMMAND_MEMORY);
    }
  }
}
