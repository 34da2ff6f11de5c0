/** The same questions to QEMU's devices (recorded: test/fixtures/devices/virtio.json says when) and to ours. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { EventClock } from "../../../src/bus/clock.ts";
import { CopyOnWrite, readFrom } from "../../../src/devices/backends/copy-on-write.ts";
import { VirtioBlock } from "../../../src/devices/virtio/block.ts";
import { VirtioPci } from "../../../src/devices/virtio/pci.ts";
import { VirtioRng } from "../../../src/devices/virtio/rng.ts";
import { FakeMemory } from "../memory.ts";
import { Board } from "../pci/board.ts";
import { ask } from "./qemu/program.ts";
import { DISK_BYTES, diskByte, type Notes, type Target } from "./qemu/target.ts";

const FIXTURE = new URL("../../fixtures/devices/virtio.json", import.meta.url);

class Ours implements Target {
  readonly #memory = new FakeMemory(64 << 20);
  readonly #board = new Board(this.#memory);

  constructor() {
    const clock = new EventClock(1e9, () => 0);
    const image = Uint8Array.from({ length: DISK_BYTES }, (_, i) => diskByte(i));
    for (const device of [new VirtioBlock(new CopyOnWrite(image.length, readFrom(image))), new VirtioRng(1)])
      this.#board.pci.add(new VirtioPci(device, this.#memory, clock).f);
  }

  async in(port: number, size: number): Promise<number> {
    return this.#board.ports.read(port, size);
  }

  async out(port: number, size: number, value: number): Promise<void> {
    this.#board.ports.write(port, size, value);
  }

  async read(address: number, size: number): Promise<number> {
    return this.#board.addresses.read(address, size);
  }

  async write(address: number, size: number, value: number): Promise<void> {
    this.#board.addresses.write(address, size, value);
  }

  async get(gpa: number, length: number): Promise<Uint8Array> {
    return this.#memory.bytes.slice(gpa, gpa + length);
  }

  async put(gpa: number, bytes: Uint8Array): Promise<void> {
    this.#memory.write(gpa, bytes);
  }
}

test("QEMU's answers and ours", async () => {
  const { recorded, notes } = JSON.parse(readFileSync(FIXTURE, "utf8")) as { recorded: { seed: number }; notes: Notes };
  const ours = await ask(new Ours(), recorded.seed);
  const theirs = new Map(notes);
  const different = ours
    .filter(([name, value]) => theirs.get(name) !== value)
    .map(([name, value]) => `${name}: ${theirs.get(name)}, ours ${value}`);
  expect(different).toEqual([]);
  expect(ours).toHaveLength(notes.length);
});
