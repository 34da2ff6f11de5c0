/**
 * Message signalled interrupts, one vector, 64-bit address, with a mask. PCI Local Bus 3.0 6.8.1 "MSI Capability Structure".
 *
 *   +0 id 05h │ next │ message control     +4 address   +8 upper address   +12 data   +16 mask   +20 pending
 */
import type { PciFunction } from "./function.ts";
import { CAPABILITY_MSI } from "./registers.ts";

const CONTROL = 2;
const ADDRESS = 4;
const UPPER_ADDRESS = 8;
const DATA = 12;
const MASK = 16;
const PENDING = 20;
const LENGTH = 24;

const CONTROL_ENABLE = 1 << 0;
const CONTROL_64 = 1 << 7;
const CONTROL_MASKABLE = 1 << 8;

export class Msi {
  readonly #f: PciFunction;
  readonly #at: number;

  constructor(f: PciFunction) {
    const { config } = f;
    this.#f = f;
    this.#at = config.capability(CAPABILITY_MSI, LENGTH);
    config.set(this.#at + CONTROL, 2, CONTROL_64 | CONTROL_MASKABLE);
    config.allow(this.#at + CONTROL, 2, CONTROL_ENABLE);
    config.allow(this.#at + ADDRESS, 4, 0xfffffffc);
    config.allow(this.#at + UPPER_ADDRESS, 4, 0xffffffff);
    config.allow(this.#at + DATA, 2, 0xffff);
    config.allow(this.#at + MASK, 4, 1);
    config.watch({ offset: this.#at, length: LENGTH, written: () => this.#serve() });
  }

  get enabled(): boolean {
    return (this.#get(CONTROL) & CONTROL_ENABLE) !== 0;
  }

  /** Sends the message, or keeps it until it is no longer masked. */
  signal(): void {
    if (!this.enabled) return;
    this.#f.config.set(this.#at + PENDING, 4, 1);
    this.#serve();
  }

  #serve(): void {
    if (!this.enabled || this.#get(MASK) & 1 || !(this.#get(PENDING) & 1)) return;
    this.#f.config.set(this.#at + PENDING, 4, 0);
    this.#f.sendMessage(this.#get(UPPER_ADDRESS) * 2 ** 32 + this.#get(ADDRESS), this.#get(DATA) & 0xffff);
  }

  #get(field: number): number {
    return this.#f.config.get(this.#at + field, field === CONTROL ? 2 : 4);
  }
}
