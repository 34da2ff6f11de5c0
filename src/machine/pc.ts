/**
 * THE PARTS LIST of the PC: every device with its ports, its interrupt line and what it is wired to. The map is that of QEMU's "pc" where
 * guests can tell.
 *
 *   memory  0 RAM, up to 3 GiB    c0000000 PCI devices    fec00000 I/O APIC    fee00000 local APIC (in the core)    100000000 the rest of RAM
 *
 * Interrupt n of the ISA bus goes to input n of the 8259 pair and to pin n of the I/O APIC, the timer's 0 to pin 2. What no device answers
 * reads as all ones and is counted.
 */
import type { Range } from "../boot/e820.ts";
import { AddressSpace, OverlapError } from "../bus/address-space.ts";
import { EventClock } from "../bus/clock.ts";
import type { Device, Line, Region, Saved } from "../bus/device.ts";
import { Wire } from "../bus/wire.ts";
import { Core, type StopReason, type Vcpu } from "../core/core.ts";
import { DebugExit } from "../devices/debug-exit.ts";
import { DebugConsole } from "../devices/debugcon.ts";
import { FwCfg } from "../devices/fw-cfg.ts";
import { I8042 } from "../devices/i8042.ts";
import { IoApic } from "../devices/ioapic.ts";
import { PcTestDevice, TEST_MEMORY_BYTES } from "../devices/pc-testdev.ts";
import { Pci } from "../devices/pci/host.ts";
import { Pic } from "../devices/pic.ts";
import { Pit } from "../devices/pit.ts";
import { Pm } from "../devices/pm.ts";
import { Port92 } from "../devices/port92.ts";
import { Post } from "../devices/post.ts";
import { Rtc } from "../devices/rtc.ts";
import { Uart } from "../devices/uart.ts";
import { VgaText } from "../devices/vga-text.ts";
import { VirtioBlock } from "../devices/virtio/block.ts";
import { VirtioConsole } from "../devices/virtio/console.ts";
import { VirtioPci } from "../devices/virtio/pci.ts";
import { VirtioRng } from "../devices/virtio/rng.ts";
import { OPTION, PENDING } from "../spec/events.ts";
import { type Config, ConfigError } from "./config.ts";
import { GuestMemory } from "./guest-memory.ts";
import type { Hooks } from "./hooks.ts";
import { HostSide } from "./host-side.ts";
import { Output } from "./output.ts";
import { SerialPort } from "./serial.ts";
import type { Stop } from "./stop.ts";

/** Guest time: one cycle is a nanosecond. */
export const HZ = 1e9;

const COM = [
  { port: 0x3f8, irq: 4 },
  { port: 0x2f8, irq: 3 },
  { port: 0x3e8, irq: 4 },
  { port: 0x2e8, irq: 3 },
];
const ISA_LINES = 16;
const TIMER_PIN = 2;

/** What the machine around the parts does for them. */
export interface Surroundings {
  /** A part asks to end the run. */
  request(stop: Stop): void;
  /** There is something to do for a guest that may be idle. */
  wake(): void;
}

export class Pc {
  readonly core: Core;
  readonly vcpu: Vcpu;
  readonly clock: EventClock;
  readonly memory: GuestMemory;
  readonly ports = new AddressSpace("ports");
  readonly addresses = new AddressSpace("addresses");
  /** COM1 to COM4, and the virtio console if there is one */
  readonly serialPorts: readonly SerialPort[];
  readonly debugConsole = new Output();
  readonly pic: Pic;
  readonly ioapic: IoApic;
  readonly pci: Pci;
  readonly keyboard: I8042;
  readonly screen: VgaText;
  /** memory of the VMM, which the guest is not told of; its length is 0 without one */
  readonly pool: Range;
  readonly #devices: Device[] = [];
  /** cycle at which the core comes back by itself */
  #sliceEnd = 0;

