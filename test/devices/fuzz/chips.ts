/** All the chips of a PC and a guest that does anything to them: every port, every size, every value, at any time. */
import type { Device, Line } from "../../../src/bus/device.ts";
import { Wire as SharedWire } from "../../../src/bus/wire.ts";
import { DebugExit } from "../../../src/devices/debug-exit.ts";
import { DebugConsole } from "../../../src/devices/debugcon.ts";
import { FwCfg } from "../../../src/devices/fw-cfg.ts";
import { I8042 } from "../../../src/devices/i8042.ts";
import { PcTestDevice } from "../../../src/devices/pc-testdev.ts";
import { Pic } from "../../../src/devices/pic.ts";
import { Pit } from "../../../src/devices/pit.ts";
import { Pm } from "../../../src/devices/pm.ts";
import { Port92 } from "../../../src/devices/port92.ts";
import { Post } from "../../../src/devices/post.ts";
import { Rtc } from "../../../src/devices/rtc.ts";
import { Uart } from "../../../src/devices/uart.ts";
import { VgaText } from "../../../src/devices/vga-text.ts";
import type { Random } from "../../lib/random.ts";
import { FakeMemory } from "../memory.ts";
import { Ports, TestClock, Wire } from "../rig.ts";

const RAM_BYTES = 0x100000;

/** What devices tell the host is in `events`. */
export class Chips {
  readonly clock = new TestClock();
  readonly ports = new Ports();
  readonly memory = new FakeMemory(RAM_BYTES);
  readonly events: string[] = [];
  readonly devices: readonly Device[];
  readonly pic: Pic;
  readonly uart: Uart;
  readonly keyboard: I8042;
  readonly vga: VgaText;

  constructor() {
    const { clock, ports, memory } = this;
    const say = (what: string) => () => this.#say(what);
    const intr = new Wire();
    const pic = new Pic(intr);
    const wires = pic.lines.map((line) => new SharedWire(line));
    const irq = (n: number): Line => wires[n].input();
    const pit = new Pit(clock, irq(0));
    const rtc = new Rtc(clock, irq(8), { start: 0, lowMemory: RAM_BYTES, highMemory: 0, cpus: 1 });
    const uart = new Uart("uart0", clock, irq(4), (byte) => this.#say(`sent ${byte}`));
    const pm = new Pm(clock, irq(9), say("off"));
    const keyboard = new I8042(irq(1), irq(12), new Wire(), say("reset"));
    const port92 = new Port92(new Wire(), say("reset"));
    const vga = new VgaText(memory);
    const fw = new FwCfg(memory, { ram: RAM_BYTES, cpus: 1, commandLine: "x", files: { a: new Uint8Array(1000) } });
    const test = new PcTestDevice(wires.map((wire) => wire.input()));
    const post = new Post();
    ports.map("pic", 0x20, 2, pic.master);
    ports.map("pic", 0xa0, 2, pic.slave);
    ports.map("pic", 0x4d0, 2, pic.elcr);
    ports.map("pit", 0x40, 4, pit.ports);
    ports.map("pit", 0x61, 1, pit.speaker);
    ports.map("i8042", 0x60, 1, keyboard.data);
    ports.map("i8042", 0x64, 1, keyboard.command);
    ports.map("rtc", 0x70, 2, rtc.ports);
    ports.map("post", 0x80, 1, post.ports);
    ports.map("port92", 0x92, 1, port92.ports);
    ports.map("test", 0xe0, 4, test.register);
    ports.map("test", 0xe4, 4, test.flush);
    ports.map("test", 0x2000, 24, test.irqs);
    ports.map("debugcon", 0xe9, 1, new DebugConsole((byte) => this.#say(`debug ${byte}`)).ports);
    ports.map("exit", 0xf4, 4, new DebugExit((code) => this.#say(`exit ${code}`)).ports);
    ports.map("uart", 0x3f8, 8, uart.ports);
    ports.map("vga", 0x3b0, 0x30, vga.ports);
    ports.map("fw-cfg", 0x510, 2, fw.ports);
    ports.map("fw-cfg", 0x514, 8, fw.dma);
    ports.map("pm", 0x600, 4, pm.events);
    ports.map("pm", 0x604, 2, pm.control);
    ports.map("pm", 0x608, 4, pm.timer);
    this.devices = [pic, pit, rtc, uart, pm, keyboard, port92, vga, fw, test, post];
    this.pic = pic;
    this.uart = uart;
    this.keyboard = keyboard;
    this.vga = vga;
  }

  /** So many steps; every value that is read must be one that a port can have, and every event must lie ahead. */
  run(r: Random, steps: number): void {
    for (let i = 0; i < steps; i++) {
      const value = this.step(r);
      if (value === undefined || (value >= 0 && value <= 0xffffffff) || value > this.clock.now) continue;
      throw new Error(`step ${i} gave ${value}`);
    }
    if (!this.memory.intact) throw new Error("a device wrote outside of memory");
  }

  /** One step of the guest, or of its surroundings. What it returns, and `events`, are all that can be seen. */
  step(r: Random): number | undefined {
    switch (r.below(40)) {
      case 0:
        this.clock.pass(r.below(r.pick([1000, 1_000_000, 100_000_000])));
        return this.clock.next;
      case 1:
        return this.pic.acknowledge();
      case 2:
        this.uart.receive(Uint8Array.of(r.below(256)));
        return this.uart.waiting;
      case 3:
        this.keyboard.key(r.pick(["KeyA", "Pause", "PrintScreen", "nonsense"]), r.oneIn(2));
        this.keyboard.move(r.between(-1000, 1000), r.between(-1000, 1000), r.below(8));
        return undefined;
      default:
        return this.#access(r);
    }
  }

  #access(r: Random): number | undefined {
    const port = portOf(r);
    const size = r.pick([1, 1, 1, 2, 4]);
    if (r.oneIn(2)) return this.ports.read(port, size);
    const value = r.pick([0, 0xff, r.below(256), r.below(256), r.bits() >>> 0, 0xffffffff]);
    this.ports.write(port, size, value);
    return undefined;
  }

  #say(what: string): void {
    this.events.push(what);
    if (this.events.length > 1000) this.events.length = 0;
  }
}

const RANGES = [
  [0x20, 2],
  [0x40, 4],
  [0x60, 5],
  [0x70, 2],
  [0x92, 1],
  [0xa0, 2],
  [0xe0, 24],
  [0x3b0, 0x30],
  [0x3f8, 8],
  [0x4d0, 2],
  [0x510, 12],
  [0x600, 12],
  [0x2000, 24],
] as const;

function portOf(r: Random): number {
  if (r.oneIn(100)) return r.below(0x10000);
  const [base, length] = r.pick(RANGES);
  return base + r.below(length);
}
