/**
 * The MC146818 real-time clock with its CMOS memory. Motorola "MC146818 Real-Time Clock plus RAM"; the bytes above 0x0D as PC firmware leaves
 * them (Ralf Brown's "CMOS Memory Map").
 *
 * Time follows from the machine's clock and the time at which the machine was started; interrupt flags are worked out when they are read, and
 * alarms are asked for only while an interrupt is enabled. An update takes no time; update-in-progress is set for the 244 microseconds before.
 */
import { type Alarm, type Clock, cyclesOf, ticksOf } from "../bus/clock.ts";
import type { Device, Line, Region, Saved } from "../bus/device.ts";
import { bytePorts } from "./byte-ports.ts";

/** the crystal; the divider chain counts its ticks, and a second is so many */
const CRYSTAL_HZ = 32_768;
/** ticks before an update in which update-in-progress is set: 244 microseconds */
const UIP_TICKS = 8;
const DAY = 86_400;

const REG = {
  SECONDS: 0,
  SECONDS_ALARM: 1,
  MINUTES_ALARM: 3,
  HOURS_ALARM: 5,
  WEEKDAY: 6,
  YEAR: 9,
  A: 10,
  B: 11,
  C: 12,
  D: 13,
  CENTURY: 0x32,
};
const A = { UIP: 0x80, DIVIDER: 0x70, RUNNING: 0x20, RATE: 0xf };
const B = { SET: 0x80, PIE: 0x40, AIE: 0x20, UIE: 0x10, BINARY: 4, HOURS24: 2 };
const C = { IRQ: 0x80, PERIODIC: 0x40, ALARM: 0x20, UPDATE: 0x10 };
const D = { VALID: 0x80 };
const PM = 0x80;
/** an alarm byte from here on matches anything */
const ANY = 0xc0;

export interface RtcOptions {
  /** milliseconds since 1970 at cycle 0 */
  readonly start: number;
  /** bytes of RAM below and above 4 GiB */
  readonly lowMemory: number;
  readonly highMemory: number;
  readonly cpus: number;
}

export class Rtc implements Device {
  readonly name = "rtc";
  /** port 0x70 */
  readonly ports: Region = bytePorts(
    (offset) => ((offset & 1) === 0 ? 0xff : this.#read(this.#index)),
    (offset, value) => {
      if ((offset & 1) === 0) this.#index = value & 0x7f;
      else this.#write(this.#index, value);
    },
  );
  readonly #clock: Clock;
  readonly #irq: Line;
  #index = 0;
  #cmos: Uint8Array = new Uint8Array(128);
  /** the time in seconds since 1970 at crystal tick `#base`, while the clock runs */
  #time: number;
  #base = 0;
  /** crystal tick up to which the flags of register C are known */
  #checked = 0;
  #alarm: Alarm | undefined;

  constructor(clock: Clock, irq: Line, options: RtcOptions) {
    this.#clock = clock;
    this.#irq = irq;
    this.#time = Math.floor(options.start / 1000);
    this.#base = -Math.floor(((options.start - this.#time * 1000) * CRYSTAL_HZ) / 1000);
    this.#cmos.set(firmwareBytes(options));
    this.#cmos[REG.A] = A.RUNNING | 6;
    this.#cmos[REG.B] = B.HOURS24;
    this.#cmos[REG.D] = D.VALID;
    this.#storeTime();
  }

  /** The battery keeps time and memory; RESET clears the interrupts. */
  reset(): void {
    this.#check();
    this.#index = 0;
    this.#cmos[REG.B] &= ~(B.PIE | B.AIE | B.UIE);
    this.#cmos[REG.C] = 0;
    this.#update();
  }

  save(): Saved {
    this.#check();
    return { index: this.#index, cmos: this.#cmos.slice(), time: this.#time, base: this.#base, checked: this.#checked };
  }

  restore(saved: Saved): void {
    const { index, cmos, time, base, checked } = saved as { index: number; cmos: Uint8Array; time: number; base: number; checked: number };
    this.#index = index;
    this.#cmos = cmos.slice();
    this.#time = time;
    this.#base = base;
    this.#checked = checked;
    this.#update();
  }

  get #tick(): number {
    return ticksOf(this.#clock, this.#clock.now, CRYSTAL_HZ);
  }

  /** The divider chain counts. */
  get #divides(): boolean {
    return (this.#cmos[REG.A] & A.DIVIDER) === A.RUNNING;
  }

  /** The time is updated every second. */
  get #runs(): boolean {
    return this.#divides && (this.#cmos[REG.B] & B.SET) === 0;
  }

  #read(register: number): number {
    if (isTime(register)) this.#storeTime();
    if (register === REG.A) return this.#cmos[REG.A] | (this.#updateInProgress ? A.UIP : 0);
    if (register !== REG.C) return this.#cmos[register];
    this.#check();
    const flags = this.#cmos[REG.C];
    this.#cmos[REG.C] = 0;
    this.#update();
    return flags;
  }

