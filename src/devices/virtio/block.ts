/** A disk. VIRTIO 1.2 5.2 "Block Device". */
import type { Saved } from "../../bus/device.ts";
import type { BlockBackend } from "../backends/block.ts";
import type { Chain } from "./chain.ts";
import { Malformed, type Transport, type VirtioDevice } from "./device.ts";

const F_SIZE_MAX = 1;
const F_SEG_MAX = 2;
const F_RO = 5;
const F_BLK_SIZE = 6;
const F_FLUSH = 9;
const F_TOPOLOGY = 10;
const F_DISCARD = 13;
const F_WRITE_ZEROES = 14;

const T_IN = 0;
const T_OUT = 1;
const T_FLUSH = 4;
const T_GET_ID = 8;
const T_DISCARD = 11;
const T_WRITE_ZEROES = 13;

const S_OK = 0;
const S_IOERR = 1;
const S_UNSUPP = 2;

const SECTOR = 512;
const HEADER = 16;
const ID = 20;
const RANGE = 16;
const RANGE_UNMAP = 1;

const QUEUE = 256;
const MOST_SEGMENTS = QUEUE - 2;
/** together with MOST_SEGMENTS this is less than a buffer may hold */
const SEGMENT_BYTES = 2 ** 19;
const MOST_RANGES = 16;
/** a gigabyte, so that a request takes no time to speak of */
const RANGE_SECTORS = 2 ** 21;
/** the backend's pages, in sectors: what is best written together */
const OPTIMAL_SECTORS = 128;

const CONFIG_BYTES = 60;

export interface BlockSetting {
  readonly name?: string;
  readonly readOnly?: boolean;
  /** what the guest finds in /sys/block/vda/serial; at most 20 bytes of ASCII */
  readonly serial?: string;
}

export class VirtioBlock implements VirtioDevice {
  readonly name: string;
  readonly type = 2;
  readonly classCode = 0x010000;
  readonly features: number;
  readonly queueSizes = [QUEUE];
  readonly config = new Uint8Array(CONFIG_BYTES);
  /** for statistics */
  readonly counts = { reads: 0, writes: 0, flushes: 0, errors: 0, bytesRead: 0, bytesWritten: 0 };
  /** what the backend last failed with */
  failure: unknown;
  readonly #backend: BlockBackend;
  readonly #readOnly: boolean;
  readonly #serial: string;

  constructor(backend: BlockBackend, { name = "virtio-blk", readOnly = false, serial = "" }: BlockSetting = {}) {
    this.name = name;
    this.#backend = backend;
    this.#readOnly = readOnly;
    this.#serial = serial;
    const always = [F_SIZE_MAX, F_SEG_MAX, F_BLK_SIZE, F_FLUSH, F_TOPOLOGY];
    const features = [...always, ...(readOnly ? [F_RO] : [F_DISCARD, F_WRITE_ZEROES])];
    this.features = features.reduce((bits, feature) => bits | (1 << feature), 0);
    this.#describe();
  }

  attach(_transport: Transport): void {}

  ready(_n: number): boolean {
    return true;
  }

  handle(_n: number, chain: Chain): number {
    const header = new DataView(chain.take(HEADER).buffer);
    if (chain.space === 0) throw new Malformed("a request without room for its status");
    const written = chain.space;
    const status = this.#attempt(header.getUint32(0, true), offsetAt(header, 8), chain);
    if (status !== S_OK) this.counts.errors++;
    // the status is the last byte, wherever an answer has ended
    chain.skip(chain.space - 1);
    chain.put(Uint8Array.of(status));
    return written;
  }

  configure(): void {}

  reset(): void {}

  save(): Saved {
    return null;
  }

  restore(): void {}

