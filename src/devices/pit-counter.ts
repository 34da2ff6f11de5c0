/**
 * One counter of an 8254, as a function of time in ticks of its clock. Intel "8254 Programmable Interval Timer", "Mode Definitions".
 *
 * Nothing is counted: the counter knows at which tick its counting element was loaded and with what, and everything else (count, output, next
 * edge) follows. A count is loaded at the tick after it was written.
 *
 *     mode 0 interrupt on terminal count     1 one-shot           2 rate generator
 *     mode 3 square wave                     4 software strobe    5 hardware strobe
 */
import type { Saved } from "../bus/device.ts";

/** which bytes of a count are read and written */
const ACCESS = { LOW: 1, HIGH: 2, BOTH: 3 };

type State = {
  /** bits 5-0 of the control word: access, mode, BCD */
  control: number;
  gate: boolean;
  /** count register: what the guest wrote last */
  written: number;
  /** first byte of a count of two, if only that has been written */
  low: number | null;
  readHigh: boolean;
  /** what latch commands hold */
  latchedCount: number | null;
  latchedStatus: number | null;
  /** modes 1 and 5: there is a count, so the gate may trigger */
  armed: boolean;
  /** the counting element holds `count` since tick `start` */
  loaded: boolean;
  count: number;
  start: number;
  /** elapsed ticks while the gate stops the counter */
  held: number | null;
  /** the count that replaces `count` at tick `nextAt` */
  next: number | null;
  nextAt: number;
  /** the register has been written and not loaded */
  nullCount: boolean;
  /** what a counter that is not loaded yet reads as */
  idle: number;
};

export class Counter {
  #s: State;

