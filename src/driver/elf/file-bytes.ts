/**
 * The bytes of a module's file. Nothing reads them but through here, so that a table that a damaged file places behind its end becomes an
 * error with the module's name, and what was looked for where.
 */

import { ERROR_CODE, type ErrorCode } from "../../vmm/error-codes.ts";
import { DriverError } from "../driver-error.ts";

/** longest name of a symbol or library; mangled C++ names of several thousand characters exist */
const MAX_NAME = 1 << 14;
/** Names may share ends, but a file whose names are many times as long as it is was made to keep us busy. */
const NAME_BYTES_PER_BYTE = 16;

export class FileBytes {
  readonly module: string;
  readonly bytes: Uint8Array;
  private readonly data: DataView;
  private nameBytes: number;

  constructor(module: string, bytes: Uint8Array) {
    this.module = module;
    this.bytes = bytes;
    this.nameBytes = bytes.length * NAME_BYTES_PER_BYTE;
    this.data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  fail(code: ErrorCode, problem: string): never {
    throw new DriverError(code, `${this.module}: ${problem}`);
  }

  /** Claims a table: it is in the file, and its offset and size are plain numbers from here on. */
  extent(offset: bigint, size: bigint, what: string, code: ErrorCode = ERROR_CODE.BFELF_ERROR_INVALID_FILE): Extent {
    if (offset + size > BigInt(this.bytes.length)) {
      this.fail(code, `${what} is at ${hex(offset)} with ${size} bytes, but the file ends at ${hex(this.bytes.length)}`);
    }
    return { offset: Number(offset), size: Number(size) };
  }

  u8(at: number): number {
    return this.bytes[at];
  }
  u16(at: number): number {
    return this.data.getUint16(at, true);
  }
  u32(at: number): number {
    return this.data.getUint32(at, true);
  }
  u64(at: number): bigint {
    return this.data.getBigUint64(at, true);
  }
  i64(at: number): bigint {
    return this.data.getBigInt64(at, true);
  }

  /** A string of a string table: one byte is one character, names are compared and printed, never anything else. */
  string(table: Extent, at: number, what: string): string {
    if (at >= table.size) {
      if (at === 0) return "";
      this.fail(ERROR_CODE.BFELF_ERROR_INVALID_FILE, `the name of ${what} is at ${hex(at)} of a string table of ${hex(table.size)} bytes`);
    }
    const start = table.offset + at;
    const longest = Math.min(table.size - at, MAX_NAME);
    const length = this.bytes.subarray(start, start + longest).indexOf(0);
    if (length < 0) this.fail(ERROR_CODE.BFELF_ERROR_INVALID_FILE, `the name of ${what} has no end within ${longest} bytes`);
    this.nameBytes -= length;
    if (this.nameBytes < 0)
      this.fail(ERROR_CODE.BFELF_ERROR_INVALID_FILE, `its names are ${NAME_BYTES_PER_BYTE} times as long as the file`);
    return text.decode(this.bytes.subarray(start, start + length));
  }
}

/** A range of the file that is known to be in it. */
export interface Extent {
  readonly offset: number;
  readonly size: number;
}

const text = new TextDecoder("latin1");

export function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}
