/**
 * What a virtio device is to its transport: a type, some queues, a configuration structure, and an answer to each buffer of a queue. Everything
 * else (rings, features, status, interrupts) is the transport's. VIRTIO 1.2 2 "Basic Facilities of a Virtio Device".
 */
import type { Saved } from "../../bus/device.ts";
import type { Chain } from "./chain.ts";

export interface VirtioDevice {
  readonly name: string;
  /** 5 "Device Types" */
  readonly type: number;
  /** PCI class, subclass and interface */
  readonly classCode: number;
  /** its own feature bits, all below bit 24 */
  readonly features: number;
  /** the largest size of each queue, a power of two */
  readonly queueSizes: readonly number[];
  /** the device-specific configuration as the driver reads it */
  readonly config: Uint8Array;

  attach(transport: Transport): void;
  /** Whether a buffer of queue `n` could be answered now, if there is one. */
  ready(n: number): boolean;
  /** Answers one buffer and returns how many bytes it has written. What is wrong with the buffer itself is `Malformed`. */
  handle(n: number, chain: Chain): number;
  /** The driver has written to the configuration; what was written is not in `config`. */
  configure(offset: number, size: number, value: number): void;
  /** The driver has reset the device, or the machine has. */
  reset(): void;
  save(): Saved;
  restore(saved: Saved): void;
}

/** What a device can ask of its transport. */
export interface Transport {
  /** Queue `n` may be `ready` now. */
  serve(n: number): void;
  /** `config` has changed. */
  configChanged(): void;
}

/** The driver has done what no driver may do: the device needs a reset, nothing else is affected. */
export class Malformed extends Error {}