  /** What the backend cannot do, a full disk of the host for example, is an error of the disk that the guest sees. */
  #attempt(type: number, offset: number, chain: Chain): number {
    try {
      return this.#request(type, offset, chain);
    } catch (error) {
      if (error instanceof Malformed) throw error;
      this.failure = error;
      return S_IOERR;
    }
  }

  #request(type: number, offset: number, chain: Chain): number {
    switch (type) {
      case T_IN:
        return this.#read(offset, chain);
      case T_OUT:
        return this.#readOnly ? S_IOERR : this.#write(offset, chain);
      case T_FLUSH:
        this.counts.flushes++;
        this.#backend.flush();
        return S_OK;
      case T_GET_ID:
        return this.#identify(chain);
      case T_DISCARD:
      case T_WRITE_ZEROES:
        return this.#readOnly ? S_IOERR : this.#zero(type, chain);
      default:
        return S_UNSUPP;
    }
  }

  #read(offset: number, chain: Chain): number {
    const length = chain.space - 1;
    if (!this.#holds(offset, length)) return S_IOERR;
    for (let done = 0; done < length; ) {
      const bytes = this.#backend.read(offset + done, length - done);
      chain.put(bytes);
      done += bytes.length;
    }
    this.counts.reads++;
    this.counts.bytesRead += length;
    return S_OK;
  }

  #write(offset: number, chain: Chain): number {
    const length = chain.restLength;
    if (!this.#holds(offset, length)) return S_IOERR;
    let at = offset;
    for (const bytes of chain.rest) {
      this.#backend.write(at, bytes);
      at += bytes.length;
    }
    this.counts.writes++;
    this.counts.bytesWritten += length;
    return S_OK;
  }

  #identify(chain: Chain): number {
    if (chain.space < ID + 1) return S_IOERR;
    const id = new Uint8Array(ID);
    for (let i = 0; i < Math.min(ID, this.#serial.length); i++) id[i] = this.#serial.charCodeAt(i);
    chain.put(id);
    return S_OK;
  }

  /** Both give zeros: discarded sectors may read as anything. All ranges are checked before the first is touched. */
  #zero(type: number, chain: Chain): number {
    const length = chain.restLength;
    if (length === 0 || length % RANGE !== 0 || length > MOST_RANGES * RANGE) return S_IOERR;
    const data = new DataView(chain.take(length).buffer);
    const ranges: { offset: number; length: number }[] = [];
    for (let at = 0; at < length; at += RANGE) {
      const flags = data.getUint32(at + 12, true);
      if (flags & ~RANGE_UNMAP || (type === T_DISCARD && flags !== 0)) return S_UNSUPP;
      const range = { offset: offsetAt(data, at), length: data.getUint32(at + 8, true) * SECTOR };
      if (range.length > RANGE_SECTORS * SECTOR || !this.#holds(range.offset, range.length)) return S_IOERR;
      ranges.push(range);
    }
    for (const range of ranges) this.#backend.zero(range.offset, range.length);
    return S_OK;
  }

  #holds(offset: number, length: number): boolean {
    return length % SECTOR === 0 && offset + length <= this.#backend.size;
  }

  /** 5.2.4 "Device configuration layout" */
  #describe(): void {
    const config = new DataView(this.config.buffer);
    config.setBigUint64(0, BigInt(Math.floor(this.#backend.size / SECTOR)), true);
    config.setUint32(8, SEGMENT_BYTES, true);
    config.setUint32(12, MOST_SEGMENTS, true);
    config.setUint32(20, SECTOR, true);
    config.setUint16(26, 1, true);
    config.setUint32(28, OPTIMAL_SECTORS, true);
    if (this.#readOnly) return;
    config.setUint32(36, RANGE_SECTORS, true);
    config.setUint32(40, MOST_RANGES, true);
    config.setUint32(44, 1, true);
    config.setUint32(48, RANGE_SECTORS, true);
    config.setUint32(52, MOST_RANGES, true);
    config.setUint8(56, 1);
  }
}

/** A sector number, as an offset in bytes: exact as far as any disk goes, and beyond that larger than any. */
function offsetAt(data: DataView, at: number): number {
  return (data.getUint32(at, true) + data.getUint32(at + 4, true) * 2 ** 32) * SECTOR;
}
