import { describe, expect, it } from "vitest";
import { E820, e820 } from "../../src/boot/e820.ts";

const text = (bytes: number, reserved: { start: number; length: number }[] = []) =>
  e820(bytes, reserved).map(
    (r) => `${r.start.toString(16)}-${(r.start + r.length - 1).toString(16)} ${r.type === E820.RAM ? "ram" : "reserved"}`,
  );

const LOW = ["0-9fbff ram", "9fc00-9ffff reserved", "e0000-fffff reserved"];

describe("memory map", () => {
  it("ends where RAM ends", () => {
    expect(text(256 * 2 ** 20)).toEqual([...LOW, "100000-fffffff ram"]);
  });

  it("goes on above 4 GiB behind the hole for devices", () => {
    expect(text(3 * 2 ** 30)).toEqual([...LOW, "100000-bfffffff ram"]);
    expect(text(3.5 * 2 ** 30)).toEqual([...LOW, "100000-bfffffff ram", "100000000-11fffffff ram"]);
  });

  it("hides what is reserved", () => {
    const pool = { start: 0x400_0000, length: 0x100_0000 };
    expect(text(256 * 2 ** 20, [pool])).toEqual([...LOW, "100000-3ffffff ram", "4000000-4ffffff reserved", "5000000-fffffff ram"]);
    expect(text(64 * 2 ** 20, [{ start: 0x300_0000, length: 0x100_0000 }]).at(-1)).toBe("3000000-3ffffff reserved");
  });
});
