import { expect, test } from "vitest";
import type { Saved } from "../../../src/bus/device.ts";
import { Random } from "../../lib/random.ts";
import { Chips } from "./chips.ts";

test("200 000 random accesses to all chips", () => {
  const chips = new Chips();
  chips.run(new Random(1), 200_000);
  expect(chips.vga.text().length).toBe(25);
});

test("a machine restored at a random time does what the saved one does", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const before = new Random(seed);
    const chips = new Chips();
    for (let i = 0; i < 2000; i++) chips.step(before);
    const copy = new Chips();
    copy.clock.pass(chips.clock.now);
    copy.memory.bytes.set(chips.memory.bytes);
    for (const [i, device] of chips.devices.entries()) copy.devices[i].restore(structuredClone(device.save()));
    for (const [i, device] of chips.devices.entries())
      expect([seed, textOf(copy.devices[i].save())]).toEqual([seed, textOf(device.save())]);
    chips.events.length = copy.events.length = 0;
    const [one, other] = [new Random(seed, 1), new Random(seed, 1)];
    for (let i = 0; i < 2000; i++) {
      const [expected, got] = [chips.step(one), copy.step(other)];
      if (got !== expected) expect([seed, i, got]).toEqual([seed, i, expected]);
    }
    expect(copy.events).toEqual(chips.events);
  }
});

test("a reset leaves nothing that interrupts or waits", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const r = new Random(seed);
    const chips = new Chips();
    for (let i = 0; i < 2000; i++) chips.step(r);
    for (const device of chips.devices) device.reset();
    const [master, slave] = chips.pic.chips;
    expect([seed, master.isr, slave.isr, master.imr]).toEqual([seed, 0, 0, 0]);
  }
});

/** Quicker to compare than thousands of bytes. */
function textOf(saved: Saved): string {
  return JSON.stringify(saved, (_, value) => (value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value));
}
