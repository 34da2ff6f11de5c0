/**
 * What QEMU's devices answered to random sequences of accesses, against ours. Fixtures are recorded by test/devices/qemu/record.ts; a bit that
 * is not compared is one where QEMU leaves the data sheet.
 */
import { expect, test } from "vitest";
import { I8042 } from "../../src/devices/i8042.ts";
import { PcTestDevice } from "../../src/devices/pc-testdev.ts";
import { Pic } from "../../src/devices/pic.ts";
import { PIT_HZ, Pit } from "../../src/devices/pit.ts";
import { Pm } from "../../src/devices/pm.ts";
import { Rtc } from "../../src/devices/rtc.ts";
import { Uart } from "../../src/devices/uart.ts";
import { type Recorded, readRecorded } from "./qemu/fixture.ts";
import { Ports, TestClock, Wire } from "./rig.ts";

/** Ports at the times of the recording. */
class Replay {
  readonly clock = new TestClock();
  readonly ports = new Ports();

  do(access: Recorded): number {
    this.clock.pass(access.at - this.clock.now);
    return perform(this.ports, access);
  }
}

/** QEMU loads a count at once, the chip at its next tick: what is looked at is looked at some ticks later. */
class LatePit {
  readonly ports = new Ports();
  readonly #clock = { now: 0, hz: 1e9, at: (cycle: number) => ({ cycle, cancel: () => {} }) };
  readonly #late: number;

  constructor(ticks: number) {
    this.#late = Math.ceil((ticks * 1e9) / PIT_HZ);
    const pit = new Pit(this.#clock, new Wire());
    this.ports.map("pit", 0x40, 4, pit.ports);
    this.ports.map("speaker", 0x61, 1, pit.speaker);
  }

  do(access: Recorded): number {
    const { at, kind, port, value } = access;
    const isLook = kind === "in" || (port === 0x43 && (value >> 6 === 3 || (value & 0x30) === 0));
    this.#clock.now = at + (isLook ? this.#late : 0);
    return perform(this.ports, access);
  }
}

function perform(ports: Ports, { kind, port, value }: Recorded): number {
  if (kind === "in") return ports.in(port);
  if (kind === "in32") return ports.read(port, 4);
  ports.write(port, kind === "out16" ? 2 : 1, value);
  return value;
}

type Compare = (answer: number, recorded: number, access: Recorded) => boolean;
const equal: Compare = (a, b) => a === b;

/** Every answer must agree with the recording in one of the replays. */
function check(name: string, replays: readonly Pick<Replay, "do">[], compare: Compare = equal): void {
  for (const [i, access] of readRecorded(name).entries()) {
    const answers = replays.map((replay) => replay.do(access));
    const text = `access ${i} at ${access.at}: ${access.kind} ${access.port.toString(16)}`;
    const found = answers.find((answer) => compare(answer, access.value, access)) ?? answers[0];
    if (!compare(found, access.value, access)) expect([text, found.toString(16)]).toEqual([text, access.value.toString(16)]);
  }
}

/** modes whose OUT is not compared in status bytes: QEMU's is high for one tick where the chip's is low */
const INVERTED = [2, 4, 6];

function pitCompare(): Compare {
  let status = 0;
  return (ours, theirs, { kind, port, value }) => {
    if (kind === "out") {
      if (port === 0x43 && value >> 6 === 3 && (value & 0x10) === 0) status |= value >> 1;
      return true;
    }
    const isStatus = (status & (1 << (port - 0x40))) !== 0;
    const inverted = isStatus && INVERTED.includes((theirs >> 1) & 7);
    return ((ours ^ theirs) & (inverted ? 0x7f : 0xff)) === 0;
  };
}

test("interrupt controllers", () => {
  const replay = new Replay();
  const pic = new Pic(new Wire());
  replay.ports.map("master", 0x20, 2, pic.master);
  replay.ports.map("slave", 0xa0, 2, pic.slave);
  replay.ports.map("elcr", 0x4d0, 2, pic.elcr);
  replay.ports.map("irqs", 0x2000, 24, new PcTestDevice(pic.lines).irqs);
  check("pic", [replay]);
});

test("interval timer, to two ticks", () => {
  const replays = [0, 0.5, 1, 1.5, 2].map((ticks) => new LatePit(ticks));
  check("pit", replays, pitCompare());
});

test("real-time clock", () => {
  const replay = new Replay();
  const start = Date.UTC(2026, 10, 22, 23, 59, 58);
  const rtc = new Rtc(replay.clock, new Wire(), { start, lowMemory: 32 << 20, highMemory: 0, cpus: 1 });
  replay.ports.map("rtc", 0x70, 2, rtc.ports);
  check("rtc", [replay]);
});

test("UART", () => {
  const replay = new Replay();
  const uart = new Uart("uart0", replay.clock, new Wire(), () => {});
  replay.ports.map("uart0", 0x3f8, 8, uart.ports);
  check("uart", [replay], (ours, theirs, { port }) => (port === 0x3fe ? ((ours ^ theirs) & 0xf0) === 0 : ours === theirs));
});

test("power management timer, of which QEMU's has 24 bits", () => {
  const replay = new Replay();
  const pm = new Pm(replay.clock, new Wire(), () => {});
  replay.ports.map("timer", 0x608, 4, pm.timer);
  check("pm", [replay], (ours, theirs) => (ours & 0xffffff) === theirs);
});

test("keyboard controller and keyboard", () => {
  const replay = new Replay();
  const controller = new I8042(new Wire(), new Wire(), new Wire(), () => {});
  replay.ports.map("data", 0x60, 1, controller.data);
  replay.ports.map("command", 0x64, 1, controller.command);
  // QEMU's status always says that the last write was a command
  check("i8042", [replay], (ours, theirs, { port }) => ((ours ^ theirs) & (port === 0x64 ? 0xf7 : 0xff)) === 0);
});
