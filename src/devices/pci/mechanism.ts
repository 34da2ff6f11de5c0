/**
 * Configuration mechanism 1: an address register at port 0xCF8 and a window onto four bytes of configuration space at 0xCFC. PCI Local Bus 3.0
 * 3.2.2.3.2 "Software Generation of Configuration Transactions". The PIIX3's reset control register is byte 1 of the same range.
 *
 *   31       30      24 23    16 15    11 10      8 7        2 1 0
 *  ┌────────┬──────────┬────────┬────────┬──────────┬──────────┬───┐
 *  │ enable │ reserved │  bus   │  slot  │ function │ register │0 0│
 *  └────────┴──────────┴────────┴────────┴──────────┴──────────┴───┘
 */
import type { AccessSize, Region } from "../../bus/device.ts";
import type { PciBus } from "./bus.ts";
import type { PciFunction } from "./function.ts";

export const CONFIGURATION_PORTS = 0xcf8;
export const CONFIGURATION_PORTS_LENGTH = 8;

const ADDRESS = 0;
const RESET_CONTROL = 1;
const DATA = 4;

const ENABLE = 0x80000000;
const ADDRESS_BITS = 0x80fffffc;
const RESET_HARD = 1 << 1;
const RESET_NOW = 1 << 2;

export class ConfigurationMechanism implements Region {
  address = 0;
  resetControl = 0;
  readonly #bus: PciBus;
  readonly #reset: () => void;

  constructor(bus: PciBus, reset: () => void) {
    this.#bus = bus;
    this.#reset = reset;
  }

  read(offset: number, size: AccessSize): number {
    if (offset === ADDRESS && size === 4) return this.address;
    if (offset === RESET_CONTROL && size === 1) return this.resetControl;
    const f = offset < DATA ? undefined : this.#selected();
    return f === undefined ? 0xffffffff >>> (32 - 8 * size) : f.config.read((this.address & 0xfc) + (offset - DATA), size);
  }

  /** Only doublewords reach the address register: narrower accesses are ordinary port accesses. */
  write(offset: number, size: AccessSize, value: number): void {
    if (offset === ADDRESS && size === 4) this.address = (value & ADDRESS_BITS) >>> 0;
    else if (offset === RESET_CONTROL && size === 1) this.#control(value);
    else if (offset >= DATA) this.#selected()?.config.write((this.address & 0xfc) + (offset - DATA), size, value);
  }

  #control(value: number): void {
    this.resetControl = value & RESET_HARD;
    if (value & RESET_NOW) this.#reset();
  }

  #selected(): PciFunction | undefined {
    const enabled = (this.address & ENABLE) !== 0;
    const bus = (this.address >>> 16) & 0xff;
    const number = (this.address >>> 8) & 7;
    return enabled && bus === 0 && number === 0 ? this.#bus.at((this.address >>> 11) & 0x1f) : undefined;
  }
}
