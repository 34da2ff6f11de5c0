/** A tiny driver: finds a virtio device on a board, sets it up as VIRTIO 1.2 3.1.1 "Driver Requirements: Device Initialization" says, and makes requests. */
import { EventClock } from "../../../src/bus/clock.ts";
import type { VirtioDevice } from "../../../src/devices/virtio/device.ts";
import { VirtioPci } from "../../../src/devices/virtio/pci.ts";
import * as R from "../../../src/devices/virtio/registers.ts";
import { FakeMemory } from "../memory.ts";
import { Board } from "../pci/board.ts";

export interface DriverSetting {
  readonly queueSize?: number;
  /** bits of the first feature word to accept, of those offered */
  readonly features?: number;
  readonly msix?: boolean;
  /** how far to go: bits added to the status at the end */
  readonly status?: number;
  readonly memory?: FakeMemory;
}

/** Addresses of a queue's parts, and what the driver counts. */
export interface Ring {
  readonly n: number;
  readonly size: number;
  readonly descriptors: number;
  readonly available: number;
  readonly used: number;
  index: number;
  seen: number;
  next: number;
}

export interface Piece {
  readonly gpa: number;
  readonly length: number;
  readonly write?: boolean;
}

export const DATA = 0x40000;
const RINGS = 0x1000;
const RING_BYTES = 0xa000;

export class Driver {
  readonly memory: FakeMemory;
  readonly board: Board;
  readonly device: VirtioPci;
  readonly clock: EventClock;
  readonly slot: number;
  readonly rings: Ring[] = [];
  now = 0;
  readonly #places = new Map<number, number>();
  #data = DATA;

  constructor(device: VirtioDevice, setting: DriverSetting = {}) {
    this.memory = setting.memory ?? new FakeMemory(1 << 20);
    this.board = new Board(this.memory);
    this.clock = new EventClock(1e9, () => this.now);
    this.device = new VirtioPci(device, this.memory, this.clock);
    this.slot = this.board.pci.add(this.device.f);
    this.#findStructures();
    this.initialize(setting);
  }

  initialize({ queueSize, features = -1, msix = true, status = R.DRIVER_OK }: DriverSetting): void {
    const { board, slot } = this;
    board.set(slot, 4, 2, 7);
    this.set(R.DEVICE_STATUS, 1, 0);
    this.set(R.DEVICE_STATUS, 1, R.ACKNOWLEDGE | R.DRIVER);
    this.set(R.DRIVER_FEATURE_SELECT, 4, 0);
    this.set(R.DRIVER_FEATURE, 4, this.offered(0) & features);
    this.set(R.DRIVER_FEATURE_SELECT, 4, 1);
    this.set(R.DRIVER_FEATURE, 4, this.offered(1));
    this.set(R.DEVICE_STATUS, 1, R.ACKNOWLEDGE | R.DRIVER | R.FEATURES_OK);
    if (msix) this.#enableMsix();
    this.rings.length = 0;
    for (let n = 0; n < this.get(R.NUM_QUEUES, 2); n++) this.#setUpQueue(n, queueSize, msix);
    if (msix) this.set(R.CONFIG_MSIX_VECTOR, 2, this.rings.length);
    this.set(R.DEVICE_STATUS, 1, R.ACKNOWLEDGE | R.DRIVER | R.FEATURES_OK | status);
  }

  offered(word: number): number {
    this.set(R.DEVICE_FEATURE_SELECT, 4, word);
    return this.get(R.DEVICE_FEATURE, 4);
  }

  /** common configuration */
  get(offset: number, size: number): number {
    return this.board.addresses.read(this.at(R.CAP_COMMON) + offset, size);
  }

  set(offset: number, size: number, value: number): void {
    this.board.addresses.write(this.at(R.CAP_COMMON) + offset, size, value >>> 0);
  }

  /** device configuration */
  config(offset: number, size: number): number {
    return this.board.addresses.read(this.at(R.CAP_DEVICE) + offset, size);
  }

  /** where a structure is in memory */
  at(capability: number): number {
    return this.#places.get(capability) as number;
  }

  get isr(): number {
    return this.board.addresses.read(this.at(R.CAP_ISR), 1);
  }

  /** Memory for a request, with something in it. */
  place(bytes: Uint8Array | number): Piece {
    const length = typeof bytes === "number" ? bytes : bytes.length;
    const gpa = this.#data;
    this.#data += (length + 15) & ~15;
    if (typeof bytes === "number") this.memory.bytes.fill(0xcc, gpa, gpa + length);
    else this.memory.bytes.set(bytes, gpa);
    return { gpa, length, write: typeof bytes === "number" };
  }

  bytes({ gpa, length }: Piece): Uint8Array {
    return this.memory.bytes.slice(gpa, gpa + length);
  }

