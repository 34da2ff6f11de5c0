import { expect, test } from "vitest";
import { Guest } from "./guest.ts";

test.each([1, 2, 3, 4])("random operations on PCI and virtio devices, seed %i", (seed) => {
  const guest = new Guest(seed);
  guest.run(10_000);
  // otherwise it would have tested nothing
  expect(guest.answered).toBeGreaterThan(100);
  expect(guest.broken).toBeGreaterThan(10);
});
