/**
 * The I/O APIC: 24 pins, each with an entry that says which message an interrupt on it becomes. 82093AA I/O Advanced Programmable Interrupt
 * Controller; version 20h, which has an EOI register as well. Messages leave in the format of MSI (SDM Vol. 3 "Message Address Register
 * Format", "Message Data Register Format"), whose data has the same fields at the same places as an entry's low half.
 *
 *   63        56                 17 16  15    14    13     12     11    10   8 7      0
 *  ┌────────────┬─ ─ ─ ─ ─ ─ ─ ─┬────┬─────┬─────┬──────┬──────┬──────┬──────┬────────┐
 *  │ destination│                │mask│level│ IRR │ low  │pend. │logic.│ mode │ vector │
 *  └────────────┴─ ─ ─ ─ ─ ─ ─ ─┴────┴─────┴─────┴──────┴──────┴──────┴──────┴────────┘
 *
 * Messages are accepted at once, so delivery is never pending. Lines are asserted or not: the polarity bit is kept and means nothing.
 */
import type { AccessSize, Device, Line, Region, Saved, SendMessage } from "../bus/device.ts";

export const PINS = 24;

const VERSION = 0x20 | ((PINS - 1) << 16);

const SELECT = 0x00;
const WINDOW = 0x10;
const EOI = 0x40;

const ID = 0;
const VERSION_REGISTER = 1;
const ARBITRATION = 2;
const TABLE = 0x10;

const LOGICAL = 1 << 11;
const PENDING = 1 << 12;
const REMOTE_IRR = 1 << 14;
const LEVEL = 1 << 15;
const MASKED = 1 << 16;
const WRITABLE = 0x1ffff & ~(PENDING | REMOTE_IRR);

const MESSAGE_ADDRESS = 0xfee00000;
const ADDRESS_LOGICAL = 1 << 2;
const DATA_ASSERT = 1 << 14;

/** Delivery modes that know levels; SMI, NMI, INIT and ExtINT are sent on edges whatever the entry says. */
const FIXED = 0;
const LOWEST_PRIORITY = 1;

export type Redirection = {
  readonly low: number;
  readonly high: number;
};

export class IoApic implements Device, Region {
  readonly name = "ioapic";
  readonly #send: SendMessage;
  #select = 0;
  #id = 0;
  #arbitration = 0;
  /** bit n: pin n is asserted */
  #levels = 0;
  #low = new Uint32Array(PINS).fill(MASKED);
  #high = new Uint32Array(PINS);

  constructor(send: SendMessage) {
    this.#send = send;
  }

  /** What a line of the machine is wired to. */
  pin(n: number): Line {
    return { set: (level) => this.#set(n, level) };
  }

  /** A local APIC has seen the end of the level-triggered interrupt `vector`: lines still asserted ask again. */
  eoi(vector: number): void {
    for (let n = 0; n < PINS; n++) {
      if ((this.#low[n] & 0xff) !== vector || !(this.#low[n] & REMOTE_IRR)) continue;
      this.#low[n] &= ~REMOTE_IRR;
      this.#serve(n);
    }
  }

  /** The table as the monitor shows it. */
  get entries(): readonly Redirection[] {
    return Array.from(this.#low, (low, n) => ({ low, high: this.#high[n] }));
  }

  read(offset: number, size: AccessSize): number {
    const value = (offset & ~3) === WINDOW ? this.#readRegister() : (offset & ~3) === SELECT ? this.#select : 0;
    const part = value >>> ((offset & 3) * 8);
    return size === 4 ? part : part & ((1 << (size * 8)) - 1);
  }

  /** Registers are written as doublewords; the select register's one byte may be written alone. */
  write(offset: number, size: AccessSize, value: number): void {
    if (offset === SELECT) this.#select = value & 0xff;
    else if (offset === WINDOW && size === 4) this.#writeRegister(value);
    else if (offset === EOI) this.eoi(value & 0xff);
  }

  /** Lines belong to those who drive them: they keep their levels. */
  reset(): void {
    this.#select = this.#id = this.#arbitration = 0;
    this.#low.fill(MASKED);
    this.#high.fill(0);
  }

  save(): Saved {
    const { entries } = this;
    return {
      select: this.#select,
      id: this.#id,
      arbitration: this.#arbitration,
      levels: this.#levels,
      entries: entries.map(({ low, high }) => ({ low, high })),
    };
  }

  restore(saved: Saved): void {
    const s = saved as { select: number; id: number; arbitration: number; levels: number; entries: readonly Redirection[] };
    this.#select = s.select;
    this.#id = s.id;
    this.#arbitration = s.arbitration;
    this.#levels = s.levels;
    this.#low.set(s.entries.map((e) => e.low));
    this.#high.set(s.entries.map((e) => e.high));
  }

  #readRegister(): number {
    const register = this.#select;
    if (register === ID) return this.#id << 24;
    if (register === VERSION_REGISTER) return VERSION;
    if (register === ARBITRATION) return this.#arbitration << 24;
    const n = (register - TABLE) >> 1;
    if (n < 0 || n >= PINS) return 0;
    return register & 1 ? this.#high[n] : this.#low[n];
  }

  #writeRegister(value: number): void {
    const register = this.#select;
    // 82093AA "APIC Arbitration Register": writing the ID loads it
    if (register === ID) this.#id = this.#arbitration = (value >>> 24) & 0xf;
    const n = (register - TABLE) >> 1;
    if (n < 0 || n >= PINS) return;
    if (register & 1) {
      this.#high[n] = value & 0xff000000;
      return;
    }
    let low = (value & WRITABLE) | (this.#low[n] & REMOTE_IRR);
    // QUIRK: systems for I/O APICs without an EOI register switch a pin to edge and back to be rid of its IRR; KVM and QEMU do so too
    if (!(low & LEVEL)) low &= ~REMOTE_IRR;
    this.#low[n] = low;
    this.#serve(n);
  }

  #set(n: number, level: boolean): void {
    const bit = 1 << n;
    const before = (this.#levels & bit) !== 0;
    if (before === level) return;
    this.#levels ^= bit;
    if (!level) return;
    // an edge on a masked pin is lost: 82093AA "I/O Redirection Table Registers", Interrupt Mask
    if (knowsLevels(this.#low[n])) this.#serve(n);
    else if (!(this.#low[n] & MASKED)) this.#deliver(n);
  }

  /** Sends the interrupt of a level-triggered pin that is asserted and not yet being served. */
  #serve(n: number): void {
    const low = this.#low[n];
    if (!knowsLevels(low) || low & (MASKED | REMOTE_IRR) || !(this.#levels & (1 << n))) return;
    this.#low[n] |= REMOTE_IRR;
    this.#deliver(n);
  }

  #deliver(n: number): void {
    const low = this.#low[n];
    const trigger = knowsLevels(low) ? LEVEL : 0;
    const destination = this.#high[n] >>> 24;
    this.#send(
      (MESSAGE_ADDRESS | (destination << 12) | (low & LOGICAL ? ADDRESS_LOGICAL : 0)) >>> 0,
      (low & 0x7ff) | trigger | DATA_ASSERT,
    );
  }
}

function knowsLevels(low: number): boolean {
  const mode = (low >> 8) & 7;
  return (low & LEVEL) !== 0 && (mode === FIXED || mode === LOWEST_PRIORITY);
}
