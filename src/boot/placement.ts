/**
 * Who gets which part of guest memory while an image is loaded. Claims must lie in RAM and may not overlap; what has no fixed address is
 * put into the lowest or highest gap that fits.
 */
import type { Memory } from "../bus/device.ts";
import { E820, type E820Entry, type Range } from "./e820.ts";
import { DoesNotFitError, hex, LoadError } from "./load-error.ts";

interface Claim extends Range {
  readonly what: string;
}

export interface Wish {
  readonly align: number;
  /** lowest address wanted */
  readonly from?: number;
  /** what it must end below */
  readonly below?: number;
}

const ZEROS = new Uint8Array(0x1_0000);

export class Placement {
  readonly #memory: Memory;
  readonly #ram: readonly Range[];
  #claims: readonly Claim[] = [];

  constructor(memory: Memory, map: readonly E820Entry[]) {
    this.#memory = memory;
    this.#ram = map.filter((r) => r.type === E820.RAM);
  }

  /** where the last claim ends */
  get top(): number {
    return this.#claims.reduce((top, c) => Math.max(top, c.start + c.length), 0);
  }

  /** Takes a range at a fixed address. */
  claim(what: string, start: number, length: number): void {
    const end = start + length;
    const ram = this.#ram.find((r) => start >= r.start && end <= r.start + r.length);
    if (ram === undefined) throw this.#outside(what, start, end);
    const other = this.#claims.find((c) => start < c.start + c.length && c.start < end);
    if (other !== undefined)
      throw new LoadError(
        `${what} at ${hex(start)}-${hex(end - 1)} overlaps ${other.what} at ${hex(other.start)}-${hex(other.start + other.length - 1)}; ` +
          "link it to other addresses",
      );
    this.#claims = [...this.#claims, { what, start, length }];
  }

  /** The lowest place that fits, claimed; undefined if there is none. */
  lowest(what: string, length: number, wish: Wish): number | undefined {
    return this.#take(what, length, this.#candidates(length, wish)[0]);
  }

  /** The highest place that fits, claimed; undefined if there is none. */
  highest(what: string, length: number, wish: Wish): number | undefined {
    return this.#take(what, length, this.#candidates(length, wish).at(-1));
  }

  write(start: number, bytes: Uint8Array): void {
    if (bytes.length > 0 && !this.#memory.write(start, bytes))
      throw new LoadError(`nothing can be written to ${hex(start)}: the machine has no RAM there`);
  }

  zero(start: number, length: number): void {
    for (let done = 0; done < length; done += ZEROS.length)
      this.write(start + done, ZEROS.subarray(0, Math.min(ZEROS.length, length - done)));
  }

  #take(what: string, length: number, start: number | undefined): number | undefined {
    if (start !== undefined) this.claim(what, start, length);
    return start;
  }

  /** lowest and highest start in every gap, ascending */
  #candidates(length: number, { align, from = 0, below = Number.POSITIVE_INFINITY }: Wish): readonly number[] {
    return this.#gaps()
      .flatMap(({ start, end }) => {
        const low = Math.ceil(Math.max(start, from) / align) * align;
        const high = Math.floor((Math.min(end, below) - length) / align) * align;
        return high >= low ? [low, high] : [];
      })
      .sort((a, b) => a - b);
  }

  #gaps(): readonly { start: number; end: number }[] {
    const claims = [...this.#claims].sort((a, b) => a.start - b.start);
    return this.#ram.flatMap((ram) => {
      const ramEnd = ram.start + ram.length;
      const inside = claims.filter((c) => c.start >= ram.start && c.start < ramEnd);
      const starts = [ram.start, ...inside.map((c) => c.start + c.length)];
      const ends = [...inside.map((c) => c.start), ramEnd];
      return starts.map((start, i) => ({ start, end: ends[i] })).filter((gap) => gap.end > gap.start);
    });
  }

  #outside(what: string, start: number, end: number): LoadError {
    const last = this.#ram.filter((r) => r.start < 2 ** 32).at(-1);
    const top = last === undefined ? 0 : last.start + last.length;
    const where = `${what} needs ${hex(start)}-${hex(end - 1)}`;
    if (start >= 0x10_0000 && end <= 0xc000_0000 && end > top) return new DoesNotFitError(`${where}, but RAM ends at ${hex(top)}`, end);
    return new LoadError(
      `${where}, which is not RAM; RAM is at ${this.#ram.map((r) => `${hex(r.start)}-${hex(r.start + r.length - 1)}`).join(", ")}`,
    );
  }
}
