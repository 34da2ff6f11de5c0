/** QEMU's pc-testdev, as kvm-unit-tests use it. */
import { expect, test } from "vitest";
import { PcTestDevice } from "../../src/devices/pc-testdev.ts";
import { Ports, Wire } from "./rig.ts";

function make() {
  const lines = Array.from({ length: 16 }, () => new Wire());
  const device = new PcTestDevice(lines);
  const io = new Ports();
  io.map("register", 0xe0, 4, device.register);
  io.map("flush", 0xe4, 4, device.flush);
  io.map("bytes", 0xe8, 1, device.bytes);
  io.map("irqs", 0x2000, 24, device.irqs);
  io.map("memory", 0xff000000, 0x10000, device.memory);
  return { lines, device, io };
}

test("a register of four bytes", () => {
  const { io } = make();
  io.write(0xe0, 4, 0x12345678);
  io.out(0xe1, 0xaa);
  expect([io.read(0xe0, 4), io.read(0xe2, 2), io.in(0xe8)]).toEqual([0x1234aa78, 0x1234, 0x78]);
});

test("interrupt lines", () => {
  const { io, lines } = make();
  io.out(0x200e, 1);
  expect(lines.map((l) => l.level).indexOf(true)).toBe(14);
  io.out(0x200e, 0);
  io.out(0x2017, 1);
  expect(lines.some((l) => l.level)).toBe(false);
});

test("memory, and a port that does nothing", () => {
  const { io, device } = make();
  io.write(0xff00fffc, 4, 0xdeadbeef);
  io.write(0xe4, 4, 0xffffffff);
  const saved = structuredClone(device.save());
  device.reset();
  expect(io.read(0xff00fffc, 4)).toBe(0);
  device.restore(saved);
  expect([io.read(0xff00fffe, 2), JSON.stringify(device.save()) === JSON.stringify(saved)]).toEqual([0xdead, true]);
});