  #write(register: number, value: number): void {
    const cmos = this.#cmos;
    this.#check();
    switch (register) {
      case REG.A:
        this.#storeTime();
        this.#setDivider(value & 0x7f);
        break;
      case REG.B: {
        const stood = !this.#runs;
        this.#storeTime();
        cmos[REG.B] = (value & B.SET) !== 0 ? value & ~B.UIE : value;
        // a clock that runs keeps its time when only the format changes
        if (stood) this.#loadTime();
        break;
      }
      case REG.C:
      case REG.D:
        return;
      default:
        if (isTime(register)) this.#storeTime();
        cmos[register] = value;
        if (isTime(register)) this.#loadTime();
    }
    this.#update();
  }

  get #updateInProgress(): boolean {
    return this.#runs && this.#phase(this.#tick) >= CRYSTAL_HZ - UIP_TICKS;
  }

  /** Ticks since the last update. */
  #phase(tick: number): number {
    return modulo(tick - this.#base, CRYSTAL_HZ);
  }

  /** A divider that is released from reset makes its first update half a second later. */
  #setDivider(value: number): void {
    const divided = this.#divides;
    this.#cmos[REG.A] = value;
    if (this.#divides && !divided) this.#base = this.#tick - CRYSTAL_HZ / 2;
    this.#loadTime();
  }

  /** Puts the time into its registers. */
  #storeTime(): void {
    if (!this.#runs) return;
    const date = new Date((this.#time + Math.floor((this.#tick - this.#base) / CRYSTAL_HZ)) * 1000);
    const cmos = this.#cmos;
    const hours = date.getUTCHours();
    const year = date.getUTCFullYear();
    cmos[REG.SECONDS] = this.#encode(date.getUTCSeconds());
    cmos[REG.SECONDS + 2] = this.#encode(date.getUTCMinutes());
    cmos[REG.SECONDS + 4] = this.#encodeHours(hours);
    cmos[REG.WEEKDAY] = this.#encode(date.getUTCDay() + 1);
    cmos[REG.WEEKDAY + 1] = this.#encode(date.getUTCDate());
    cmos[REG.WEEKDAY + 2] = this.#encode(date.getUTCMonth() + 1);
    cmos[REG.YEAR] = this.#encode(year % 100);
    cmos[REG.CENTURY] = this.#encode(Math.floor(year / 100) % 100);
  }

  /** Takes the time from its registers; nonsense in them becomes some time or other. The second goes on where it was. */
  #loadTime(): void {
    if (!this.#runs) return;
    const cmos = this.#cmos;
    const year = this.#decode(cmos[REG.CENTURY]) * 100 + this.#decode(cmos[REG.YEAR]);
    const month = this.#decode(cmos[REG.WEEKDAY + 2]) - 1;
    const day = this.#decode(cmos[REG.WEEKDAY + 1]);
    const [hours, minutes, seconds] = [this.#decodeHours(cmos[4]), this.#decode(cmos[2]), this.#decode(cmos[0])];
    const tick = this.#tick;
    this.#base = tick - this.#phase(tick);
    this.#time = Math.floor(Date.UTC(year, month, day, hours, minutes, seconds) / 1000);
  }

  #encode(value: number): number {
    return (this.#cmos[REG.B] & B.BINARY) !== 0 ? value : (Math.floor(value / 10) << 4) | (value % 10);
  }

  #decode(byte: number): number {
    return (this.#cmos[REG.B] & B.BINARY) !== 0 ? byte : (byte >> 4) * 10 + (byte & 0xf);
  }

  #encodeHours(hours: number): number {
    if ((this.#cmos[REG.B] & B.HOURS24) !== 0) return this.#encode(hours);
    return this.#encode(hours % 12 || 12) | (hours >= 12 ? PM : 0);
  }

  #decodeHours(byte: number): number {
    if ((this.#cmos[REG.B] & B.HOURS24) !== 0) return this.#decode(byte);
    return (this.#decode(byte & 0x7f) % 12) + ((byte & PM) !== 0 ? 12 : 0);
  }

  /** Ticks between periodic interrupts, or 0. */
  get #period(): number {
    const rate = this.#cmos[REG.A] & A.RATE;
    if (rate === 0 || !this.#divides) return 0;
    return rate < 3 ? 1 << (rate + 6) : 1 << (rate - 1);
  }

  /** Sets the flags of what happened since they were last looked at. */
  #check(): void {
    const tick = this.#tick;
    let flags = this.#cmos[REG.C];
    for (const [flag, next] of this.#sources(this.#checked)) if (next() <= tick) flags |= flag;
    this.#checked = tick;
    this.#cmos[REG.C] = flags & ~C.IRQ;
    if ((this.#cmos[REG.C] & this.#cmos[REG.B] & (B.PIE | B.AIE | B.UIE)) !== 0) this.#cmos[REG.C] |= C.IRQ;
  }

  /** What sets flags, and when it does so next after `tick`. */
  #sources(tick: number): readonly (readonly [flag: number, next: () => number])[] {
    return [
      [C.PERIODIC, () => this.#nextPeriodic(tick)],
      [C.UPDATE, () => this.#nextUpdate(tick)],
      [C.ALARM, () => this.#nextAlarm(tick)],
    ];
  }

  #nextPeriodic(tick: number): number {
    const period = this.#period;
    if (period === 0) return Number.POSITIVE_INFINITY;
    return tick + period - modulo(tick - this.#base, period);
  }

  #nextUpdate(tick: number): number {
    return this.#runs ? tick + CRYSTAL_HZ - this.#phase(tick) : Number.POSITIVE_INFINITY;
  }

  #nextAlarm(tick: number): number {
    if (!this.#runs) return Number.POSITIVE_INFINITY;
    const update = this.#nextUpdate(tick);
    const seconds = this.#secondsToAlarm(this.#time + Math.floor((update - this.#base) / CRYSTAL_HZ));
    return update + seconds * CRYSTAL_HZ;
  }

  /** How many seconds after `time` the alarm matches: 0 if it matches now, Infinity if it never does. */
  #secondsToAlarm(time: number): number {
    const cmos = this.#cmos;
    const wants = (byte: number, value: number): boolean => byte >= ANY || byte === value;
    let at = modulo(time, DAY);
    for (const end = at + DAY; at < end; ) {
      const [hour, minute, second] = [Math.floor(at / 3600) % 24, Math.floor(at / 60) % 60, at % 60];
      if (!wants(cmos[REG.HOURS_ALARM], this.#encodeHours(hour))) at += 3600 - (at % 3600);
      else if (!wants(cmos[REG.MINUTES_ALARM], this.#encode(minute))) at += 60 - (at % 60);
      else if (!wants(cmos[REG.SECONDS_ALARM], this.#encode(second))) at++;
      else return at - modulo(time, DAY);
    }
    return Number.POSITIVE_INFINITY;
  }

  /** The line follows the flags; if it is low, the next enabled interrupt is waited for. */
  #update(): void {
    this.#check();
    this.#alarm?.cancel();
    this.#alarm = undefined;
    const raised = (this.#cmos[REG.C] & C.IRQ) !== 0;
    this.#irq.set(raised);
    if (raised) return;
    const enabled = this.#sources(this.#checked).filter(([flag]) => (this.#cmos[REG.B] & flag) !== 0);
    const next = Math.min(...enabled.map(([, at]) => at()));
    if (next === Number.POSITIVE_INFINITY) return;
    this.#alarm = this.#clock.at(cyclesOf(this.#clock, next, CRYSTAL_HZ), () => this.#update());
  }
}

function isTime(register: number): boolean {
  return register === REG.CENTURY || (register <= REG.YEAR && ((register & 1) === 0 || register > REG.WEEKDAY));
}

function modulo(a: number, n: number): number {
  return ((a % n) + n) % n;
}

/** Memory sizes, equipment and the number of CPUs, where firmware puts them. */
function firmwareBytes({ lowMemory, highMemory, cpus }: RtcOptions): Uint8Array {
  const bytes = new Uint8Array(128);
  const word = (at: number, value: number): void => {
    const clamped = Math.min(Math.max(Math.floor(value), 0), 0xffff);
    bytes[at] = clamped & 0xff;
    bytes[at + 1] = clamped >> 8;
  };
  const kib = 1024;
  const extended = lowMemory / kib - 1024;
  word(0x15, 640);
  word(0x17, extended);
  word(0x30, extended);
  word(0x34, (lowMemory / kib - 16 * 1024) / 64);
  const high = Math.min(Math.floor(highMemory / (64 * kib)), 0xffffff);
  word(0x5b, high & 0xffff);
  bytes[0x5d] = high >> 16;
  // FPU, VGA, PS/2 mouse
  bytes[0x14] = 0x06;
  bytes[0x5f] = cpus - 1;
  return bytes;
}
