/** Files the kernel makes up: the character devices of /dev, texts of /proc, memory files and event counters. */
import { fail } from "./errno.ts";
import { type FileStatus, madeUpStatus, S_IF } from "./file-status.ts";
import { AGAIN, OpenFile, POLL, seekIn } from "./open-file.ts";
import type { PageCache } from "./page-cache.ts";
import type { PageSource } from "./regions.ts";

/** Fills a buffer from the seeded generator. */
export type RandomSource = (into: Uint8Array) => void;

export const DEVICES = ["null", "zero", "full", "random", "urandom"] as const;
export type DeviceName = (typeof DEVICES)[number];

/** major 1, Documentation/admin-guide/devices.txt */
const MINOR: Readonly<Record<DeviceName, number>> = { null: 3, zero: 5, full: 7, random: 8, urandom: 9 };

export function deviceStatus(name: DeviceName): FileStatus {
  return madeUpStatus(S_IF.CHR | 0o666, MINOR[name], { rdev: BigInt(0x100 + MINOR[name]) });
}

export class DeviceFile extends OpenFile {
  readonly #name: DeviceName;
  readonly #random: RandomSource;

  constructor(name: DeviceName, flags: number, random: RandomSource) {
    super(flags);
    this.#name = name;
    this.#random = random;
  }

  get path(): string {
    return `/dev/${this.#name}`;
  }

  status(): FileStatus {
    return deviceStatus(this.#name);
  }

  override read(into: Uint8Array): number {
    if (this.#name === "null") return 0;
    if (this.#name === "zero" || this.#name === "full") into.fill(0);
    else this.#random(into);
    return into.length;
  }

  override readAt(_offset: number, into: Uint8Array): number {
    return this.read(into);
  }

  override write(bytes: Uint8Array): number {
    return this.#name === "full" ? fail("ENOSPC") : bytes.length;
  }

  override writeAt(_offset: number, bytes: Uint8Array): number {
    return this.write(bytes);
  }

  override seek(): number {
    return 0;
  }
}

/** A file of /proc: its text is made when it is opened. */
export class TextFile extends OpenFile {
  readonly path: string;
  readonly #bytes: Uint8Array;
  readonly #status: FileStatus;

  constructor(path: string, text: string, status: FileStatus, flags: number) {
    super(flags);
    this.path = path;
    this.#bytes = new TextEncoder().encode(text);
    this.#status = status;
  }

  status(): FileStatus {
    return this.#status;
  }

  override read(into: Uint8Array): number {
    const count = this.readAt(this.position, into);
    this.position += count;
    return count;
  }

  override readAt(offset: number, into: Uint8Array): number {
    const part = this.#bytes.subarray(Math.min(offset, this.#bytes.length), offset + into.length);
    into.set(part);
    return part.length;
  }

  override seek(offset: number, whence: number): number {
    this.position = seekIn(this.position, this.#bytes.length, offset, whence);
    return this.position;
  }
}

/** memfd_create(2): a file in our own memory. */
export class MemoryFile extends OpenFile {
  readonly path: string;
  readonly #number: number;
  readonly #cache: PageCache;
  #bytes = new Uint8Array(4096);
  #size = 0;

  constructor(name: string, number: number, flags: number, cache: PageCache) {
    super(flags);
    this.path = `/memfd:${name} (deleted)`;
    this.#number = number;
    this.#cache = cache;
  }

  status(): FileStatus {
    return madeUpStatus(S_IF.REG | 0o777, this.#number, { dev: 1n, size: BigInt(this.#size), blocks: BigInt(Math.ceil(this.#size / 512)) });
  }

  override read(into: Uint8Array): number {
    const count = this.readAt(this.position, into);
    this.position += count;
    return count;
  }

  override write(bytes: Uint8Array): number {
    const count = this.writeAt(this.position, bytes);
    this.position += count;
    return count;
  }

  override readAt(offset: number, into: Uint8Array): number {
    const part = this.#bytes.subarray(Math.min(offset, this.#size), Math.min(offset + into.length, this.#size));
    into.set(part);
    return part.length;
  }

  override writeAt(offset: number, bytes: Uint8Array): number {
    if (offset + bytes.length > this.#size) this.truncate(offset + bytes.length);
    this.#bytes.set(bytes, offset);
    this.#cache.written(this.status(), offset, bytes);
    return bytes.length;
  }

  override seek(offset: number, whence: number): number {
    this.position = seekIn(this.position, this.#size, offset, whence);
    return this.position;
  }

  override truncate(length: number): void {
    if (length > 2 ** 30) fail("EFBIG");
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(length, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.fill(0, Math.min(length, this.#size), Math.max(length, this.#size));
    this.#size = length;
  }

  override pages(): PageSource {
    return this.#cache.source(this);
  }
}

/** eventfd(2) */
export class EventFile extends OpenFile {
  readonly path = "anon_inode:[eventfd]";
  #count: bigint;
  readonly #semaphore: boolean;

  constructor(count: number, flags: number, semaphore: boolean) {
    super(flags);
    this.#count = BigInt(count);
    this.#semaphore = semaphore;
  }

  status(): FileStatus {
    return madeUpStatus(0o600, 1, { dev: 14n });
  }

  override read(into: Uint8Array): number {
    if (into.length < 8) fail("EINVAL");
    if (this.#count === 0n) return AGAIN;
    const value = this.#semaphore ? 1n : this.#count;
    this.#count -= value;
    new DataView(into.buffer, into.byteOffset).setBigUint64(0, value, true);
    return 8;
  }

  override write(bytes: Uint8Array): number {
    if (bytes.length < 8) fail("EINVAL");
    const value = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
    if (value === 0xffff_ffff_ffff_ffffn) fail("EINVAL");
    if (this.#count + value > 0xffff_ffff_ffff_fffen) return AGAIN;
    this.#count += value;
    return 8;
  }

  override poll(): number {
    return (this.#count > 0n ? POLL.IN : 0) | POLL.OUT;
  }
}
