/**
 * The kernel's view of a program's memory: copies in both directions, strings, and little-endian numbers. Pages that are not there yet are
 * brought in as an access of the program itself would; where that is refused the system call fails with EFAULT.
 */
import type { AddressSpace } from "./address-space.ts";
import { fail, SystemCallError } from "./errno.ts";
import { type Frames, PAGE } from "./frames.ts";

const USER_END = 2 ** 47 - PAGE;
const MAX_STRING = 1 << 17;
const MAX_PATH = 4096;
const UTF8 = new TextDecoder();

export class UserMemory {
  readonly space: AddressSpace;
  readonly #frames: Frames;
  readonly #number = new DataView(new ArrayBuffer(8));

  constructor(space: AddressSpace, frames: Frames) {
    this.space = space;
    this.#frames = frames;
  }

  /** A copy of `length` bytes. */
  read(address: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const at = this.#locate(address + done, "read");
      const part = Math.min(length - done, PAGE - (at % PAGE));
      bytes.set(this.#frames.ram.subarray(at, at + part), done);
      done += part;
    }
    return bytes;
  }

  write(address: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const at = this.#locate(address + done, "write");
      const part = Math.min(bytes.length - done, PAGE - (at % PAGE));
      this.#frames.ram.set(bytes.subarray(done, done + part), at);
      this.#frames.written(at, part);
      done += part;
    }
  }

  /** How many bytes from `address` on may be written, `length` at most; none at all is EFAULT. */
  writable(address: number, length: number): number {
    let end = address;
    try {
      while (end < address + length) {
        this.#locate(end, "write");
        end += PAGE - (end % PAGE);
      }
    } catch (error) {
      if (!(error instanceof SystemCallError) || end === address) throw error;
    }
    return Math.min(end - address, length);
  }

  /** The bytes up to a zero byte, which is not part of them. */
  bytesOfString(address: number, limit = MAX_STRING): Uint8Array {
    const parts: Uint8Array[] = [];
    for (let length = 0; ; ) {
      const at = this.#locate(address + length, "read");
      const page = this.#frames.ram.subarray(at, at - (at % PAGE) + PAGE);
      const end = page.indexOf(0);
      parts.push(page.slice(0, end < 0 ? page.length : end));
      length += parts[parts.length - 1].length;
      if (length >= limit) fail(limit === MAX_PATH ? "ENAMETOOLONG" : "E2BIG");
      if (end >= 0) return parts.length === 1 ? parts[0] : concatenate(parts, length);
    }
  }

  string(address: number): string {
    return UTF8.decode(this.bytesOfString(address));
  }

  path(address: number): string {
    return UTF8.decode(this.bytesOfString(address, MAX_PATH));
  }

  /** The strings of a list of pointers that ends with a null pointer: argv, envp. */
  strings(address: number): Uint8Array[] {
    const list: Uint8Array[] = [];
    if (address === 0) return list;
    for (let at = address; ; at += 8) {
      const pointer = this.pointer(at);
      if (pointer === 0) return list;
      list.push(this.bytesOfString(pointer));
    }
  }

  u32(address: number): number {
    return this.#load(address, 4).getUint32(0, true);
  }
  i32(address: number): number {
    return this.u32(address) | 0;
  }
  u64(address: number): bigint {
    return this.#load(address, 8).getBigUint64(0, true);
  }
  /** a 64-bit address or count */
  pointer(address: number): number {
    return Number(this.u64(address));
  }
  /** a signed 64-bit number; exact below 2^53 */
  i64(address: number): number {
    return Number(BigInt.asIntN(64, this.u64(address)));
  }

  setU32(address: number, value: number): void {
    this.#number.setUint32(0, value, true);
    this.write(address, new Uint8Array(this.#number.buffer, 0, 4));
  }
  setU64(address: number, value: bigint | number): void {
    this.#number.setBigUint64(0, BigInt(value), true);
    this.write(address, new Uint8Array(this.#number.buffer, 0, 8));
  }

  #load(address: number, size: number): DataView {
    const at = this.#locate(address, "read");
    if ((at % PAGE) + size <= PAGE) return new DataView(this.#frames.ram.buffer, this.#frames.ram.byteOffset + at, size);
    return new DataView(this.read(address, size).buffer);
  }

  /** Where the byte at `address` is in RAM. */
  #locate(address: number, kind: "read" | "write"): number {
    if (!(address >= 0 && address < USER_END)) fail("EFAULT");
    const { table, regions } = this.space;
    const frame = table.frame(address);
    const region = regions.find(address);
    if (frame !== 0 && region !== undefined && region.protection !== 0 && (kind === "read" || table.isWritable(address)))
      return frame + (address % PAGE);
    if (this.space.fault(address, kind) !== undefined) fail("EFAULT");
    return table.frame(address) + (address % PAGE);
  }
}

export function concatenate(parts: readonly Uint8Array[], length = parts.reduce((sum, p) => sum + p.length, 0)): Uint8Array {
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