  descriptor(table: number, index: number, { gpa, length }: Piece, flags: number, next = 0): void {
    const at = table + 16 * index;
    this.memory.data.setBigUint64(at, BigInt(gpa), true);
    this.memory.data.setUint32(at + 8, length, true);
    this.memory.data.setUint16(at + 12, flags, true);
    this.memory.data.setUint16(at + 14, next, true);
  }

  /** Writes the descriptors of a buffer; returns the first one's number. */
  chain(ring: Ring, pieces: readonly Piece[], { indirect = false } = {}): number {
    const head = ring.next;
    const table = indirect ? this.place(16 * pieces.length).gpa : ring.descriptors;
    const index = (i: number) => (indirect ? i : (head + i) % ring.size);
    for (const [i, piece] of pieces.entries()) {
      const last = i === pieces.length - 1;
      this.descriptor(table, index(i), piece, (piece.write ? 2 : 0) | (last ? 0 : 1), last ? 0 : index(i + 1));
    }
    if (indirect) this.descriptor(ring.descriptors, head, { gpa: table, length: 16 * pieces.length }, 4);
    ring.next = (head + (indirect ? 1 : pieces.length)) % ring.size;
    return head;
  }

  offer(ring: Ring, head: number): void {
    this.memory.data.setUint16(ring.available + 4 + 2 * (ring.index % ring.size), head, true);
    ring.index = (ring.index + 1) & 0xffff;
    this.memory.data.setUint16(ring.available + 2, ring.index, true);
  }

  notify(ring: Ring): void {
    this.board.addresses.write(this.at(R.CAP_NOTIFY) + 4 * ring.n, 2, ring.n);
  }

  /** What was given back since the last call: [head, written] each. */
  collect(ring: Ring): [number, number][] {
    const { data } = this.memory;
    const found: [number, number][] = [];
    for (; ring.seen !== data.getUint16(ring.used + 2, true); ring.seen = (ring.seen + 1) & 0xffff) {
      const at = ring.used + 4 + 8 * (ring.seen % ring.size);
      found.push([data.getUint32(at, true), data.getUint32(at + 4, true)]);
    }
    return found;
  }

  /** One request, from start to end; returns the bytes written. */
  request(n: number, pieces: readonly Piece[], how = {}): number {
    const ring = this.rings[n];
    const head = this.chain(ring, pieces, how);
    this.offer(ring, head);
    this.notify(ring);
    const [[given, written]] = this.collect(ring);
    if (given !== head) throw new Error(`buffer ${given} instead of ${head}`);
    return written;
  }

  /** Forgets where data was put. */
  tidy(): void {
    this.#data = DATA;
  }

  /** Lets time pass until nothing is left to happen. */
  wait(): void {
    for (let i = 0; i < 1000 && this.clock.next !== Number.POSITIVE_INFINITY; i++) {
      this.now = this.clock.next;
      this.clock.advance();
    }
  }

  get status(): number {
    return this.get(R.DEVICE_STATUS, 1);
  }

  #findStructures(): void {
    const { board, slot } = this;
    for (let at = board.get(slot, 0x34, 1); at !== 0; at = board.get(slot, at + 1, 1)) {
      if (board.get(slot, at, 1) !== 9) continue;
      const bar = board.get(slot, 0x10 + 4 * board.get(slot, at + 4, 1), 4) & ~15;
      this.#places.set(board.get(slot, at + 3, 1), (bar >>> 0) + board.get(slot, at + 8, 4));
    }
  }

  #enableMsix(): void {
    const { board, slot } = this;
    const table = board.get(slot, 0x14, 4);
    for (let n = 0; n < 4; n++)
      for (const [i, value] of [0xfee00000, 0, 0x40 + n, 0].entries()) board.addresses.write(table + 16 * n + 4 * i, 4, value);
    board.set(slot, 0x42, 2, 0x8000);
  }

  #setUpQueue(n: number, wanted: number | undefined, msix: boolean): void {
    this.set(R.QUEUE_SELECT, 2, n);
    if (wanted !== undefined) this.set(R.QUEUE_SIZE, 2, wanted);
    const size = this.get(R.QUEUE_SIZE, 2);
    const at = RINGS + RING_BYTES * n;
    const ring: Ring = { n, size, descriptors: at, available: at + 0x4000, used: at + 0x6000, index: 0, seen: 0, next: 0 };
    this.memory.bytes.fill(0, at, at + RING_BYTES);
    for (const [offset, address] of [
      [R.QUEUE_DESC, ring.descriptors],
      [R.QUEUE_DRIVER, ring.available],
      [R.QUEUE_DEVICE, ring.used],
    ]) {
      this.set(offset, 4, address);
      this.set(offset + 4, 4, 0);
    }
    if (msix) this.set(R.QUEUE_MSIX_VECTOR, 2, n);
    this.set(R.QUEUE_ENABLE, 2, 1);
    this.rings.push(ring);
  }
}
