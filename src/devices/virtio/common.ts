/**
 * The common configuration structure: features, status, and the set-up of the queues. VIRTIO 1.2 4.1.4.3 "Common configuration structure layout",
 * 3.1.1 "Driver Requirements: Device Initialization". What follows from a change of status is the transport's business.
 */
import type { AccessSize, Region, Saved } from "../../bus/device.ts";
import { NO_VECTOR, type QueueState, type RingFeatures, type Virtqueue } from "./queue.ts";
import * as R from "./registers.ts";

const FEATURE_WORDS = 2;

export interface StatusChanges {
  /** the driver has written 0 to the status */
  reset(): void;
  /** the driver is ready: DRIVER_OK */
  start(): void;
}

export class CommonConfiguration implements Region {
  status = 0;
  generation = 0;
  configVector = NO_VECTOR;
  readonly #queues: readonly Virtqueue[];
  readonly #vectors: number;
  readonly #offered: readonly number[];
  readonly #changes: StatusChanges;
  #accepted = [0, 0];
  #deviceSelect = 0;
  #driverSelect = 0;
  #queueSelect = 0;

  /** `features`: the device's own bits; those of the rings and of the version are added. */
  constructor(features: number, queues: readonly Virtqueue[], vectors: number, changes: StatusChanges) {
    this.#offered = [features | (1 << R.F_INDIRECT_DESC) | (1 << R.F_EVENT_IDX), 1 << (R.F_VERSION_1 - 32)];
    this.#queues = queues;
    this.#vectors = vectors;
    this.#changes = changes;
  }

