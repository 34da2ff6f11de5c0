import { describe, expect, test } from "vitest";
import { IoApic, PINS } from "../../src/devices/ioapic.ts";

const MASKED = 0x10000;
const LEVEL = 0x8000;
const REMOTE_IRR = 0x4000;

function build() {
  const sent: string[] = [];
  const apic = new IoApic((address, data) => sent.push(`${address.toString(16)}=${data.toString(16)}`));
  const get = (register: number) => {
    apic.write(0, 4, register);
    return apic.read(0x10, 4) >>> 0;
  };
  const put = (register: number, value: number) => {
    apic.write(0, 4, register);
    apic.write(0x10, 4, value);
  };
  const entry = (pin: number, low: number, destination = 0) => {
    put(0x11 + 2 * pin, destination << 24);
    put(0x10 + 2 * pin, low);
  };
  const low = (pin: number) => get(0x10 + 2 * pin);
  const taken = () => sent.splice(0);
  return { apic, get, put, entry, low, taken };
}

describe("registers", () => {
  test("after power-on every pin is masked", () => {
    const { get } = build();
    expect(get(1)).toBe(0x00170020);
    for (let n = 0; n < PINS; n++) expect([get(0x10 + 2 * n), get(0x11 + 2 * n)]).toEqual([MASKED, 0]);
  });

  test.each([
    ["id: four bits", 0, 0xffffffff, 0x0f000000],
    ["version: read only", 1, 0xffffffff, 0x00170020],
    ["arbitration: read only", 2, 0xffffffff, 0],
    ["low half: delivery status and remote IRR are read only", 0x10, 0xffffffff, 0x1afff],
    ["high half: destination only", 0x11, 0xffffffff, 0xff000000],
    ["last pin", 0x3e, 0x12345, 0x12345 & 0x1afff],
    ["behind the last pin", 0x40, 0xffffffff, 0],
    ["hole", 5, 0xffffffff, 0],
  ])("%s", (_, register, written, expected) => {
    const { get, put } = build();
    put(register, written);
    expect(get(register)).toBe(expected);
  });

  test("writing the id loads the arbitration id", () => {
    const { get, put } = build();
    put(0, 0x05000000);
    expect(get(2)).toBe(0x05000000);
  });

  test("the window is written as a doubleword, and read in any part", () => {
    const { apic, get, put } = build();
    put(0x10, 0x1a0b3);
    apic.write(0x10, 1, 0);
    apic.write(0x10, 2, 0);
    expect(get(0x10)).toBe(0x1a0b3);
    expect([apic.read(0x10, 1), apic.read(0x11, 1), apic.read(0x12, 2)]).toEqual([0xb3, 0xa0, 1]);
  });
});

describe("messages", () => {
  test.each([
    ["fixed, physical", 0x0031, 0, "fee00000=4031"],
    ["fixed, logical, destination 3", 0x0831, 3, "fee03004=4031"],
    ["lowest priority", 0x0931, 0xff, "feeff004=4131"],
    ["SMI", 0x0200, 1, "fee01000=4200"],
    ["NMI", 0x0400, 1, "fee01000=4400"],
    ["INIT", 0x0500, 0, "fee00000=4500"],
    ["ExtINT", 0x0700, 0, "fee00000=4700"],
    ["NMI set to level is an edge", 0x0400 | LEVEL, 0, "fee00000=4400"],
    ["level", 0x0051 | LEVEL, 0, "fee00000=c051"],
    ["active low makes no difference", 0x2051, 0, "fee00000=4051"],
  ])("%s", (_, low, destination, message) => {
    const { apic, entry, taken } = build();
    entry(7, low, destination);
    apic.pin(7).set(true);
    apic.pin(7).set(true);
    expect(taken()).toEqual([message]);
  });
});

