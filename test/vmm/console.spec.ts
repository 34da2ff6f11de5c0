import { describe, expect, it } from "vitest";
import { consoleWrite } from "../../src/vmm/console.ts";

function console(fails = false) {
  const rings: [bigint, string][] = [];
  const serial: string[] = [];
  const targets = {
    ring: (vcpu: bigint, text: string) => {
      if (fails) throw new Error("no ring");
      rings.push([vcpu, text]);
    },
    serial: (text: string) => serial.push(text),
  };
  const write = (text: string | null, fd = 1n) => consoleWrite(targets, fd, text === null ? null : new TextEncoder().encode(text));
  return { rings, serial, write };
}

describe("console", () => {
  it("OUT-1 nothing to write, and files that are not open", () => {
    const { rings, serial, write } = console();
    expect([write(null), write(""), write("x", 0n), write("x", 3n), write("x", -1n)]).toEqual([0n, 0n, 0n, 0n, 0n]);
    expect([rings, serial]).toEqual([[], []]);
    expect([write("x", 1n), write("y", 2n)]).toEqual([1n, 1n]);
  });

  it("OUT-2 text goes to the boot vCPU's ring and to serial; all of it was written", () => {
    const { rings, serial, write } = console();
    expect([write("hello\n"), write("$vcpuid=0x0000000000000"), write("ä", 2n)]).toEqual([6n, 23n, 2n]);
    expect(rings).toEqual([
      [0n, "hello\n"],
      [0n, "$vcpuid=0x0000000000000"],
      [0n, "ä"],
    ]);
    expect(serial).toEqual(rings.map(([, text]) => text));
  });

  it("OUT-2 text that names a vCPU goes to that one's ring alone, without the name", () => {
    const { rings, serial, write } = console();
    expect(write("$vcpuid=0x00000000000100A1text")).toBe(30n);
    expect(write("$vcpuid=0x0000000000000001")).toBe(26n);
    expect(rings).toEqual([
      [0x1_00a1n, "text"],
      [1n, ""],
    ]);
    expect(serial).toEqual([]);
  });

  it("OUT-2 what goes wrong counts as nothing written", () => {
    expect(console(true).write("hello")).toBe(0n);
    const { rings, write } = console();
    expect(write("$vcpuid=0xNOTHEXADECIMAL!text")).toBe(0n);
    expect(rings).toEqual([]);
  });
});
