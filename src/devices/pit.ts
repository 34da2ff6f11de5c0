/**
 * The 8254 interval timer of a PC and port 0x61, which has the gate and the output of its channel 2. Intel "8254 Programmable Interval Timer";
 * Intel "82371AB (PIIX4)", "NMI Status and Control Register". Channel 0 is IRQ 0; channel 1 once refreshed memory, of which the toggling bit 4
 * of port 0x61 remains.
 */
import { type Alarm, type Clock, cyclesOf, ticksOf } from "../bus/clock.ts";
import type { Device, Line, Region, Saved } from "../bus/device.ts";
import { bytePorts } from "./byte-ports.ts";
import { Counter } from "./pit-counter.ts";

export const PIT_HZ = 1_193_182;
/** half a refresh cycle: about 15 microseconds */
const REFRESH_TICKS = 18;

const SPEAKER = { GATE: 1, WRITABLE: 0xf, REFRESH: 0x10, OUTPUT: 0x20 };
const READ_BACK = { NOT_COUNT: 0x20, NOT_STATUS: 0x10 };

export class Pit implements Device {
  readonly name = "pit";
  /** port 0x40 */
  readonly ports: Region = bytePorts(
    (offset) => this.#read(offset & 3),
    (offset, value) => this.#write(offset & 3, value),
  );
  /** port 0x61 */
  readonly speaker: Region = bytePorts(
    () => this.#readSpeaker(),
    (_, value) => this.#writeSpeaker(value),
  );
  readonly #clock: Clock;
  readonly #irq: Line;
  #counters: readonly Counter[] = poweredOn();
  #control = 0;
  /** of IRQ 0 */
  #level = true;
  #rise: Alarm | undefined;

  constructor(clock: Clock, irq: Line) {
    this.#clock = clock;
    this.#irq = irq;
  }

  reset(): void {
    this.#counters = poweredOn();
    this.#control = 0;
    this.#follow();
  }

  save(): Saved {
    const tick = this.#tick;
    return { counters: this.#counters.map((c) => c.save(tick)), control: this.#control, level: this.#level };
  }

  restore(saved: Saved): void {
    const { counters, control, level } = saved as { counters: readonly Saved[]; control: number; level: boolean };
    for (const [i, counter] of this.#counters.entries()) counter.restore(counters[i]);
    this.#control = control;
    this.#drive(level);
    this.#arm();
  }

  get #tick(): number {
    return ticksOf(this.#clock, this.#clock.now, PIT_HZ);
  }

  /** The control port is write-only. */
  #read(offset: number): number {
    return offset === 3 ? 0 : this.#counters[offset].read(this.#tick);
  }

  #write(offset: number, value: number): void {
    const tick = this.#tick;
    if (offset < 3) this.#counters[offset].write(value, tick);
    else if (value >> 6 < 3) this.#counters[value >> 6].control(value & 0x3f, tick);
    else this.#readBack(value, tick);
    if (offset === 0 || (offset === 3 && value >> 6 === 0)) this.#follow();
  }

  #readBack(command: number, tick: number): void {
    for (const [i, counter] of this.#counters.entries()) {
      if ((command & (2 << i)) === 0) continue;
      if ((command & READ_BACK.NOT_COUNT) === 0) counter.latchCount(tick);
      if ((command & READ_BACK.NOT_STATUS) === 0) counter.latchStatus(tick);
    }
  }

  #readSpeaker(): number {
    const tick = this.#tick;
    const refresh = Math.floor(tick / REFRESH_TICKS) % 2 === 1 ? SPEAKER.REFRESH : 0;
    const output = this.#counters[2].output(tick) ? SPEAKER.OUTPUT : 0;
    return this.#control | refresh | output;
  }

  #writeSpeaker(value: number): void {
    this.#control = value & SPEAKER.WRITABLE;
    this.#counters[2].setGate((value & SPEAKER.GATE) !== 0, this.#tick);
  }

  /** IRQ 0 is the output of channel 0. */
  #follow(): void {
    this.#drive(this.#counters[0].output(this.#tick));
    this.#arm();
  }

  #drive(level: boolean): void {
    this.#level = level;
    this.#irq.set(level);
  }

  /** Only rising edges interrupt, so only they are waited for; the line goes low just before. */
  #arm(): void {
    this.#rise?.cancel();
    this.#rise = undefined;
    const rise = this.#counters[0].nextRise(this.#tick);
    if (rise === undefined) return;
    this.#rise = this.#clock.at(cyclesOf(this.#clock, rise, PIT_HZ), () => {
      this.#drive(false);
      this.#drive(true);
      this.#arm();
    });
  }
}

/** The gates of channels 0 and 1 are tied high. */
function poweredOn(): readonly Counter[] {
  return [new Counter(true), new Counter(true), new Counter(false)];
}