describe("edges", () => {
  test("each rising edge is one message", () => {
    const { apic, entry, taken } = build();
    entry(4, 0x31);
    for (const level of [true, false, true, false]) apic.pin(4).set(level);
    expect(taken()).toHaveLength(2);
  });

  test("an edge on a masked pin is lost", () => {
    const { apic, entry, taken } = build();
    entry(4, 0x31 | MASKED);
    apic.pin(4).set(true);
    entry(4, 0x31);
    expect(taken()).toEqual([]);
  });
});

describe("levels", () => {
  test("one message until the end of interrupt, and again while the line is asserted", () => {
    const { apic, entry, low, taken } = build();
    entry(9, 0x51 | LEVEL);
    apic.pin(9).set(true);
    apic.pin(9).set(false);
    apic.pin(9).set(true);
    expect(taken()).toHaveLength(1);
    expect(low(9) & REMOTE_IRR).toBe(REMOTE_IRR);
    apic.eoi(0x50);
    expect(taken()).toEqual([]);
    apic.eoi(0x51);
    expect(taken()).toHaveLength(1);
    apic.pin(9).set(false);
    apic.eoi(0x51);
    expect(taken()).toEqual([]);
    expect(low(9) & REMOTE_IRR).toBe(0);
  });

  test("a masked line is remembered as long as it is asserted", () => {
    const { apic, entry, taken } = build();
    entry(9, 0x51 | LEVEL | MASKED);
    apic.pin(9).set(true);
    apic.pin(10).set(true);
    apic.pin(10).set(false);
    entry(10, 0x52 | LEVEL);
    expect(taken()).toEqual([]);
    entry(9, 0x51 | LEVEL);
    expect(taken()).toEqual(["fee00000=c051"]);
  });

  test("masked while in service: the end of interrupt asks again only after unmasking", () => {
    const { apic, put, entry, taken } = build();
    entry(9, 0x51 | LEVEL);
    apic.pin(9).set(true);
    put(0x10 + 18, 0x51 | LEVEL | MASKED);
    apic.eoi(0x51);
    expect(taken()).toHaveLength(1);
    put(0x10 + 18, 0x51 | LEVEL);
    expect(taken()).toHaveLength(1);
  });

  test("the EOI register ends it as well", () => {
    const { apic, entry, taken } = build();
    entry(9, 0x51 | LEVEL);
    apic.pin(9).set(true);
    apic.write(0x40, 4, 0x51);
    expect(taken()).toHaveLength(2);
  });

  test("one vector on two pins", () => {
    const { apic, entry, taken } = build();
    entry(16, 0x51 | LEVEL);
    entry(17, 0x51 | LEVEL);
    apic.pin(16).set(true);
    apic.pin(17).set(true);
    apic.eoi(0x51);
    expect(taken()).toHaveLength(4);
  });

  test("switching to edge forgets that an interrupt is in service", () => {
    const { apic, put, entry, low, taken } = build();
    entry(9, 0x51 | LEVEL);
    apic.pin(9).set(true);
    put(0x10 + 18, 0x51 | MASKED);
    expect(low(9) & REMOTE_IRR).toBe(0);
    put(0x10 + 18, 0x51 | LEVEL);
    expect(taken()).toHaveLength(2);
  });
});

test("saved and restored", () => {
  const one = build();
  one.entry(9, 0x51 | LEVEL, 2);
  one.put(0, 0x03000000);
  one.apic.pin(9).set(true);
  const two = build();
  two.apic.restore(one.apic.save());
  expect(two.apic.save()).toEqual(one.apic.save());
  two.apic.eoi(0x51);
  expect(two.taken()).toEqual(["fee02000=c051"]);
});

test("reset masks everything, and lines keep their levels", () => {
  const { apic, entry, low, taken } = build();
  entry(9, 0x51 | LEVEL);
  apic.pin(9).set(true);
  apic.reset();
  expect(low(9)).toBe(MASKED);
  taken();
  entry(9, 0x51 | LEVEL);
  expect(taken()).toHaveLength(1);
});
