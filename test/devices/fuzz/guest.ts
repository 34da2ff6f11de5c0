/**
 * A guest that does to PCI and virtio devices what no driver does: random configuration accesses, regions moved anywhere, rings full of nonsense.
 * One in a few accesses is what a driver would do, so that every state of a device is reached. Nothing may throw, take long, or touch anything
 * but the guest's memory.
 */
import { EventClock } from "../../../src/bus/clock.ts";
import { CopyOnWrite, readFrom } from "../../../src/devices/backends/copy-on-write.ts";
import { VirtioBlock } from "../../../src/devices/virtio/block.ts";
import { VirtioConsole } from "../../../src/devices/virtio/console.ts";
import { VirtioPci } from "../../../src/devices/virtio/pci.ts";
import * as R from "../../../src/devices/virtio/registers.ts";
import { VirtioRng } from "../../../src/devices/virtio/rng.ts";
import { Random } from "../../lib/random.ts";
import { FakeMemory } from "../memory.ts";
import { Board } from "../pci/board.ts";

const RAM = 1 << 18;
const IMAGE = 1 << 20;
const FIRST_SLOT = 2;
const SIZES = [1, 2, 4] as const;
const WORDS = [
  0, 1, 2, 3, 4, 7, 8, 15, 16, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff,
];
const PARTS = [0, 0x1000, 0x2000, 0x3000];
const FIELDS = [
  R.DEVICE_FEATURE_SELECT,
  R.DRIVER_FEATURE_SELECT,
  R.DRIVER_FEATURE,
  R.CONFIG_MSIX_VECTOR,
  R.QUEUE_SELECT,
  R.QUEUE_SIZE,
  R.QUEUE_MSIX_VECTOR,
  R.QUEUE_ENABLE,
  R.QUEUE_DESC,
  R.QUEUE_DRIVER,
  R.QUEUE_DEVICE,
];
/** longer than this no operation may take: most take microseconds */
const LONGEST_MS = 1500;

