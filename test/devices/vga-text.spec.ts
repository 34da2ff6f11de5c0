/** IBM VGA Technical Reference. */
import { beforeEach, describe, expect, test } from "vitest";
import { VgaText } from "../../src/devices/vga-text.ts";
import { FakeMemory } from "./memory.ts";
import { Ports } from "./rig.ts";

let ram: FakeMemory;
let vga: VgaText;
let io: Ports;

beforeEach(() => {
  ram = new FakeMemory(0xc0000);
  vga = new VgaText(ram);
  io = new Ports();
  io.map(vga.name, 0x3b0, 0x30, vga.ports);
});

function show(cell: number, text: string): void {
  for (const [i, c] of [...text].entries()) ram.bytes.set([c.charCodeAt(0), 7], 0xb8000 + 2 * (cell + i));
}

describe("screen", () => {
  test("25 rows of 80 characters", () => {
    show(0, "Hello");
    show(24 * 80 + 75, "world");
    const text = vga.text();
    expect([text.length, text[0], text[24]]).toEqual([25, "Hello".padEnd(80), "world".padStart(80)]);
  });

  test("scrolled by its start address", () => {
    show(3 * 80, "scrolled");
    io.write(0x3d4, 2, 0x000c);
    io.write(0x3d4, 2, 0xf00d);
    expect(vga.text()[0]).toBe("scrolled".padEnd(80));
  });

  test("characters of code page 437, and the cursor", () => {
    ram.bytes.set([0xc9, 7, 0xcd, 7, 0xe1, 7, 0x01, 7, 0xfb, 7], 0xb8000);
    expect(vga.text()[0].trim()).toBe("╔═ß☺√");
    io.write(0x3d4, 2, 0x010e);
    io.write(0x3d4, 2, 0x450f);
    expect(vga.cursor).toEqual({ row: 4, column: 5 });
  });

  test("without memory there is nothing on it", () => {
    expect(new VgaText(new FakeMemory(0)).text()[0]).toBe(" ".repeat(80));
  });
});

describe("registers", () => {
  test.each([
    ["CRTC", 0x3d4, 0x0a, 0x1f],
    ["sequencer", 0x3c4, 0x02, 0x0f],
    ["graphics", 0x3ce, 0x08, 0xaa],
  ])("%s", (_, port, index, value) => {
    io.out(port, index);
    io.out(port + 1, value);
    expect([io.in(port), io.in(port + 1)]).toEqual([index, value]);
  });

  test("the attribute port takes index and data in turns, and reading the status begins again", () => {
    io.in(0x3da);
    io.out(0x3c0, 0x03, 0x2a, 0x04);
    io.in(0x3da);
    io.out(0x3c0, 0x23);
    expect([io.in(0x3c0), io.in(0x3c1)]).toEqual([0x23, 0x2a]);
  });

  test("colour or monochrome ports", () => {
    expect([io.in(0x3cc), io.in(0x3b4), io.in(0x3ba)]).toEqual([0x67, 0xff, 0xff]);
    io.out(0x3c2, 0x66);
    io.out(0x3b4, 0x0a);
    expect([io.in(0x3b4), io.in(0x3d4), io.in(0x3da)]).toEqual([0x0a, 0xff, 0xff]);
  });

  test("protected timing", () => {
    io.write(0x3d4, 2, 0x0000);
    expect(io.in(0x3d5)).toBe(0x5f);
    io.write(0x3d4, 2, 0x0e11);
    io.write(0x3d4, 2, 0x0000);
    expect(io.in(0x3d5)).toBe(0x00);
  });

  test("who waits for the retrace sees it begin and end", () => {
    const seen = [0, 0, 0, 0].map(() => io.in(0x3da) & 8);
    expect(seen).toEqual([8, 0, 8, 0]);
  });

  test("the palette", () => {
    io.out(0x3c8, 0xff);
    io.out(0x3c9, 1, 2, 0xff, 9);
    io.out(0x3c7, 0xff);
    expect([0, 0, 0, 0].map(() => io.in(0x3c9))).toEqual([1, 2, 0x3f, 9]);
  });
});

test("it is saved whole", () => {
  io.write(0x3d4, 2, 0x120e);
  io.out(0x3c0, 0x31);
  const saved = structuredClone(vga.save());
  vga.reset();
  vga.restore(saved);
  expect(vga.save()).toEqual(saved);
});
