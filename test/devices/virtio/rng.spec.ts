import { expect, test } from "vitest";
import { VirtioRng } from "../../../src/devices/virtio/rng.ts";
import { Driver } from "./driver.ts";

const bytesOf = (driver: Driver, length: number) => {
  const room = driver.place(length);
  return [driver.request(0, [room]), driver.bytes(room)] as const;
};

test("a seed gives the same bytes again, another seed others", () => {
  const [a, b, c] = [7, 7, 8].map((seed) => bytesOf(new Driver(new VirtioRng(seed)), 61));
  expect(a).toEqual(b);
  expect(a[0]).toBe(61);
  expect(c[1]).not.toEqual(a[1]);
});

test("bytes are spread evenly", () => {
  const [, bytes] = bytesOf(new Driver(new VirtioRng(1)), 65536);
  const counts = new Array<number>(256).fill(0);
  for (const b of bytes) counts[b]++;
  // chi-squared with 255 degrees of freedom: outside of this once in a million
  const chi = counts.reduce((sum, n) => sum + (n - 256) ** 2 / 256, 0);
  expect(chi).toBeGreaterThan(154);
  expect(chi).toBeLessThan(378);
});

test("a large request is answered in part", () => {
  expect(bytesOf(new Driver(new VirtioRng(1)), 100000)[0]).toBe(65536);
});

test("saved and restored: the same bytes follow", () => {
  const one = new Driver(new VirtioRng(1));
  bytesOf(one, 10);
  const two = new Driver(new VirtioRng(2));
  two.device.restore(one.device.save());
  two.rings[0].seen = two.rings[0].next = two.rings[0].index = 1;
  two.memory.bytes.set(one.memory.bytes);
  expect(bytesOf(two, 16)[1]).toEqual(bytesOf(one, 16)[1]);
});
