/**
 * Time for devices: cycles of the machine, and what is to happen when. Nothing here knows wall-clock time. Events of the same cycle happen in
 * the order in which they were asked for.
 */

/** What devices are given. */
export interface Clock {
  /** cycles since power-on; exact even inside an instruction's access to a device */
  readonly now: number;
  /** cycles per second of guest time */
  readonly hz: number;
  /** Calls `fire` as soon as `cycle` is reached; at once, but not before this returns, if it lies in the past. */
  at(cycle: number, fire: () => void): Alarm;
}

export interface Alarm {
  readonly cycle: number;
  cancel(): void;
}

interface Event extends Alarm {
  readonly fire: () => void;
}

/** The machine's clock: reads its cycles from `source` and fires what is due when told to. */
export class EventClock implements Clock {
  readonly hz: number;
  readonly #source: () => number;
  /** called when an event is now the next one: the running slice may have to end earlier */
  readonly #sooner: (cycle: number) => void;
  /** sorted, the next one last */
  #events: Event[] = [];

  constructor(hz: number, source: () => number, sooner: (cycle: number) => void = () => {}) {
    this.hz = hz;
    this.#source = source;
    this.#sooner = sooner;
  }

  get now(): number {
    return this.#source();
  }

  /** cycle of the next event, or Infinity */
  get next(): number {
    return this.#events.at(-1)?.cycle ?? Number.POSITIVE_INFINITY;
  }

  at(cycle: number, fire: () => void): Alarm {
    const event: Event = { cycle, fire, cancel: () => this.#cancel(event) };
    let index = this.#events.length;
    while (index > 0 && this.#events[index - 1].cycle <= cycle) index--;
    this.#events.splice(index, 0, event);
    if (index === this.#events.length - 1) this.#sooner(cycle);
    return event;
  }

  /** Fires everything that is due by now, including what that asks for. */
  advance(): void {
    for (let event = this.#events.at(-1); event !== undefined && event.cycle <= this.now; event = this.#events.at(-1)) {
      this.#events.pop();
      event.fire();
    }
  }

  #cancel(event: Event): void {
    const index = this.#events.indexOf(event);
    if (index >= 0) this.#events.splice(index, 1);
  }
}

/**
 * Cycles that `ticks` of a counter of `hz` take, rounded up, so that an alarm never comes before its tick. Exact, as is `ticksOf`: whole seconds
 * and the rest are converted apart, because their products would not fit into the 53 bits of a number.
 */
export function cyclesOf(clock: Clock, ticks: number, hz: number): number {
  const seconds = Math.floor(ticks / hz);
  return seconds * clock.hz + Math.ceil(((ticks - seconds * hz) * clock.hz) / hz);
}

/** Whole ticks of a counter of `hz` in `cycles`. */
export function ticksOf(clock: Clock, cycles: number, hz: number): number {
  const seconds = Math.floor(cycles / clock.hz);
  return seconds * hz + Math.floor(((cycles - seconds * clock.hz) * hz) / clock.hz);
}