  constructor(module: WebAssembly.Module, config: Config, hooks: Hooks, outside: Surroundings) {
    const host = new HostSide(this.ports, this.addresses, hooks);
    this.core = new Core(module, config.memoryMib, config.cpu, host);
    this.vcpu = this.core.vcpu(0);
    this.memory = new GuestMemory(this.core);
    this.pool = { start: this.memory.low - config.poolBytes, length: config.poolBytes };
    this.clock = new EventClock(
      HZ,
      () => this.vcpu.now,
      (cycle) => {
        if (cycle < this.#sliceEnd) this.vcpu.endRun();
      },
    );
    const { clock, memory, ports, addresses } = this;
    // address line 20 is always let through: nothing that boots here starts with it off
    const a20 = { set: () => {} };
    const powerOff = () => outside.request({ reason: "power off" });
    const reset = () => outside.request({ reason: "reset" });
    const send = (address: number, data: number) => this.core.message(address, data);

    // interrupts
    this.pic = this.#add(new Pic({ set: (level) => this.vcpu.setIntr(level) }));
    this.#ports("pic", 0x20, 2, this.pic.master);
    this.#ports("pic", 0xa0, 2, this.pic.slave);
    this.#ports("pic", 0x4d0, 2, this.pic.elcr);
    this.ioapic = this.#add(new IoApic(send));
    addresses.map("ioapic", 0xfec0_0000, 0x1000, this.ioapic);
    host.connect(this.pic, this.ioapic);
    const irq = this.#isaLines();

    // time
    const pit = this.#add(new Pit(clock, irq(0)));
    this.#ports("pit", 0x40, 4, pit.ports);
    this.#ports("speaker", 0x61, 1, pit.speaker);
    const rtc = this.#add(
      new Rtc(clock, irq(8), { start: config.clock.getTime(), lowMemory: this.pool.start, highMemory: memory.high, cpus: 1 }),
    );
    this.#ports("rtc", 0x70, 2, rtc.ports);

    // consoles
    const uarts = COM.map(({ port, irq: line }, n) => {
      const serial = new SerialPort(n, outside.wake);
      const uart = this.#add(new Uart(`com${n + 1}`, clock, irq(line), (byte) => serial.sent(byte)));
      serial.connect(uart);
      this.#ports(uart.name, port, 8, uart.ports);
      return serial;
    });
    const consoles = config.virtioConsole ? [new SerialPort(COM.length, outside.wake)] : [];
    this.serialPorts = [...uarts, ...consoles];
    this.#ports("debugcon", 0xe9, 1, this.#add(new DebugConsole((byte) => this.debugConsole.sent(byte))).ports);

    this.keyboard = this.#add(new I8042(irq(1), irq(12), a20, reset));
    this.#ports("keyboard", 0x60, 1, this.keyboard.data);
    this.#ports("keyboard", 0x64, 1, this.keyboard.command);
    this.screen = this.#add(new VgaText(memory));
    this.#ports("vga", 0x3b0, 0x30, this.screen.ports);

    // the board
    this.#ports("post", 0x80, 1, this.#add(new Post()).ports);
    this.#ports("port92", 0x92, 1, this.#add(new Port92(a20, reset)).ports);
    const pm = this.#add(new Pm(clock, irq(9), powerOff));
    this.#ports("pm", 0x600, 4, pm.events);
    this.#ports("pm", 0x604, 2, pm.control);
    this.#ports("pm-timer", 0x608, 4, pm.timer);
    const { kernel } = config;
    const fwCfg = this.#add(
      new FwCfg(memory, {
        ram: this.core.ramBytes,
        cpus: 1,
        kernel: kernel?.image,
        initrd: kernel?.initrd,
        commandLine: kernel?.commandLine,
      }),
    );
    this.#ports("fw-cfg", 0x510, 2, fwCfg.ports);
    this.#ports("fw-cfg", 0x514, 8, fwCfg.dma);

    // PCI, with its disks, the source of random numbers, and the console
    this.pci = this.#add(new Pci({ ports, addresses, memory, send, pin: (n) => this.ioapic.pin(n), isa: irq, reset }));
    for (const [n, { backend, readOnly = false }] of config.drives.entries())
      this.#addPci(new VirtioPci(new VirtioBlock(backend, { name: `virtio-blk${n}`, readOnly, serial: `drive${n}` }), memory, clock));
    this.#addPci(new VirtioPci(new VirtioRng(config.seed), memory, clock));
    for (const serial of consoles) {
      const device = new VirtioConsole((bytes) => {
        for (const byte of bytes) serial.sent(byte);
      });
      serial.connect(device);
      this.#addPci(new VirtioPci(device, memory, clock));
    }

