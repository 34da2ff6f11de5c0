import { expect, test } from "vitest";
import { cyclesOf, EventClock, ticksOf } from "../../src/bus/clock.ts";

test("events fire in the order of their cycles, and of asking within one cycle", () => {
  let now = 0;
  const clock = new EventClock(1_000_000, () => now);
  const seen: string[] = [];
  clock.at(20, () => seen.push("c"));
  clock.at(10, () => seen.push("a"));
  clock.at(10, () => seen.push("b"));
  const never = clock.at(5, () => seen.push("never"));
  never.cancel();
  expect(clock.next).toBe(10);
  now = 10;
  clock.advance();
  expect(seen).toEqual(["a", "b"]);
  now = 25;
  clock.advance();
  expect(seen).toEqual(["a", "b", "c"]);
  expect(clock.next).toBe(Number.POSITIVE_INFINITY);
});

test("what an event asks for fires in the same go if it is due", () => {
  const clock = new EventClock(1_000_000, () => 100);
  const seen: number[] = [];
  clock.at(50, () => clock.at(60, () => seen.push(60)));
  clock.advance();
  expect(seen).toEqual([60]);
});

test("a sooner event is told", () => {
  const told: number[] = [];
  const clock = new EventClock(
    1_000_000,
    () => 0,
    (cycle) => told.push(cycle),
  );
  clock.at(20, () => {});
  clock.at(30, () => {});
  clock.at(10, () => {});
  expect(told).toEqual([20, 10]);
});

test("ticks and cycles agree after years", () => {
  const clock = new EventClock(1_000_000_000, () => 0);
  for (const hz of [32_768, 115_200, 1_193_182, 3_579_545])
    for (const seconds of [0, 1, 3_600, 4_000_000]) {
      const ticks = seconds * hz + 12_345;
      const cycles = cyclesOf(clock, ticks, hz);
      expect([ticksOf(clock, cycles - 1, hz), ticksOf(clock, cycles, hz)]).toEqual([ticks - 1, ticks]);
    }
});