  constructor(gate: boolean) {
    this.#s = {
      control: 0x30,
      gate,
      written: 0x10000,
      low: null,
      readHigh: false,
      latchedCount: null,
      latchedStatus: null,
      armed: false,
      loaded: false,
      count: 0x10000,
      start: 0,
      held: null,
      next: null,
      nextAt: 0,
      nullCount: true,
      idle: 0,
    };
  }

  save(tick: number): Saved {
    this.#settle(tick);
    return { ...this.#s };
  }

  restore(saved: Saved): void {
    this.#s = { ...(saved as State) };
  }

  get gate(): boolean {
    return this.#s.gate;
  }

  /** Level of the OUT pin. */
  output(tick: number): boolean {
    this.#settle(tick);
    const { loaded, count, start, gate } = this.#s;
    const mode = this.#mode;
    if (!loaded || tick < start) return mode !== 0;
    const elapsed = this.#elapsed(tick);
    switch (mode) {
      case 0:
      case 1:
        return elapsed >= count;
      case 2:
        return !gate || elapsed % count !== count - 1 || count === 1;
      case 3:
        return !gate || elapsed % count < highHalf(count);
      default:
        return elapsed !== count;
    }
  }

  /** The first tick after `tick` at which OUT goes from low to high if nobody touches the counter, or undefined. */
  nextRise(tick: number): number | undefined {
    this.#settle(tick);
    const { loaded, count, start, held, next, nextAt } = this.#s;
    const mode = this.#mode;
    if (!loaded || held !== null) return undefined;
    if (mode === 2 || mode === 3) {
      if (count < 2 || (next !== null && next < 2)) return undefined;
      if (next === null) return start + (Math.floor(this.#elapsed(tick) / count) + 1) * count;
      const lowHalfFollows = mode === 3 && this.output(nextAt - 1);
      return lowHalfFollows ? nextAt - highHalf(next) + next : nextAt;
    }
    const rise = start + count + (mode >= 4 ? 1 : 0);
    return rise > tick ? rise : undefined;
  }

  setGate(level: boolean, tick: number): void {
    this.#settle(tick);
    const s = this.#s;
    if (level === s.gate) return;
    const elapsed = this.#elapsed(tick);
    s.gate = level;
    switch (this.#mode) {
      case 1:
      case 5:
        // a one-shot that is triggered again stays low
        if (level && s.armed) this.#load(s.written, this.output(tick) ? tick + 1 : tick);
        break;
      case 2:
      case 3:
        if (!s.loaded) break;
        if (level) this.#load(s.written, tick + 1);
        else s.held = elapsed;
        break;
      default:
        if (!s.loaded) break;
        if (level) s.start = tick - elapsed;
        s.held = level ? null : elapsed;
    }
  }

  /** A control word for this counter: bits 5-0 of the byte. */
  control(word: number, tick: number): void {
    const access = (word >> 4) & 3;
    if (access === 0) {
      this.latchCount(tick);
      return;
    }
    const s = this.#s;
    s.idle = this.#value(tick);
    s.control = word & 0x3f;
    s.low = null;
    s.readHigh = false;
    s.latchedCount = null;
    s.latchedStatus = null;
    s.armed = false;
    s.loaded = false;
    s.held = null;
    s.next = null;
    s.nullCount = true;
  }

  latchCount(tick: number): void {
    this.#s.latchedCount ??= this.#value(tick);
  }

  latchStatus(tick: number): void {
    const s = this.#s;
    const output = this.output(tick);
    const isNull = s.nullCount || s.next !== null || (s.loaded && s.held === null && tick < s.start);
    s.latchedStatus ??= (output ? 0x80 : 0) | (isNull ? 0x40 : 0) | s.control;
  }

  read(tick: number): number {
    const s = this.#s;
    if (s.latchedStatus !== null) {
      const status = s.latchedStatus;
      s.latchedStatus = null;
      return status;
    }
    const value = s.latchedCount ?? this.#value(tick);
    const both = this.#access === ACCESS.BOTH;
    const high = both ? s.readHigh : this.#access === ACCESS.HIGH;
    if (both) s.readHigh = !high;
    if (!both || high) s.latchedCount = null;
    return (high ? value >> 8 : value) & 0xff;
  }

  write(byte: number, tick: number): void {
    const s = this.#s;
    const access = this.#access;
    if (access === ACCESS.BOTH && s.low === null) {
      s.low = byte;
      // in mode 0 the first byte stops the counter, and OUT goes low
      if (this.#mode === 0 && s.loaded) {
        s.idle = this.#value(tick);
        s.loaded = false;
      }
      return;
    }
    const low = access === ACCESS.BOTH ? s.low! : access === ACCESS.LOW ? byte : 0;
    const high = access === ACCESS.LOW ? 0 : byte;
    s.low = null;
    this.#writeCount(this.#fromRegister((high << 8) | low), tick);
  }

  #writeCount(count: number, tick: number): void {
    this.#settle(tick);
    const s = this.#s;
    s.written = count;
    switch (this.#mode) {
      case 1:
      case 5:
        s.nullCount = true;
        s.armed = true;
        break;
      case 2:
      case 3:
        if (!s.loaded) {
          this.#load(count, tick + 1);
          if (!s.gate) s.held = 0;
        } else if (s.held !== null) s.nullCount = true;
        else {
          if (s.next === null) s.nextAt = this.#endOfPeriod(tick);
          s.next = count;
        }
        break;
      default:
        this.#load(count, tick + 1);
        if (!s.gate) s.held = 0;
    }
  }

  /** Until `tick` the counting element reads as what it was. */
  #load(count: number, tick: number): void {
    const s = this.#s;
    s.idle = this.#element(tick - 1);
    s.loaded = true;
    s.count = count;
    s.start = tick;
    s.held = null;
    s.next = null;
    s.nullCount = false;
  }

  /** A new count in modes 2 and 3 waits for the end of the period or half period. */
  #endOfPeriod(tick: number): number {
    const { count, start } = this.#s;
    const elapsed = this.#elapsed(tick);
    const period = start + Math.floor(elapsed / count) * count;
    return this.#mode === 3 && elapsed % count < highHalf(count) ? period + highHalf(count) : period + count;
  }

  #settle(tick: number): void {
    const s = this.#s;
    if (s.next === null || tick < s.nextAt) return;
    const afterHigh = this.#mode === 3 && (s.nextAt - s.start) % s.count !== 0;
    this.#load(s.next, afterHigh ? s.nextAt - highHalf(s.next) : s.nextAt);
  }

  #elapsed(tick: number): number {
    const { held, start } = this.#s;
    return held ?? Math.max(0, tick - start);
  }

  /** The counting element, as it is read. */
  #value(tick: number): number {
    this.#settle(tick);
    return this.#element(tick);
  }

  #element(tick: number): number {
    const { loaded, count, start, idle } = this.#s;
    if (!loaded || tick < start) return idle;
    const elapsed = this.#elapsed(tick);
    switch (this.#mode) {
      case 2:
        return this.#toRegister(count - (elapsed % count));
      case 3: {
        const phase = elapsed % count;
        const half = highHalf(count);
        return this.#toRegister((count & ~1) - 2 * (phase < half ? phase : phase - half));
      }
      default:
        return this.#toRegister(count - elapsed);
    }
  }

  /** Counts wrap at 10000 (BCD) or 65536; 0 written means that. */
  #toRegister(count: number): number {
    const modulus = this.#isBcd ? 10_000 : 0x10000;
    const value = ((count % modulus) + modulus) % modulus;
    if (!this.#isBcd) return value;
    return (Math.floor(value / 1000) << 12) | ((Math.floor(value / 100) % 10) << 8) | ((Math.floor(value / 10) % 10) << 4) | (value % 10);
  }

  #fromRegister(register: number): number {
    if (!this.#isBcd) return register === 0 ? 0x10000 : register;
    const digits = [12, 8, 4, 0].map((shift) => (register >> shift) & 0xf);
    return digits.reduce((value, digit) => value * 10 + digit, 0) || 10_000;
  }

  /** Modes 6 and 7 are 2 and 3. */
  get #mode(): number {
    const mode = (this.#s.control >> 1) & 7;
    return mode > 5 ? mode - 4 : mode;
  }

  get #access(): number {
    return (this.#s.control >> 4) & 3;
  }

  get #isBcd(): boolean {
    return (this.#s.control & 1) !== 0;
  }
}

/** Ticks per period for which a square wave is high. */
function highHalf(count: number): number {
  return (count + 1) >> 1;
}
