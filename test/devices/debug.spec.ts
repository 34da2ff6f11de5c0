/** QEMU's isa-debug-exit and the debug console of Bochs and QEMU. */
import { expect, test } from "vitest";
import { DebugExit } from "../../src/devices/debug-exit.ts";
import { DebugConsole } from "../../src/devices/debugcon.ts";
import { Ports } from "./rig.ts";

test.each([
  [1, 0x00, 1],
  [1, 0x10, 33],
  [4, 0x31, 99],
  [4, 0xffffffff, 255],
])("%i bytes of %x end the machine with %i", (size, value, expected) => {
  const codes: number[] = [];
  const ports = new Ports();
  ports.map("exit", 0xf4, 4, new DebugExit((code) => codes.push(code)).ports);
  expect([ports.in(0xf4), codes]).toEqual([0, []]);
  ports.write(0xf4, size, value);
  expect(codes).toEqual([expected]);
});

test("the debug console says that it is there, and passes bytes on", () => {
  const bytes: number[] = [];
  const ports = new Ports();
  ports.map("debugcon", 0xe9, 1, new DebugConsole((byte) => bytes.push(byte)).ports);
  expect(ports.in(0xe9)).toBe(0xe9);
  ports.out(0xe9, 0x48, 0x69);
  expect(bytes).toEqual([0x48, 0x69]);
});
