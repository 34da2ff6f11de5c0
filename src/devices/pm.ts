/**
 * The fixed hardware of ACPI: PM1 event and control registers and the power management timer. ACPI Specification, "ACPI Register Model".
 *
 * The machine has no legacy mode, so SCI_EN is always set; the one sleeping state it knows is soft-off, as SLP_TYP 0. Events are status bits
 * that stay until a 1 is written to them, and the SCI is high while one of them is enabled.
 */
import { type Alarm, type Clock, cyclesOf, ticksOf } from "../bus/clock.ts";
import type { AccessSize, Device, Line, Region, Saved } from "../bus/device.ts";

export const PM_TIMER_HZ = 3_579_545;
/** The timer has 32 bits; its event is that the highest one changes. */
const TIMER_RANGE = 2 ** 32;
const HALF_RANGE = TIMER_RANGE / 2;

/** status and enable bits have the same places */
const EVENT = { TIMER: 1 << 0, GLOBAL: 1 << 5, POWER_BUTTON: 1 << 8, CLOCK: 1 << 10, WAKE: 1 << 15 };
/** The clock's can be enabled, as systems do to see if it is there; it would be for waking, so it never happens. */
const ENABLES = EVENT.TIMER | EVENT.GLOBAL | EVENT.POWER_BUTTON | EVENT.CLOCK;
const CONTROL = { SCI_EN: 1, SLP_TYP: 10, SLP_EN: 1 << 13, KEPT: 0x1c03 };
const SOFT_OFF = 0;

export class Pm implements Device {
  readonly name = "pm";
  /** port 0x600: PM1 status and enable */
  readonly events: Region = registers((offset) => (offset === 0 ? this.#readStatus() : this.#enabled), {
    0: (value, mask) => this.#clear(value & mask),
    2: (value, mask) => this.#enable((this.#enabled & ~mask) | (value & mask)),
  });
  /** port 0x604: PM1 control */
  readonly control: Region = registers((offset) => (offset === 0 ? this.#control | CONTROL.SCI_EN : 0), {
    0: (value, mask) => this.#sleep((this.#control & ~mask) | (value & mask)),
  });
  /** port 0x608; read-only */
  readonly timer: Region = {
    read: (offset, size) => ((this.#tick >>> (8 * offset)) & (0xffffffff >>> (32 - 8 * size))) >>> 0,
    write: () => {},
  };
  readonly #clock: Clock;
  readonly #sci: Line;
  readonly #powerOff: () => void;
  #status = 0;
  #enabled = 0;
  #control = 0;
  /** how often the timer's highest bit had changed when that was last looked at */
  #halves = 0;
  #alarm: Alarm | undefined;

  constructor(clock: Clock, sci: Line, powerOff: () => void) {
    this.#clock = clock;
    this.#sci = sci;
    this.#powerOff = powerOff;
  }

  /** The host pushes the power button: a guest that listens shuts down. */
  pressPowerButton(): void {
    this.#status |= EVENT.POWER_BUTTON;
    this.#update();
  }

  reset(): void {
    this.#status = this.#enabled = this.#control = 0;
    this.#halves = Math.floor(this.#tick / HALF_RANGE);
    this.#update();
  }

  save(): Saved {
    return { status: this.#status, enabled: this.#enabled, control: this.#control, halves: this.#halves };
  }

  restore(saved: Saved): void {
    const { status, enabled, control, halves } = saved as Record<"status" | "enabled" | "control" | "halves", number>;
    this.#status = status;
    this.#enabled = enabled;
    this.#control = control;
    this.#halves = halves;
    this.#update();
  }

  get #tick(): number {
    return ticksOf(this.#clock, this.#clock.now, PM_TIMER_HZ);
  }

  #readStatus(): number {
    this.#look();
    return this.#status;
  }

  #clear(bits: number): void {
    this.#look();
    this.#status &= ~bits;
    this.#update();
  }

  #enable(bits: number): void {
    this.#enabled = bits & ENABLES;
    this.#update();
  }

  #sleep(value: number): void {
    this.#control = value & CONTROL.KEPT;
    if ((value & CONTROL.SLP_EN) !== 0 && ((value >> CONTROL.SLP_TYP) & 7) === SOFT_OFF) this.#powerOff();
  }

  #look(): void {
    const halves = Math.floor(this.#tick / HALF_RANGE);
    if (halves !== this.#halves) this.#status |= EVENT.TIMER;
    this.#halves = halves;
  }

  #update(): void {
    this.#look();
    this.#alarm?.cancel();
    this.#alarm = undefined;
    this.#sci.set((this.#status & this.#enabled) !== 0);
    if ((this.#enabled & ~this.#status & EVENT.TIMER) === 0) return;
    this.#alarm = this.#clock.at(cyclesOf(this.#clock, (this.#halves + 1) * HALF_RANGE, PM_TIMER_HZ), () => this.#update());
  }
}

/** Registers of 16 bits, of which bytes and pairs can be accessed as well. `mask` says which bits are written. */
function registers(read: (offset: number) => number, writes: Readonly<Record<number, (value: number, mask: number) => void>>): Region {
  return {
    read: (offset: number, size: AccessSize) => {
      let value = 0;
      for (let i = size - 1; i >= 0; i--) {
        const at = offset + i;
        value = (value << 8) | ((read(at & ~1) >> ((at & 1) * 8)) & 0xff);
      }
      return value >>> 0;
    },
    write: (offset: number, size: AccessSize, value: number) => {
      for (let done = 0; done < size; ) {
        const at = offset + done;
        const bytes = Math.min(size - done, 2 - (at & 1));
        const mask = (bytes === 1 ? 0xff : 0xffff) << ((at & 1) * 8);
        writes[at & ~1]?.((value >>> (done * 8)) << ((at & 1) * 8), mask);
        done += bytes;
      }
    },
  };
}