export class Guest {
  readonly #random: Random;
  readonly #memory = new FakeMemory(RAM);
  readonly #board = new Board(this.#memory);
  readonly #image = Uint8Array.from({ length: IMAGE }, (_, i) => i * 31);
  readonly #console: VirtioConsole;
  readonly #devices: readonly VirtioPci[];
  #now = 0;
  readonly #clock = new EventClock(1e9, () => this.#now);
  /** requests that were answered, and how often a device gave up */
  answered = 0;
  broken = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#console = new VirtioConsole(() => this.answered++);
    const block = new VirtioBlock(new CopyOnWrite(IMAGE, readFrom(this.#image)));
    this.#devices = [block, this.#console, new VirtioRng(seed)].map((device) => new VirtioPci(device, this.#memory, this.#clock));
    for (const device of this.#devices) this.#board.pci.add(device.f);
  }

  /** What one operation is, by its number: the frequent ones several times. */
  readonly #operations = [
    () => this.#configuration(),
    () => this.#ports(),
    () => this.#region(),
    () => this.#region(),
    () => this.#region(),
    () => this.#setUp(),
    () => this.#ring(),
    () => this.#ring(),
    () => this.#ring(),
    () => this.#ring(),
    () => this.#scribble(),
    () => this.#outside(),
  ];

  /** Throws with what went wrong. */
  run(operations: number): void {
    for (let i = 0; i < operations; i++) {
      const start = performance.now();
      try {
        this.#random.pick(this.#operations)();
      } catch (error) {
        throw new Error(`operation ${i}: ${error instanceof Error ? error.stack : error}`);
      }
      const took = performance.now() - start;
      if (took > LONGEST_MS) throw new Error(`operation ${i} took ${took.toFixed()} ms`);
      // now and then a device is made usable again, and everything else too
      if (this.#random.oneIn(1000)) this.#check(i);
      if (this.#random.oneIn(3000)) this.#board.pci.reset();
    }
    this.#check(operations);
  }

  #check(i: number): void {
    if (!this.#memory.intact) throw new Error(`before operation ${i}: memory outside of the guest's was written`);
    if (this.#image.some((byte, at) => byte !== ((at * 31) & 0xff))) throw new Error(`before operation ${i}: the image was written`);
    for (const device of this.#devices) {
      const saved = device.save();
      device.restore(saved);
      if (JSON.stringify(device.save(), plain) !== JSON.stringify(saved, plain))
        throw new Error(`before operation ${i}: ${device.name} lost state`);
    }
  }

  #word(): number {
    return this.#random.oneIn(2) ? this.#random.pick(WORDS) : this.#random.bits() >>> 0;
  }

  #configuration(): void {
    const slot = this.#random.below(FIRST_SLOT + this.#devices.length + 1);
    const size = this.#random.pick(SIZES);
    const register = this.#random.below(256) & -size;
    if (this.#random.oneIn(2)) this.#board.get(slot, register, size);
    else this.#board.set(slot, register, size, this.#word() & (0xffffffff >>> (32 - 8 * size)));
  }

  #ports(): void {
    const port = 0xcf0 + this.#random.below(24);
    const size = this.#random.pick(SIZES);
    if (this.#random.oneIn(2)) this.#board.ports.read(port, size);
    else this.#board.ports.write(port, size, this.#word());
  }

  /** A region of a device, wherever it is now, or some address in the window. */
  #region(): void {
    const { addresses } = this.#board;
    const part = this.#random.pick(PARTS);
    const offset = this.#random.oneIn(2) ? this.#random.below(0x40) : this.#random.pick(FIELDS);
    const base = this.#random.oneIn(8) ? 0xc0000000 + this.#random.below(1 << 17) : this.#base(this.#device());
    const size = this.#random.pick(SIZES);
    if (this.#random.oneIn(2)) addresses.read(base + part + offset, size);
    else addresses.write(base + part + offset, size, this.#word());
  }

  /** What a driver does, but for a mistake here and there. */
  #setUp(): void {
    const n = this.#device();
    const { pci } = this.#board;
    const slot = FIRST_SLOT + n;
    if (this.#random.oneIn(3)) this.#place(slot);
    this.#board.set(slot, 4, 2, this.#random.oneIn(20) ? this.#word() & 0xffff : 7);
    const base = this.#base(n);
    const set = (offset: number, size: number, value: number) => {
      if (!this.#random.oneIn(50)) this.#board.addresses.write(base + offset, size, value >>> 0);
    };
    set(R.DEVICE_STATUS, 1, 0);
    for (const [word, bits] of [this.#random.oneIn(2) ? 0x30000000 : 0, 1].entries()) {
      set(R.DRIVER_FEATURE_SELECT, 4, word);
      set(R.DRIVER_FEATURE, 4, bits);
    }
    set(R.DEVICE_STATUS, 1, 11);
    for (let queue = 0; queue < 2; queue++) {
      set(R.QUEUE_SELECT, 2, queue);
      set(R.QUEUE_SIZE, 2, 1 << this.#random.below(9));
      const at = 0x4000 * (2 * n + queue);
      for (const [field, address] of [at, at + 0x1000, at + 0x2000].entries()) {
        set(R.QUEUE_DESC + 8 * field, 4, this.#random.oneIn(100) ? this.#word() : address);
        set(R.QUEUE_DESC + 8 * field + 4, 4, this.#random.oneIn(100) ? this.#word() : 0);
      }
      this.#memory.bytes.fill(0, at + 0x1000, at + 0x4000);
      set(R.QUEUE_ENABLE, 2, 1);
    }
    set(R.DEVICE_STATUS, 1, 15);
    if (pci.bus.at(slot) === undefined) throw new Error("the device has left");
  }

  /** A few descriptors, a few heads, and a notification. */
  #ring(): void {
    const n = this.#device();
    const queue = this.#random.below(2);
    const at = 0x4000 * (2 * n + queue);
    const { data } = this.#memory;
    const before = data.getUint16(at + 0x2002, true);
    for (let i = this.#random.below(6); i > 0; i--) this.#descriptor(at + 16 * this.#random.below(8), i);
    const index = data.getUint16(at + 0x1002, true);
    const more = this.#random.oneIn(40) ? this.#random.below(0x10000) : this.#random.below(3);
    for (let i = 0; i < Math.min(more, 256); i++)
      data.setUint16(at + 0x1004 + 2 * ((index + i) % 256), this.#random.oneIn(40) ? this.#random.bits() : this.#random.below(8), true);
    data.setUint16(at + 0x1002, index + more, true);
    this.#board.addresses.write(this.#base(n) + 0x3000 + 4 * queue, 2, queue);
    this.answered += (data.getUint16(at + 0x2002, true) - before) & 0xffff;
    if (this.#devices[n].trouble === undefined) return;
    this.broken++;
    if (this.#random.oneIn(2)) this.#setUp();
  }

  #descriptor(at: number, next: number): void {
    const { data } = this.#memory;
    const random = this.#random;
    const header = random.below(0x8000);
    const wild = random.oneIn(30);
    const gpa = wild ? this.#word() : random.oneIn(20) ? RAM - random.below(64) : header;
    const length = random.oneIn(30) ? this.#word() : random.pick([0, 1, 16, 16, 17, 32, 512, 513, 1024, 4096]);
    data.setUint32(at, gpa, true);
    data.setUint32(at + 4, random.oneIn(60) ? this.#word() : 0, true);
    data.setUint32(at + 8, length, true);
    data.setUint16(at + 12, random.oneIn(20) ? random.bits() : random.pick([0, 1, 1, 1, 2, 2, 3, 4]), true);
    data.setUint16(at + 14, random.oneIn(20) ? random.bits() : next, true);
    if (wild || gpa + 16 > RAM) return;
    // a request of a disk
    data.setUint32(gpa, random.pick([0, 0, 1, 1, 4, 8, 11, 13, 99]), true);
    data.setUint32(gpa + 4, 0, true);
    data.setUint32(gpa + 8, random.oneIn(20) ? this.#word() : random.below(IMAGE / 512), true);
    data.setUint32(gpa + 12, random.oneIn(20) ? this.#word() : 0, true);
  }

  #scribble(): void {
    const at = this.#random.below(RAM - 4);
    this.#memory.data.setUint32(at, this.#word(), true);
  }

  #outside(): void {
    const { below } = this.#random;
    const choice = below.call(this.#random, 4);
    if (choice === 0) this.#console.receive(new Uint8Array(this.#random.below(100)));
    else if (choice === 1) this.#console.resize(this.#random.below(200), this.#random.below(100));
    this.#now += this.#random.below(5000);
    this.#clock.advance();
  }

  #device(): number {
    return this.#random.below(this.#devices.length);
  }

  #base(n: number): number {
    const { config } = this.#devices[n].f;
    return (config.get(0x20, 4) & -0x4000) >>> 0;
  }

  #place(slot: number): void {
    this.#board.set(slot, 0x20, 4, this.#random.oneIn(5) ? this.#word() : 0xd0000000 + 0x4000 * this.#random.below(4));
    this.#board.set(slot, 0x24, 4, this.#random.oneIn(10) ? this.#word() : 0);
  }
}

function plain(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}
