/**
 * A split virtqueue, the device's side. VIRTIO 1.2 2.7 "Split Virtqueues". All of it lies in guest memory and may hold anything at all: each
 * step is checked, each walk is bounded, and what no driver may do is `Malformed`.
 *
 *   descriptor, 16 bytes    address u64 │ length u32 │ flags u16 │ next u16
 *   available ring          flags u16 │ index u16 │ heads u16[size] │ used event u16
 *   used ring               flags u16 │ index u16 │ { head u32, written u32 }[size] │ available event u16
 */
import type { Memory } from "../../bus/device.ts";
import { Chain, type Room } from "./chain.ts";
import { Malformed } from "./device.ts";

const DESCRIPTOR = 16;
const NEXT = 1;
const WRITE = 2;
const INDIRECT = 4;

const NO_INTERRUPT = 1;
const INDEX = 2;
const RING = 4;

/** Bounds for one buffer, above what any driver makes. */
const MOST_DESCRIPTORS = 1024;
const MOST_BYTES = 129 * 2 ** 20;

export interface RingFeatures {
  readonly indirect: boolean;
  readonly eventIndex: boolean;
}

/** All plain data: it is saved as it is. */
export type QueueState = {
  readonly size: number;
  readonly vector: number;
  readonly enabled: boolean;
  /** addresses of the three parts */
  readonly descriptors: number;
  readonly available: number;
  readonly used: number;
  /** running counts, modulo 2^16: buffers taken, buffers given back, those that the driver has been told of */
  readonly taken: number;
  readonly given: number;
  readonly told: number;
};

export const NO_VECTOR = 0xffff;

export class Virtqueue {
  state: { -readonly [K in keyof QueueState]: QueueState[K] };
  readonly largest: number;
  readonly #memory: Memory;
  #features: RingFeatures = { indirect: false, eventIndex: false };
  #descriptors: DataView = NOTHING;
  #available: DataView = NOTHING;

  constructor(memory: Memory, largest: number) {
    this.#memory = memory;
    this.largest = largest;
    this.state = this.#initial();
  }

  reset(): void {
    this.state = this.#initial();
  }

  /** Looks at the memory of the rings; needed each time before buffers are taken, since views last only until the machine runs on. */
  open(features: RingFeatures): void {
    const { size, descriptors, available, used } = this.state;
    this.#features = features;
    this.#descriptors = this.#part("descriptor table", descriptors, DESCRIPTOR * size);
    this.#available = this.#part("available ring", available, RING + 2 * size + 2);
    this.#part("used ring", used, RING + 8 * size + 2);
  }

  /** The driver has a buffer that has not been taken. */
  get waiting(): boolean {
    return this.#available.getUint16(INDEX, true) !== this.state.taken;
  }

  /** Takes the next buffer. */
  take(): Chain | undefined {
    const { size, taken } = this.state;
    const index = this.#available.getUint16(INDEX, true);
    if (index === taken) return undefined;
    if (((index - taken) & 0xffff) > size) throw new Malformed(`available index ${index} is more than ${size} past ${taken}`);
    const chain = this.#chain(this.#available.getUint16(RING + 2 * (taken % size), true));
    this.state.taken = (taken + 1) & 0xffff;
    return chain;
  }

  /** Gives a buffer back; the driver does not see it before `publish`. */
  give(chain: Chain, written: number): void {
    const { size, used, given } = this.state;
    const entry = new Uint8Array(8);
    const data = new DataView(entry.buffer);
    data.setUint32(0, chain.head, true);
    data.setUint32(4, written, true);
    this.#memory.write(used + RING + 8 * (given % size), entry);
    this.state.given = (given + 1) & 0xffff;
  }

  /** Shows the driver what was given back, asks to be notified of what comes, and tells whether the driver wants an interrupt. */
  publish(): boolean {
    const { size, used, taken, given, told } = this.state;
    if (this.#features.eventIndex) this.#write16(used + RING + 8 * size, taken);
    if (given === told) return false;
    this.#write16(used + INDEX, given);
    this.state.told = given;
    if (!this.#features.eventIndex) return (this.#available.getUint16(0, true) & NO_INTERRUPT) === 0;
    // 2.7.7.2 "Device Requirements: Used Buffer Notification Suppression": when the index passed is the one the driver named
    const event = this.#available.getUint16(RING + 2 * size, true);
    return ((given - event - 1) & 0xffff) < ((given - told) & 0xffff);
  }

  #initial(): QueueState {
    const nothing = { descriptors: 0, available: 0, used: 0, taken: 0, given: 0, told: 0 };
    return { size: this.largest, vector: NO_VECTOR, enabled: false, ...nothing };
  }

  #part(name: string, gpa: number, length: number): DataView {
    const bytes = this.#memory.view(gpa, length);
    if (bytes === undefined) throw new Malformed(`the ${name} at 0x${gpa.toString(16)} is not in memory`);
    return new DataView(bytes.buffer, bytes.byteOffset, length);
  }

  #write16(gpa: number, value: number): void {
    this.#memory.write(gpa, Uint8Array.of(value, value >>> 8));
  }

  /** Follows the descriptors, into an indirect table if there is one at the end. */
  #chain(head: number): Chain {
    const readable: Uint8Array[] = [];
    const writable: Room[] = [];
    let table: DataView = this.#descriptors;
    let entries = this.state.size;
    let bytes = 0;
    let count = 0;
    for (let index = head; ; ) {
      if (index >= entries) throw new Malformed(`descriptor ${index} of ${entries}`);
      if (++count > MOST_DESCRIPTORS) throw new Malformed(`a buffer of more than ${MOST_DESCRIPTORS} descriptors`);
      const at = DESCRIPTOR * index;
      const gpa = table.getUint32(at, true) + table.getUint32(at + 4, true) * 2 ** 32;
      const length = table.getUint32(at + 8, true);
      const flags = table.getUint16(at + 12, true);
      if (flags & INDIRECT) {
        if (!this.#features.indirect || table !== this.#descriptors || flags & NEXT || length === 0 || length % DESCRIPTOR !== 0)
          throw new Malformed(`an indirect descriptor of ${length} bytes with flags ${flags} in ${head}`);
        table = this.#part("indirect table", gpa, length);
        entries = length / DESCRIPTOR;
        index = 0;
        continue;
      }
      bytes += length;
      if (bytes > MOST_BYTES) throw new Malformed(`a buffer of more than ${MOST_BYTES} bytes`);
      if (flags & WRITE) writable.push({ gpa, length });
      else if (writable.length > 0) throw new Malformed("something to read behind something to write");
      else readable.push(this.#readable(gpa, length));
      if (!(flags & NEXT)) return new Chain(this.#memory, head, readable, writable.filter(notEmpty));
      index = table.getUint16(at + 14, true);
    }
  }

  #readable(gpa: number, length: number): Uint8Array {
    const bytes = this.#memory.view(gpa, length);
    if (bytes === undefined) throw new Malformed(`a buffer of ${length} bytes at 0x${gpa.toString(16)} is not in memory`);
    return bytes;
  }
}

const NOTHING = new DataView(new ArrayBuffer(RING));

function notEmpty({ length }: Room): boolean {
  return length > 0;
}
