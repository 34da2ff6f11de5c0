/** IBM PS/2 Technical Reference; the sequences are those of Linux's i8042, atkbd and psmouse drivers. */
import { beforeEach, describe, expect, test } from "vitest";
import { I8042 } from "../../src/devices/i8042.ts";
import { KEYS, TRANSLATION } from "../../src/devices/ps2-keys.ts";
import { Ports, Wire } from "./rig.ts";

const DATA = 0x60;
const COMMAND = 0x64;

let irq1: Wire;
let irq12: Wire;
let a20: Wire;
let resets: number;
let controller: I8042;
let io: Ports;

beforeEach(() => {
  [irq1, irq12, a20] = [new Wire(), new Wire(), new Wire()];
  resets = 0;
  controller = new I8042(irq1, irq12, a20, () => resets++);
  io = new Ports();
  io.map("data", DATA, 1, controller.data);
  io.map("command", COMMAND, 1, controller.command);
});

/** Everything that there is to read, the mouse's bytes in brackets. */
function drain(): string {
  const seen: string[] = [];
  for (let status = io.in(COMMAND); (status & 1) !== 0 && seen.length < 100; status = io.in(COMMAND)) {
    const byte = io.in(DATA).toString(16);
    seen.push((status & 0x20) !== 0 ? `[${byte}]` : byte);
  }
  return seen.join(" ");
}

describe("controller", () => {
  test.each([
    ["self-test", [0xaa], "55"],
    ["keyboard test", [0xab], "0"],
    ["auxiliary test", [0xa9], "0"],
    ["no password", [0xa4], "f1"],
    ["command byte", [0x20], "47"],
    ["input port", [0xc0], "a0"],
    ["output port", [0xd0], "cf"],
  ])("%s", (_, commands, answer) => {
    io.out(COMMAND, ...commands);
    expect(drain()).toBe(answer);
  });

  test.each([
    [0xd2, 0x5a, "5a"],
    [0xd3, 0x5a, "[5a]"],
  ])("command %x loops a byte back", (command, byte, answer) => {
    io.out(COMMAND, command);
    io.out(DATA, byte);
    expect(drain()).toBe(answer);
  });

  test("its memory can be written and read", () => {
    io.out(COMMAND, 0x60);
    io.out(DATA, 0x74);
    io.out(COMMAND, 0x7f);
    io.out(DATA, 0x99);
    io.out(COMMAND, 0x20);
    expect(drain()).toBe("74");
    io.out(COMMAND, 0x3f);
    expect(drain()).toBe("99");
  });

  test("interrupts 1 and 12 follow the output buffer, if enabled", () => {
    io.out(COMMAND, 0xd3);
    io.out(DATA, 0xa5);
    expect([irq1.level, irq12.level]).toEqual([false, true]);
    io.in(DATA);
    controller.key("KeyA", true);
    expect([irq1.level, irq12.level]).toEqual([true, false]);
    io.out(COMMAND, 0x60);
    io.out(DATA, 0x44);
    expect([irq1.level, io.in(COMMAND) & 1]).toEqual([false, 1]);
  });

  test("each byte interrupts", () => {
    controller.key("ArrowUp", true);
    expect(irq1.rises).toBe(1);
    expect(drain()).toBe("e0 48");
    expect(irq1.rises).toBe(2);
  });

  test("reset by pulse and by output port, A20", () => {
    io.out(COMMAND, 0xff, 0xfe);
    expect(resets).toBe(1);
    io.out(COMMAND, 0xd1);
    io.out(DATA, 0xdd);
    expect([a20.level, resets]).toEqual([false, 1]);
    io.out(COMMAND, 0xdf);
    expect(a20.level).toBe(true);
    io.out(COMMAND, 0xd1);
    io.out(DATA, 0x00);
    expect(resets).toBe(2);
  });

  test("a disabled keyboard waits, a reply goes first", () => {
    io.out(COMMAND, 0xad);
    controller.key("KeyA", true);
    expect(drain()).toBe("");
    io.out(COMMAND, 0x20);
    expect(drain()).toBe("57");
    io.out(COMMAND, 0xae);
    expect(drain()).toBe("1e");
  });

  test("a reply does not push out what was not read", () => {
    controller.key("KeyA", true);
    io.out(COMMAND, 0x20);
    expect(drain()).toBe("1e 47");
  });
});

