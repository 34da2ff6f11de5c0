/**
 * A virtio device on the PCI bus, by the modern interface only. VIRTIO 1.2 4.1 "Virtio Over PCI Bus". Buffers are answered at once when the
 * driver notifies; what takes longer than a share goes on a little later, so that no notification can keep the machine busy for long.
 *
 *   BAR 1   MSI-X table and pending bits
 *   BAR 4   0000 common configuration │ 1000 ISR status │ 2000 device configuration │ 3000 notifications, 4 bytes a queue
 */

import type { Alarm, Clock } from "../../bus/clock.ts";
import type { AccessSize, Device, Memory, Region, Saved } from "../../bus/device.ts";
import { PciFunction } from "../pci/function.ts";
import { MsiX } from "../pci/msix.ts";
import { CAPABILITY_VENDOR } from "../pci/registers.ts";
import { CommonConfiguration } from "./common.ts";
import { Malformed, type Transport, type VirtioDevice } from "./device.ts";
import { NO_VECTOR, Virtqueue } from "./queue.ts";
import * as R from "./registers.ts";

const MSIX_BAR = 1;
const BAR = 4;
const BAR_BYTES = 0x4000;
const PART_BYTES = 0x1000;
const COMMON = 0x0000;
const ISR = 0x1000;
const CONFIG = 0x2000;
const NOTIFY = 0x3000;
const NOTIFY_MULTIPLIER = 4;

/** A notification's share: so many buffers or bytes, then the rest after so many seconds. */
const SHARE_BUFFERS = 256;
const SHARE_BYTES = 16 * 2 ** 20;
const PAUSE = 1e-6;

export class VirtioPci implements Device, Region, Transport {
  readonly name: string;
  readonly f: PciFunction;
  readonly #device: VirtioDevice;
  readonly #clock: Clock;
  readonly #queues: readonly Virtqueue[];
  readonly #common: CommonConfiguration;
  readonly #msix: MsiX;
  #isr = 0;
  /** queues with more to do, and when that happens */
  #unfinished = new Set<number>();
  #alarm: Alarm | undefined;
  #trouble: string | undefined;

