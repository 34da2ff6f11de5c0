/** What devices are tested on: a clock that is moved by hand, wires that remember, and ports. */
import { AddressSpace } from "../../src/bus/address-space.ts";
import { EventClock } from "../../src/bus/clock.ts";
import type { Line } from "../../src/bus/device.ts";

/** 1 GHz: a cycle is a nanosecond. */
export class TestClock extends EventClock {
  readonly #time: { now: number };

  constructor(hz = 1_000_000_000) {
    const time = { now: 0 };
    super(hz, () => time.now);
    this.#time = time;
  }

  /** Lets so many cycles pass; events fire in their cycle, as they do on an idle machine. */
  pass(cycles: number): void {
    const end = this.#time.now + cycles;
    while (this.next <= end) {
      this.#time.now = Math.max(this.#time.now, this.next);
      this.advance();
    }
    this.#time.now = end;
  }
}

export class Wire implements Line {
  level = false;
  rises = 0;

  set(level: boolean): void {
    if (level && !this.level) this.rises++;
    this.level = level;
  }
}

/** Ports as a guest sees them. */
export class Ports extends AddressSpace {
  constructor() {
    super("ports");
  }

  in(port: number): number {
    return this.read(port, 1);
  }

  out(port: number, ...values: readonly number[]): void {
    for (const value of values) this.write(port, 1, value);
  }
}