    // for tests
    if (config.testDevice) {
      const test = this.#add(new PcTestDevice(Array.from({ length: ISA_LINES }, (_, n) => irq(n))));
      this.#ports(test.name, 0xe0, 4, test.register);
      this.#ports(test.name, 0xe4, 4, test.flush);
      this.#ports(test.name, 0xe8, 1, test.bytes);
      this.#ports(test.name, 0x2000, ISA_LINES + 8, test.irqs);
      addresses.map(test.name, 0xff00_0000, TEST_MEMORY_BYTES, test.memory);
    }
    if (config.debugExit !== undefined) {
      const debugExit = this.#add(new DebugExit((code) => outside.request({ reason: "exit", code })));
      const { port, size } = config.debugExit;
      refusing("debugExit", () => this.#ports(debugExit.name, port, size, debugExit.ports));
    }
  }

  /** instructions retired since power-on */
  get instructions(): number {
    return Number(this.vcpu.get("instructions"));
  }

  /** Runs for so many cycles, or until an event of the clock that is set in the meantime. */
  run(cycles: number): StopReason {
    this.#sliceEnd = this.clock.now + cycles;
    const reason = this.vcpu.run(BigInt(Math.ceil(cycles)));
    this.#sliceEnd = 0;
    return reason;
  }

  /** whether something waits for the processor, which may be halted */
  get interrupted(): boolean {
    return (this.vcpu.getNumber("pending") & ~PENDING.HOST) !== 0;
  }

  /** linear address of the next instruction */
  get linearRip(): bigint {
    const { vcpu } = this;
    return vcpu.getNumber("mode") === 2 ? vcpu.get("rip") : (vcpu.get("csBase") + vcpu.get("rip")) & 0xffff_ffffn;
  }

  /** Adjusts the core to the hooks there are. */
  watch(hooks: Hooks): void {
    const { vcpu } = this;
    const code = hooks.watchesCode ? OPTION.SINGLE_STEP : 0;
    const wanted = code | (hooks.watchesDeliveries ? OPTION.TRACE : 0) | (hooks.watchesExits ? OPTION.TRACE_EXITS : 0);
    const others = vcpu.getNumber("options") & ~(OPTION.SINGLE_STEP | OPTION.TRACE | OPTION.TRACE_EXITS);
    vcpu.setNumber("options", others | wanted);
    vcpu.refresh();
  }

  /** Power-on, and the reset button. */
  reset(): void {
    for (const device of this.#devices) device.reset();
    this.vcpu.reset();
  }

  save(): { readonly vcpu: Uint8Array; readonly devices: Readonly<Record<string, Saved>> } {
    return { vcpu: this.vcpu.bytes.slice(), devices: Object.fromEntries(this.#devices.map((d) => [d.name, d.save()])) };
  }

  restore({ vcpu, devices }: ReturnType<Pc["save"]>): void {
    this.vcpu.bytes.set(vcpu);
    this.vcpu.refresh();
    for (const device of this.#devices) device.restore(devices[device.name]);
  }

  #add<D extends Device>(device: D): D {
    this.#devices.push(device);
    return device;
  }

  #addPci(device: VirtioPci): void {
    this.#add(device);
    this.pci.add(device.f);
  }

  #ports(name: string, base: number, length: number, region: Region): void {
    this.ports.map(name, base, length, region);
  }

  /** Gives each driver of an ISA interrupt an input of its own. */
  #isaLines(): (irq: number) => Line {
    const wires = Array.from({ length: ISA_LINES }, (_, n) => {
      const pic = this.pic.lines[n];
      const pin = this.ioapic.pin(n === 0 ? TIMER_PIN : n);
      return new Wire({
        set: (level) => {
          pic.set(level);
          pin.set(level);
        },
      });
    });
    return (irq) => wires[irq].input();
  }
}

/** A place that the user has chosen for a device may be taken. */
function refusing(option: string, map: () => void): void {
  try {
    map();
  } catch (error) {
    throw error instanceof OverlapError ? new ConfigError(option, `${error.message}; choose another`) : error;
  }
}
