/**
 * PCI bus 0: which function sits in which slot, where their regions answer, and what their interrupt pins and messages come to. One function a
 * slot. Regions are mapped and unmapped as software moves them; one that would lie over another stays off the bus until there is room.
 */
import { type AddressSpace, OverlapError } from "../../bus/address-space.ts";
import type { Line, Memory, SendMessage } from "../../bus/device.ts";
import type { BaseAddress, PciFunction, Upstream } from "./function.ts";

export const SLOTS = 32;
/** interrupt lines that the pins of all slots share, PIRQA# to PIRQD# */
export const PIRQS = 4;

export interface PciWires {
  readonly ports: AddressSpace;
  readonly addresses: AddressSpace;
  readonly memory: Memory;
  readonly send: SendMessage;
  readonly pirq: (n: number) => Line;
}

/**
 * Pins turn from slot to slot, so that devices, which nearly all use INTA#, spread over the lines. `pin` counts from 0 here, as in ACPI _PRT;
 * the order is that of the boards around the 440FX, where slot 1 begins with PIRQA#.
 */
export function pirqOf(slot: number, pin: number): number {
  return (slot - 1 + pin) & (PIRQS - 1);
}

interface Placed {
  readonly base: number;
  readonly unmap: () => void;
}

export class PciBus {
  readonly #wires: PciWires;
  readonly #lines: readonly Line[];
  readonly #slots: (PciFunction | undefined)[] = new Array(SLOTS).fill(undefined);
  readonly #placed = new Map<BaseAddress, Placed>();

  constructor(wires: PciWires) {
    this.#wires = wires;
    this.#lines = Array.from({ length: PIRQS }, (_, n) => wires.pirq(n));
  }

  /** Puts a function into a slot, the first free one if not told which. */
  add(f: PciFunction, slot = this.#slots.indexOf(undefined)): number {
    if (slot < 0 || slot >= SLOTS || this.#slots[slot] !== undefined) throw new RangeError(`no PCI slot for ${f.name}`);
    this.#slots[slot] = f;
    const upstream: Upstream = {
      decode: () => this.#decode(),
      interrupt: () => this.#interrupt(),
      message: (address, data) => this.#message(address, data),
    };
    f.attach(upstream);
    return slot;
  }

  at(slot: number): PciFunction | undefined {
    return this.#slots[slot];
  }

  /** Functions with their slots, in order. */
  get functions(): readonly (readonly [slot: number, f: PciFunction])[] {
    return this.#slots.flatMap((f, slot) => (f === undefined ? [] : [[slot, f] as const]));
  }

  /** Lets go of every region that moved before mapping any, so that two can change places. */
  #decode(): void {
    const wanted = this.functions.flatMap(([, f]) => f.baseAddresses.map((bar) => ({ f, bar, base: f.placeOf(bar) })));
    for (const { bar, base } of wanted) {
      const placed = this.#placed.get(bar);
      if (placed === undefined || placed.base === base) continue;
      placed.unmap();
      this.#placed.delete(bar);
    }
    for (const { f, bar, base } of wanted) if (base !== undefined && !this.#placed.has(bar)) this.#map(f, bar, base);
  }

  #map(f: PciFunction, bar: BaseAddress, base: number): void {
    const space = bar.kind === "io" ? this.#wires.ports : this.#wires.addresses;
    try {
      this.#placed.set(bar, { base, unmap: space.map(`${f.name} BAR ${bar.index}`, base, bar.size, bar.region) });
    } catch (error) {
      if (!(error instanceof OverlapError)) throw error;
    }
  }

  #interrupt(): void {
    const levels = new Array<boolean>(PIRQS).fill(false);
    for (const [slot, f] of this.functions) if (f.interrupting && f.interruptPin > 0) levels[pirqOf(slot, f.interruptPin - 1)] = true;
    for (const [n, line] of this.#lines.entries()) line.set(levels[n]);
  }

  /** To the local APICs' range it is an interrupt; elsewhere it is what it says, a write of four bytes. */
  #message(address: number, data: number): void {
    if (Math.floor(address / 2 ** 20) === 0xfee) this.#wires.send(address, data);
    else this.#wires.memory.write(address, Uint8Array.of(data, data >>> 8, data >>> 16, data >>> 24));
  }
}
