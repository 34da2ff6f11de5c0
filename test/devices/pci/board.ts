/** A PCI host with nothing around it, and configuration accesses as a guest makes them. */
import { AddressSpace } from "../../../src/bus/address-space.ts";
import type { Line } from "../../../src/bus/device.ts";
import { Pci } from "../../../src/devices/pci/host.ts";
import { FakeMemory } from "../memory.ts";

export class Board {
  readonly ports = new AddressSpace("ports");
  readonly addresses = new AddressSpace("addresses");
  readonly memory: FakeMemory;
  readonly messages: string[] = [];
  /** names of the lines that are asserted */
  readonly asserted = new Set<string>();
  resets = 0;
  readonly pci: Pci;

  constructor(memory = new FakeMemory(1 << 20)) {
    this.memory = memory;
    this.pci = new Pci({
      ports: this.ports,
      addresses: this.addresses,
      memory,
      send: (address, data) => this.messages.push(`${address.toString(16)}=${data.toString(16)}`),
      pin: (n) => this.#line(`pin ${n}`),
      isa: (n) => this.#line(`irq ${n}`),
      reset: () => this.resets++,
    });
  }

  get lines(): readonly string[] {
    return [...this.asserted].sort();
  }

  select(slot: number, register: number): void {
    this.ports.write(0xcf8, 4, (0x80000000 | (slot << 11) | (register & 0xfc)) >>> 0);
  }

  get(slot: number, register: number, size: number): number {
    this.select(slot, register);
    return this.ports.read(0xcfc + (register & 3), size);
  }

  set(slot: number, register: number, size: number, value: number): void {
    this.select(slot, register);
    this.ports.write(0xcfc + (register & 3), size, value);
  }

  #line(name: string): Line {
    return {
      set: (level) => {
        if (level) this.asserted.add(name);
        else this.asserted.delete(name);
      },
    };
  }
}
