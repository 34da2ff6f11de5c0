/** Little-endian structures: a buffer to fill field by field, and checked reading. Offsets are those of the documents. */
import { TruncatedError } from "./load-error.ts";

/** A structure of known size; everything that is not set stays zero. */
export class Structure {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.#view = new DataView(this.bytes.buffer);
  }

  u8(at: number, value: number): this {
    this.#view.setUint8(at, value);
    return this;
  }

  u16(at: number, value: number): this {
    this.#view.setUint16(at, value, true);
    return this;
  }

  u32(at: number, value: number): this {
    this.#view.setUint32(at, value, true);
    return this;
  }

  u64(at: number, value: number | bigint): this {
    this.#view.setBigUint64(at, BigInt(value), true);
    return this;
  }

  put(at: number, bytes: Uint8Array): this {
    this.bytes.set(bytes, at);
    return this;
  }

  text(at: number, text: string): this {
    return this.put(at, latin1(text));
  }
}

/** Reads fields of an image; what lies behind its end is an error that says where. */
export class Reader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #what: string;

  /** `what` in messages: "ELF header" */
  constructor(bytes: Uint8Array, what: string) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
  }

  u8(at: number): number {
    return this.#view.getUint8(this.#checked(at, 1));
  }

  u16(at: number): number {
    return this.#view.getUint16(this.#checked(at, 2), true);
  }

  u32(at: number): number {
    return this.#view.getUint32(this.#checked(at, 4), true);
  }

  /** as a number: addresses and sizes beyond 2^53 lose digits, and are refused as absurd all the same */
  u64(at: number): number {
    return Number(this.#view.getBigUint64(this.#checked(at, 8), true));
  }

  #checked(at: number, length: number): number {
    if (at + length > this.bytes.length)
      throw new TruncatedError(
        `truncated: the ${this.#what} needs bytes ${at} to ${at + length - 1}, but the file has ${this.bytes.length}; is it complete?`,
      );
    return at;
  }
}

export function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

/** UTF-8 with a zero behind it, as C programs want their strings */
export function cString(text: string): Uint8Array {
  return Uint8Array.of(...new TextEncoder().encode(text), 0);
}
