/**
 * Chooses where a memory operand lies (on a page, across two, next to or on a page that faults, nowhere, outside the canonical
 * addresses) and makes the window of the case that covers it.
 */
import { DATA, DATA_HIGH_UPPER, DATA_OFFSET, MEMORY_BYTES, PAGE } from "./layout.ts";
import type { Making, Wide } from "./making.ts";

/** bytes around the operand that are recorded too, so that stray writes show */
const MARGIN = 8;
const DATA_BYTES = MEMORY_BYTES - DATA_OFFSET;

export interface Placed {
  /** linear */
  readonly address: Wide;
  /** the operand's bytes in the window, to be filled; where no memory is, a scratch area */
  readonly bytes: Uint8Array;
}

export interface Demand {
  readonly size: number;
  /** more bytes in front of the operand that may be reached too: stack pushes, strings running down */
  readonly before?: number;
  readonly align?: number;
  /** no faults wanted */
  readonly safe?: boolean;
}

/** Page boundaries inside the data area by what lies on either side: see layout.ts. */
const GOOD_EDGE = [PAGE];
const BAD_EDGES = [0, 2 * PAGE, 3 * PAGE, 4 * PAGE, 5 * PAGE, 6 * PAGE];
const WRITABLE_PAGES = [0, 1, 4];

export function place(m: Making, demand: Demand): Placed {
  const { random: r } = m;
  for (let tries = 0; tries < 30; tries++) {
    const start = choose(m, demand);
    if (start === undefined) return nowhere(m, demand);
    const placed = cover(m, start, demand);
    if (placed !== undefined) return placed;
    if (tries === 29 || r.oneIn(50)) break;
  }
  return nowhere(m, demand);
}

/** Offset of the operand in the data area; undefined asks for an address without memory. */
function choose(m: Making, { size, before = 0, align = 1, safe = false }: Demand): number | undefined {
  const { random: r } = m;
  const whole = before + size;
  const fault = safe ? 0 : r.below(100);
  if (!safe && fault < 3) return undefined;
  if (!safe && fault < 12) {
    // around an edge with a fault on one side, or just beside it
    const edge = r.pick(BAD_EDGES);
    return edge + before - (align > 1 && r.oneIn(2) ? align * r.between(0, Math.ceil(whole / align)) : r.between(0, whole));
  }
  if (!safe && fault < 16) return r.pick([2, 3, 5]) * PAGE + r.between(whole + MARGIN, PAGE - whole - MARGIN);
  const strict = align > 1 && (safe || !r.oneIn(8));
  if (whole > 1 && r.below(100) < 15) {
    const at = r.pick(GOOD_EDGE) + before - r.between(1, whole - 1);
    return strict ? at & -align : at;
  }
  const at = r.pick(WRITABLE_PAGES) * PAGE + r.between(whole + MARGIN, PAGE - whole - MARGIN);
  return strict || r.oneIn(2) ? at & -Math.max(align, size & -size) : at;
}

/** Makes the window, unless it would touch another. */
function cover(m: Making, start: number, { size, before = 0 }: Demand): Placed | undefined {
  const from = Math.max(start - before - MARGIN, 0);
  const to = Math.min(start + size + MARGIN, DATA_BYTES);
  const bytes = new Uint8Array(Math.max(size, 16));
  const high = m.mode === 64 && m.random.below(4) === 0 ? DATA_HIGH_UPPER : 0;
  const address = { low: DATA + start, high };
  if (to <= from) return { address, bytes };
  for (const w of m.draft.windows) {
    if (from + DATA_OFFSET < w.offset + w.bytes.length && w.offset < to + DATA_OFFSET) return undefined;
  }
  const window = m.draft.window(from + DATA_OFFSET, to - from);
  m.pool.take("int", window);
  // an operand that sticks out of the area has only a part of its bytes: let it be filled aside
  if (start < from || start + size > to) return { address, bytes };
  return { address, bytes: window.subarray(start - from, start - from + Math.max(size, Math.min(16, to - start))) };
}

/** An address with no memory behind it: low, far away, in the kernel's half, or not canonical. */
export function nowhere(m: Making, { size }: Demand): Placed {
  const { random: r } = m;
  const bytes = new Uint8Array(Math.max(size, 16));
  const low = m.addressSize === 64 && r.oneIn(3) ? DATA + r.between(-PAGE, 7 * PAGE) : UNMAPPED | r.below(0x100_0000);
  if (m.mode !== 64) return { address: { low: m.addressSize === 16 || r.oneIn(2) ? low & 0xffff : low, high: 0 }, bytes };
  switch (r.below(6)) {
    case 0:
      return { address: { low: low & 0xfff, high: 0 }, bytes };
    case 1:
      // the last bytes below the hole, and the first above
      return {
        address: r.oneIn(2) ? { low: -r.between(1, size + 2), high: 0x7fff } : { low: -r.between(1, 2 * size), high: 0xffff_7fff | 0 },
        bytes,
      };
    case 2:
      return { address: { low, high: 0xffff_9000 | r.below(0x1000) | 0 }, bytes };
    case 3:
      return { address: { low, high: (0x0001_0000 + r.below(0x7fff_0000)) | 0 }, bytes };
    case 4:
      return { address: { low, high: (0x8000 + r.below(0x8000)) | 0 }, bytes };
    default:
      return { address: { low: UNMAPPED | (low & 0xff_ffff), high: m.addressSize === 64 && r.oneIn(2) ? 0x1234 : 0 }, bytes };
  }
}

/** 16 MiB below 4 GiB where nothing is */
const UNMAPPED = 0x5500_0000;
