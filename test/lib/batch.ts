/** Many cases in one buffer, in the format of layout.ts, and a writer and a reader for one of them. */
import { AT, CS64, DS, FX, FX_BYTES, GREGS, HAS_FX, HEADER, MAX_WINDOWS } from "./layout.ts";

export class Batch {
  #buffer: ArrayBuffer;
  #bytes: Uint8Array;
  #view: DataView;
  #end = HEADER;
  readonly offsets: number[] = [];

  constructor(bytes = 1 << 20) {
    this.#buffer = new ArrayBuffer(bytes);
    this.#bytes = new Uint8Array(this.#buffer);
    this.#view = new DataView(this.#buffer);
  }

  get count(): number {
    return this.offsets.length;
  }

  /** The finished file: header, cases, and the empty one that ends them. */
  get bytes(): Uint8Array {
    this.#reserve(16);
    this.#view.setUint32(0, this.#end + 16, true);
    this.#view.setUint32(4, 0, true);
    this.#bytes.fill(0, this.#end, this.#end + 16);
    return this.#bytes.subarray(0, this.#end + 16);
  }

  clear(): void {
    this.#end = HEADER;
    this.offsets.length = 0;
  }

  /** Appends a case that is already bytes. */
  append(record: Uint8Array): void {
    this.#bytes.set(record, this.#add(record.length));
  }

  /** Appends the case that a draft describes. */
  write(draft: Draft): void {
    const size = draft.size;
    const at = this.#add(size);
    draft.write(this.#bytes, this.#view, at, size);
  }

  /** The bytes of one case. */
  record(index: number): Uint8Array {
    const at = this.offsets[index];
    return this.#bytes.subarray(at, at + this.#view.getUint32(at, true));
  }

  #add(size: number): number {
    this.#reserve(size);
    const at = this.#end;
    this.offsets.push(at);
    this.#end += size;
    return at;
  }

  #reserve(more: number): void {
    if (this.#end + more <= this.#bytes.length) return;
    const grown = new Uint8Array(2 * (this.#end + more));
    grown.set(this.#bytes);
    this.#buffer = grown.buffer;
    this.#bytes = grown;
    this.#view = new DataView(this.#buffer);
  }
}

/** A batch from its finished bytes. */
export function parseBatch(bytes: Uint8Array): Batch {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const batch = new Batch(bytes.length + 64);
  for (let at = HEADER; view.getUint32(at, true) !== 0; at += view.getUint32(at, true)) {
    batch.append(bytes.subarray(at, at + view.getUint32(at, true)));
  }
  return batch;
}

/**
 * One case while it is being made. Registers are pairs of 32-bit halves, because the generator computes addresses without BigInt.
 * Windows hold offsets in the memory object; the first one is the code.
 */
export class Draft {
  readonly low = new Int32Array(16);
  readonly high = new Int32Array(16);
  rip = 0;
  flags = 0;
  cs = CS64;
  ss = DS;
  readonly segments = Uint16Array.of(DS, DS, DS, DS);
  readonly fsBase = new Int32Array(2);
  readonly gsBase = new Int32Array(2);
  hasFx = false;
  readonly fx = new Uint8Array(FX_BYTES);
  readonly fxView = new DataView(this.fx.buffer);
  readonly windows: { offset: number; bytes: Uint8Array }[] = [];

  reset(): void {
    this.cs = CS64;
    this.ss = DS;
    this.segments.fill(DS);
    this.fsBase.fill(0);
    this.gsBase.fill(0);
    this.hasFx = false;
    this.windows.length = 0;
  }

  set(register: number, low: number, high: number): void {
    this.low[register] = low;
    this.high[register] = high;
  }

  /** A window over `length` bytes at an offset of the memory object, ready to be filled. */
  window(offset: number, length: number): Uint8Array {
    if (this.windows.length === MAX_WINDOWS) throw new Error("too many windows in one case");
    const bytes = new Uint8Array(length);
    this.windows.push({ offset, bytes });
    return bytes;
  }

  get size(): number {
    let size: number = AT.fx + (this.hasFx ? FX_BYTES : 0);
    for (const w of this.windows) size += w.bytes.length;
    return (size + 15) & ~15;
  }

  write(into: Uint8Array, v: DataView, start: number, size: number): void {
    into.fill(0, start, start + AT.fx);
    v.setUint32(start + AT.size, size, true);
    v.setUint32(start + AT.flags, this.hasFx ? HAS_FX : 0, true);
    for (let r = 0; r < 16; r++) {
      const to = start + AT.gregs + 8 * GREGS[r];
      v.setInt32(to, this.low[r], true);
      v.setInt32(to + 4, this.high[r], true);
    }
    v.setUint32(start + AT.rip, this.rip, true);
    v.setUint32(start + AT.rflags, this.flags | 0x202, true);
    v.setUint16(start + AT.cs, this.cs, true);
    v.setUint16(start + AT.ss, this.ss, true);
    for (let i = 0; i < 2; i++) {
      v.setInt32(start + AT.fsBase + 4 * i, this.fsBase[i], true);
      v.setInt32(start + AT.gsBase + 4 * i, this.gsBase[i], true);
    }
    v.setUint32(start + AT.windowCount, this.windows.length, true);
    for (let i = 0; i < 4; i++) v.setUint16(start + AT.segments + 2 * i, this.segments[i], true);
    let at = start + AT.fx;
    if (this.hasFx) {
      into.set(this.fx, at);
      at += FX_BYTES;
    }
    this.windows.forEach(({ offset, bytes }, i) => {
      v.setUint32(start + AT.windows + 8 * i, offset, true);
      v.setUint32(start + AT.windows + 8 * i + 4, bytes.length, true);
      into.set(bytes, at);
      at += bytes.length;
    });
    into.fill(0, at, start + size);
  }
}

/** x87 and SSE as after reset by the system: FNINIT and MXCSR 1F80. */
export function initialFx(fx: DataView): void {
  for (let i = 0; i < FX_BYTES; i += 4) fx.setUint32(i, 0, true);
  fx.setUint16(FX.fcw, 0x37f, true);
  fx.setUint32(FX.mxcsr, 0x1f80, true);
}