  constructor(device: VirtioDevice, memory: Memory, clock: Clock) {
    this.name = device.name;
    this.#device = device;
    this.#clock = clock;
    this.#queues = device.queueSizes.map((size) => new Virtqueue(memory, size));
    this.f = new PciFunction(device.name, {
      vendor: R.VIRTIO_VENDOR,
      device: R.VIRTIO_DEVICE + device.type,
      revision: 1,
      classCode: device.classCode,
      subsystemVendor: R.VIRTIO_VENDOR,
      subsystem: 0x1100,
      interruptPin: 1,
    });
    this.#msix = new MsiX(this.f, MSIX_BAR, this.#queues.length + 1);
    const changes = { reset: () => this.#restart(), start: () => this.#serveAll() };
    this.#common = new CommonConfiguration(device.features, this.#queues, this.#msix.vectors, changes);
    this.f.addBaseAddress({ index: BAR, kind: "memory64", prefetchable: true, size: BAR_BYTES, region: this });
    this.#addCapabilities();
    this.f.onMaster((enabled) => enabled && this.#serveAll());
    device.attach(this);
  }

  /** What the driver did that it may not do, if the device needs a reset because of it. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  read(offset: number, size: AccessSize): number {
    const part = offset & -PART_BYTES;
    const at = offset - part;
    if (part === COMMON) return this.#common.read(at, size);
    if (part === CONFIG) return this.#readConfig(at, size);
    if (part === ISR && at === 0) return this.#readIsr();
    return 0;
  }

  write(offset: number, size: AccessSize, value: number): void {
    const part = offset & -PART_BYTES;
    const at = offset - part;
    if (part === COMMON) this.#common.write(at, size, value);
    else if (part === CONFIG) this.#device.configure(at, size, value);
    else if (part === NOTIFY) this.serve(Math.floor(at / NOTIFY_MULTIPLIER));
  }

  /** Answers what is in queue `n`, with at most one interrupt. */
  serve(n: number): void {
    const queue = this.#queues[n];
    if (queue === undefined || !queue.state.enabled || !this.#common.running || !this.f.master) return;
    try {
      queue.open(this.#common.ringFeatures);
      this.#answer(n, queue);
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      this.#break(error.message);
    }
  }

  configChanged(): void {
    this.#common.generation = (this.#common.generation + 1) & 0xff;
    this.#notifyConfig();
  }

  reset(): void {
    this.#msix.reset();
    this.#restart();
  }

  save(): Saved {
    return {
      f: this.f.save(),
      msix: this.#msix.save(),
      common: this.#common.save(),
      isr: this.#isr,
      unfinished: [...this.#unfinished],
      alarm: this.#alarm?.cycle ?? null,
      trouble: this.#trouble ?? null,
      device: this.#device.save(),
    };
  }

  restore(saved: Saved): void {
    const s = saved as SavedTransport;
    this.#alarm?.cancel();
    this.#msix.restore(s.msix);
    this.#common.restore(s.common);
    this.#isr = s.isr;
    this.#unfinished = new Set(s.unfinished);
    this.#alarm = s.alarm === null ? undefined : this.#clock.at(s.alarm, () => this.#goOn());
    this.#trouble = s.trouble ?? undefined;
    this.#device.restore(s.device);
    this.f.restore(s.f);
  }

  /** A driver's reset: the function's own set-up stays. 2.4.1 "Device Requirements: Device Reset" */
  #restart(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
    this.#unfinished.clear();
    this.#trouble = undefined;
    this.#setIsr(0);
    this.#common.reset();
    this.#device.reset();
  }

  #serveAll(): void {
    for (const n of this.#queues.keys()) this.serve(n);
  }

  #answer(n: number, queue: Virtqueue): void {
    let buffers = 0;
    let bytes = 0;
    try {
      while (buffers < SHARE_BUFFERS && bytes < SHARE_BYTES && queue.waiting && this.#device.ready(n)) {
        const chain = queue.take();
        if (chain === undefined) break;
        buffers++;
        bytes += chain.space + chain.restLength;
        queue.give(chain, this.#device.handle(n, chain));
      }
      if (queue.waiting && this.#device.ready(n)) this.#goOnLater(n);
    } finally {
      if (queue.publish()) this.#notifyQueue(queue.state.vector);
    }
  }

  #goOnLater(n: number): void {
    this.#unfinished.add(n);
    this.#alarm ??= this.#clock.at(this.#clock.now + Math.ceil(this.#clock.hz * PAUSE), () => this.#goOn());
  }

  #goOn(): void {
    const queues = [...this.#unfinished];
    this.#alarm = undefined;
    this.#unfinished.clear();
    for (const n of queues) this.serve(n);
  }

  #break(trouble: string): void {
    this.#trouble = trouble;
    this.#common.status |= R.NEEDS_RESET;
    this.#notifyConfig();
  }

  #notifyQueue(vector: number): void {
    if (!this.#msix.enabled) this.#setIsr(this.#isr | R.ISR_QUEUE);
    else if (vector !== NO_VECTOR) this.#msix.signal(vector);
  }

  #notifyConfig(): void {
    if (!(this.#common.status & R.DRIVER_OK)) return;
    this.#setIsr(this.#isr | R.ISR_CONFIG);
    if (this.#common.configVector !== NO_VECTOR) this.#msix.signal(this.#common.configVector);
  }

  #setIsr(isr: number): void {
    this.#isr = isr;
    this.#msix.setPin(isr !== 0);
  }

  /** Reading clears it. */
  #readIsr(): number {
    const isr = this.#isr;
    this.#setIsr(0);
    return isr;
  }

  #readConfig(offset: number, size: number): number {
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = (value << 8) | (this.#device.config[offset + i] ?? 0);
    return value;
  }

  #addCapabilities(): void {
    this.#addCapability(R.CAP_COMMON, COMMON, 0);
    this.#addCapability(R.CAP_ISR, ISR, 0);
    this.#addCapability(R.CAP_DEVICE, CONFIG, 0);
    const notify = this.#addCapability(R.CAP_NOTIFY, NOTIFY, 4);
    this.f.config.set(notify + 16, 4, NOTIFY_MULTIPLIER);
    this.#addWindow();
  }

  /** 4.1.4: id, link, length, type, BAR, id and padding, offset, length, and `more` bytes */
  #addCapability(type: number, offset: number, more: number): number {
    const { config } = this.f;
    const at = config.capability(CAPABILITY_VENDOR, 16 + more);
    config.set(at + 2, 1, 16 + more);
    config.set(at + 3, 1, type);
    config.set(at + 4, 1, BAR);
    config.set(at + 8, 4, offset);
    config.set(at + 12, 4, PART_BYTES);
    return at;
  }

  /** 4.1.4.9 "PCI configuration access capability": a way into BAR 4 for who cannot reach memory */
  #addWindow(): void {
    const { config } = this.f;
    const at = this.#addCapability(R.CAP_PCI_CFG, 0, 4);
    config.set(at + 4, 1, 0);
    config.set(at + 12, 4, 0);
    config.allow(at + 4, 1, 0xff);
    for (const field of [8, 12, 16]) config.allow(at + field, 4, 0xffffffff);
    const access = (use: (offset: number, size: AccessSize) => void) => {
      const [bar, offset, size] = [config.get(at + 4, 1), config.get(at + 8, 4), config.get(at + 12, 4)];
      if (bar === BAR && (size === 1 || size === 2 || size === 4) && offset % size === 0 && offset < BAR_BYTES) use(offset, size);
    };
    const refresh = () => access((offset, size) => config.set(at + 16, 4, this.read(offset, size)));
    const written = () => access((offset, size) => this.write(offset, size, config.get(at + 16, size)));
    config.watch({ offset: at + 16, length: 4, refresh, written });
  }
}

type SavedTransport = {
  readonly f: Uint8Array;
  readonly msix: Saved;
  readonly common: Saved;
  readonly isr: number;
  readonly unfinished: readonly number[];
  readonly alarm: number | null;
  readonly trouble: string | null;
  readonly device: Saved;
};