describe("keyboard", () => {
  test.each([
    ["reset", [0xff], "fa aa"],
    ["identify, translated", [0xf2], "fa ab 41"],
    ["LEDs", [0xed, 0x02], "fa fa"],
    ["typematic rate", [0xf3, 0x20], "fa fa"],
    ["scan code set, asked", [0xf0, 0x00], "fa fa 41"],
    ["scan code set, told", [0xf0, 0x02], "fa fa"],
    ["no such set", [0xf0, 0x07], "fa fe"],
    ["echo", [0xee], "ee"],
    ["enable, disable, defaults", [0xf4, 0xf5, 0xf6], "fa fa fa"],
    ["unknown", [0x17], "fe"],
    ["a command instead of an argument", [0xed, 0xf4], "fa fa"],
  ])("%s", (_, bytes, answer) => {
    const seen = bytes.map((byte) => {
      io.out(DATA, byte);
      return drain();
    });
    expect(seen.join(" ")).toBe(answer);
  });

  test("LEDs are visible to the host", () => {
    io.out(DATA, 0xed, 0x06);
    expect(controller.keyboard.leds).toBe(6);
  });

  test("keys of scan code set 2 are translated to set 1", () => {
    for (const [code, key] of Object.entries(KEYS))
      for (const down of [true, false]) {
        controller.key(code, down);
        const expected = key!.set1(down);
        if (code === "PrintScreen" && !down) expect(drain()).toBe("e0 b7 e0 aa");
        else expect([code, drain()]).toEqual([code, expected.map((b) => b.toString(16)).join(" ")]);
      }
  });

  test("the translation is one-to-one, but for two keys of the first keyboards", () => {
    expect(new Set(TRANSLATION.slice(0, 0x80)).size).toBe(0x80);
  });

  test("untranslated", () => {
    io.out(COMMAND, 0x60);
    io.out(DATA, 0x05);
    controller.key("KeyA", true);
    controller.key("KeyA", false);
    expect(drain()).toBe("1c f0 1c");
  });

  test("characters", () => {
    for (const character of "aA\n") expect(controller.press(character)).toBe(true);
    expect(drain()).toBe("1e 9e 2a 1e 9e aa 1c 9c");
    expect(controller.press("€")).toBe(false);
  });

  test("keys that nobody fetches are dropped", () => {
    for (let i = 0; i < 1000; i++) controller.key("KeyA", true);
    expect(drain().split(" ").length).toBeLessThan(20);
  });
});

describe("mouse", () => {
  function tell(...bytes: readonly number[]): string {
    for (const byte of bytes) {
      io.out(COMMAND, 0xd4);
      io.out(DATA, byte);
    }
    return drain();
  }

  test.each([
    ["reset", [0xff], "[fa] [aa] [0]"],
    ["identify", [0xf2], "[fa] [0]"],
    ["status", [0xe9], "[fa] [0] [2] [64]"],
    ["rates of a wheel, which it has not", [0xf3, 200, 0xf3, 100, 0xf3, 80, 0xf2], "[fa] [fa] [fa] [fa] [fa] [fa] [fa] [0]"],
    ["resolution", [0xe8, 0x03, 0xe9], "[fa] [fa] [fa] [0] [3] [64]"],
    ["unknown", [0xe1], "[fe]"],
  ])("%s", (_, bytes, answer) => {
    expect(tell(...bytes)).toBe(answer);
  });

  test("moves, once it is enabled", () => {
    controller.move(5, -3, 1);
    expect(drain()).toBe("");
    tell(0xf4);
    controller.move(5, -3, 1);
    expect(drain()).toBe("[29] [5] [fd]");
    controller.move(300, 0, 0);
    expect(drain()).toBe("[8] [ff] [0] [8] [2d] [0]");
  });
});

test("it is saved whole", () => {
  io.out(DATA, 0xed);
  controller.key("F1", true);
  io.out(COMMAND, 0xd4);
  io.out(DATA, 0xf2);
  const saved = structuredClone(controller.save());
  const before = drain();
  controller.reset();
  controller.restore(saved);
  expect(controller.save()).toEqual(saved);
  expect(drain()).toBe(before);
});