  get ringFeatures(): RingFeatures {
    return { indirect: this.#has(R.F_INDIRECT_DESC), eventIndex: this.#has(R.F_EVENT_IDX) };
  }

  /** Buffers may be taken and given back. */
  get running(): boolean {
    return (this.status & (R.DRIVER_OK | R.NEEDS_RESET)) === R.DRIVER_OK;
  }

  read(offset: number, size: AccessSize): number {
    const value = this.#register(offset);
    return size === 4 ? value >>> 0 : value & ((1 << (8 * size)) - 1);
  }

  write(offset: number, _size: AccessSize, value: number): void {
    const queue = this.#queues[this.#queueSelect]?.state;
    switch (offset) {
      case R.DEVICE_FEATURE_SELECT:
        this.#deviceSelect = value;
        break;
      case R.DRIVER_FEATURE_SELECT:
        this.#driverSelect = value;
        break;
      case R.DRIVER_FEATURE:
        if (this.#driverSelect < FEATURE_WORDS && !(this.status & R.FEATURES_OK)) this.#accepted[this.#driverSelect] = value;
        break;
      case R.CONFIG_MSIX_VECTOR:
        this.configVector = this.#vector(value);
        break;
      case R.DEVICE_STATUS:
        this.#setStatus(value & 0xff);
        break;
      case R.QUEUE_SELECT:
        this.#queueSelect = value & 0xffff;
        break;
      default:
        if (queue !== undefined) this.#setQueue(queue, offset, value);
    }
  }

  reset(): void {
    this.status = this.generation = this.#deviceSelect = this.#driverSelect = this.#queueSelect = 0;
    this.configVector = NO_VECTOR;
    this.#accepted = [0, 0];
    for (const queue of this.#queues) queue.reset();
  }

  save(): Saved {
    const { status, generation, configVector } = this;
    const selects = { deviceSelect: this.#deviceSelect, driverSelect: this.#driverSelect, queueSelect: this.#queueSelect };
    return {
      status,
      generation,
      configVector,
      ...selects,
      accepted: [...this.#accepted],
      queues: this.#queues.map((q) => ({ ...q.state })),
    };
  }

  restore(saved: Saved): void {
    const s = saved as SavedCommon;
    this.status = s.status;
    this.generation = s.generation;
    this.configVector = s.configVector;
    this.#deviceSelect = s.deviceSelect;
    this.#driverSelect = s.driverSelect;
    this.#queueSelect = s.queueSelect;
    this.#accepted = [...s.accepted];
    for (const [n, queue] of this.#queues.entries()) queue.state = { ...s.queues[n] };
  }

  #register(offset: number): number {
    const queue = this.#queues[this.#queueSelect];
    switch (offset) {
      case R.DEVICE_FEATURE_SELECT:
        return this.#deviceSelect;
      case R.DEVICE_FEATURE:
        return this.#offered[this.#deviceSelect] ?? 0;
      case R.DRIVER_FEATURE_SELECT:
        return this.#driverSelect;
      case R.DRIVER_FEATURE:
        return this.#accepted[this.#driverSelect] ?? 0;
      case R.CONFIG_MSIX_VECTOR:
        return this.configVector;
      case R.NUM_QUEUES:
        return this.#queues.length;
      case R.DEVICE_STATUS:
        return this.status;
      case R.CONFIG_GENERATION:
        return this.generation;
      case R.QUEUE_SELECT:
        return this.#queueSelect;
      default:
        // a queue that does not exist has size 0
        return queue === undefined ? 0 : queueRegister(queue.state, offset, this.#queueSelect);
    }
  }

  /** Status bits are only ever added by the driver, until it writes 0. */
  #setStatus(value: number): void {
    if (value === 0) {
      this.#changes.reset();
      return;
    }
    const before = this.status;
    const refused = value & R.FEATURES_OK && !(before & R.FEATURES_OK) && !this.#acceptable ? R.FEATURES_OK : 0;
    this.status = before | (value & ~R.NEEDS_RESET & ~refused);
    if (this.status & ~before & R.DRIVER_OK) this.#changes.start();
  }

  /** 2.2.2 "Device Requirements: Feature Bits": nothing that was not offered; 6.2: and without VERSION_1 nothing at all. */
  get #acceptable(): boolean {
    return this.#accepted.every((word, n) => (word & ~this.#offered[n]) === 0) && this.#has(R.F_VERSION_1);
  }

  #has(feature: number): boolean {
    return (this.#accepted[feature >> 5] & (1 << (feature & 31))) !== 0;
  }

  #vector(value: number): number {
    return (value & 0xffff) < this.#vectors ? value & 0xffff : NO_VECTOR;
  }

  /** A queue that is enabled stays as it is until the reset. */
  #setQueue(queue: Virtqueue["state"], offset: number, value: number): void {
    if (offset === R.QUEUE_MSIX_VECTOR) queue.vector = this.#vector(value);
    else if (queue.enabled) return;
    else if (offset === R.QUEUE_ENABLE) queue.enabled = (value & 1) === 1;
    else if (offset === R.QUEUE_SIZE) {
      const size = value & 0xffff;
      if (size > 0 && (size & (size - 1)) === 0 && size <= this.#queues[this.#queueSelect].largest) queue.size = size;
    } else if (offset in ADDRESSES) {
      const part = ADDRESSES[offset];
      queue[part] = value + Math.floor(queue[part] / 2 ** 32) * 2 ** 32;
    } else if (offset - 4 in ADDRESSES) {
      const part = ADDRESSES[offset - 4];
      queue[part] = (queue[part] % 2 ** 32) + value * 2 ** 32;
    }
  }
}

type SavedCommon = {
  readonly status: number;
  readonly generation: number;
  readonly configVector: number;
  readonly deviceSelect: number;
  readonly driverSelect: number;
  readonly queueSelect: number;
  readonly accepted: readonly number[];
  readonly queues: readonly QueueState[];
};

const ADDRESSES: Readonly<Record<number, "descriptors" | "available" | "used">> = {
  [R.QUEUE_DESC]: "descriptors",
  [R.QUEUE_DRIVER]: "available",
  [R.QUEUE_DEVICE]: "used",
};

function queueRegister(queue: QueueState, offset: number, n: number): number {
  if (offset === R.QUEUE_SIZE) return queue.size;
  if (offset === R.QUEUE_MSIX_VECTOR) return queue.vector;
  if (offset === R.QUEUE_ENABLE) return queue.enabled ? 1 : 0;
  if (offset === R.QUEUE_NOTIFY_OFF) return n;
  if (offset in ADDRESSES) return queue[ADDRESSES[offset]] % 2 ** 32;
  if (offset - 4 in ADDRESSES) return Math.floor(queue[ADDRESSES[offset - 4]] / 2 ** 32);
  return 0;
}
