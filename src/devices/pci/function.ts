/**
 * What every PCI device has: configuration header, base address registers behind which its regions are, and an interrupt pin. A device makes
 * one, gives it regions and capabilities, and the bus takes it (`PciBus.add`). PCI Local Bus 3.0 6.2.2 "Device Control", 6.2.5 "Base Addresses".
 */
import type { Region, Saved } from "../../bus/device.ts";
import { ConfigurationSpace } from "./configuration-space.ts";
import {
  BAR_64,
  BAR_IO,
  BAR_PREFETCHABLE,
  BASE_ADDRESS,
  CACHE_LINE_SIZE,
  CLASS_CODE,
  COMMAND,
  COMMAND_INTERRUPT_DISABLE,
  COMMAND_IO,
  COMMAND_MASTER,
  COMMAND_MEMORY,
  COMMAND_SERR,
  DEVICE_ID,
  INTERRUPT_LINE,
  INTERRUPT_PIN,
  REVISION_ID,
  STATUS,
  STATUS_INTERRUPT,
  SUBSYSTEM_ID,
  SUBSYSTEM_VENDOR_ID,
  VENDOR_ID,
} from "./registers.ts";

export interface Identity {
  readonly vendor: number;
  readonly device: number;
  /** base class, subclass and interface: 24 bits */
  readonly classCode: number;
  readonly revision?: number;
  readonly subsystemVendor?: number;
  readonly subsystem?: number;
  /** 1 to 4 for INTA# to INTD# */
  readonly interruptPin?: number;
}

export interface BaseAddress {
  /** number of the register, 0 to 5; a 64-bit one takes the next as well */
  readonly index: number;
  readonly kind: "io" | "memory" | "memory64";
  readonly prefetchable?: boolean;
  /** a power of two */
  readonly size: number;
  readonly region: Region;
}

/** What a function asks of the bus it sits on. */
export interface Upstream {
  /** base addresses or their enable bits may have changed */
  decode(): void;
  /** the interrupt pin may have changed */
  interrupt(): void;
  /** a write to memory that is an interrupt message */
  message(address: number, data: number): void;
}

const NOWHERE: Upstream = { decode: () => {}, interrupt: () => {}, message: () => {} };

export class PciFunction {
  readonly name: string;
  readonly config = new ConfigurationSpace();
  readonly #bars: BaseAddress[] = [];
  readonly #enableds: ((enabled: boolean) => void)[] = [];
  #upstream = NOWHERE;
  #master = false;

  constructor(name: string, identity: Identity) {
    this.name = name;
    const { config } = this;
    config.set(VENDOR_ID, 2, identity.vendor);
    config.set(DEVICE_ID, 2, identity.device);
    config.set(REVISION_ID, 1, identity.revision ?? 0);
    config.set(CLASS_CODE, 3, identity.classCode);
    config.set(SUBSYSTEM_VENDOR_ID, 2, identity.subsystemVendor ?? 0);
    config.set(SUBSYSTEM_ID, 2, identity.subsystem ?? 0);
    config.set(INTERRUPT_PIN, 1, identity.interruptPin ?? 0);
    config.allow(COMMAND, 2, COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER | COMMAND_SERR | COMMAND_INTERRUPT_DISABLE);
    config.allow(CACHE_LINE_SIZE, 1, 0xff);
    if (identity.interruptPin !== undefined) config.allow(INTERRUPT_LINE, 1, 0xff);
    config.watch({ offset: COMMAND, length: 2, written: () => this.#commandWritten() });
  }

  get baseAddresses(): readonly BaseAddress[] {
    return this.#bars;
  }

  /** The device may access memory. */
  get master(): boolean {
    return this.#master;
  }

  /** 0 if there is none, 1 to 4 for INTA# to INTD# */
  get interruptPin(): number {
    return this.config.bytes[INTERRUPT_PIN];
  }

  /** What the interrupt pin says now. */
  get interrupting(): boolean {
    return this.config.bytes[STATUS] & STATUS_INTERRUPT ? (this.#command & COMMAND_INTERRUPT_DISABLE) === 0 : false;
  }

  get #command(): number {
    return this.config.get(COMMAND, 2);
  }

  addBaseAddress(bar: BaseAddress): void {
    const { config } = this;
    const at = BASE_ADDRESS + 4 * bar.index;
    const wide = bar.kind === "memory64";
    config.set(at, 4, (bar.kind === "io" ? BAR_IO : 0) | (wide ? BAR_64 : 0) | (bar.prefetchable ? BAR_PREFETCHABLE : 0));
    config.allow(at, 4, -bar.size);
    if (wide) config.allow(at + 4, 4, 0xffffffff);
    config.watch({ offset: at, length: wide ? 8 : 4, written: () => this.#upstream.decode() });
    this.#bars.push(bar);
  }

  /** Calls `changed` when the device gets or loses the right to access memory. */
  onMaster(changed: (enabled: boolean) => void): void {
    this.#enableds.push(changed);
  }

  attach(upstream: Upstream): void {
    this.#upstream = upstream;
    this.config.seal();
  }

  /** Where a region is to answer, or undefined when it is not: disabled, not placed, or (while its size is asked for) at the very end. */
  placeOf(bar: BaseAddress): number | undefined {
    const io = bar.kind === "io";
    if (!(this.#command & (io ? COMMAND_IO : COMMAND_MEMORY))) return undefined;
    const at = BASE_ADDRESS + 4 * bar.index;
    const low = (this.config.get(at, 4) & -bar.size) >>> 0;
    const base = bar.kind === "memory64" ? this.config.get(at + 4, 4) * 2 ** 32 + low : low;
    const limit = io ? 0x10000 : bar.kind === "memory" ? 0xffffffff : Number.MAX_SAFE_INTEGER;
    return base === 0 || base + bar.size > limit ? undefined : base;
  }

  /** Firmware's part: puts a region somewhere. */
  place(bar: BaseAddress, base: number): void {
    const at = BASE_ADDRESS + 4 * bar.index;
    this.config.write(at, 4, base >>> 0);
    if (bar.kind === "memory64") this.config.write(at + 4, 4, Math.floor(base / 2 ** 32));
  }

  /** Asserts or releases the interrupt pin; whether anybody sees it is up to the command register. */
  setInterrupt(level: boolean): void {
    const status = this.config.get(STATUS, 2);
    const wanted = level ? status | STATUS_INTERRUPT : status & ~STATUS_INTERRUPT;
    if (wanted === status) return;
    this.config.set(STATUS, 2, wanted);
    this.#upstream.interrupt();
  }

  /** An interrupt message; like every access to memory it needs the right to. */
  sendMessage(address: number, data: number): void {
    if (this.#master) this.#upstream.message(address, data);
  }

  reset(): void {
    this.config.reset();
    this.#changed();
  }

  save(): Uint8Array {
    return this.config.bytes.slice();
  }

  restore(saved: Saved): void {
    this.config.bytes.set(saved as Uint8Array);
    // nobody is told: what a device does with its right to access memory it has done before it was saved
    this.#master = (this.#command & COMMAND_MASTER) !== 0;
    this.#changed();
  }

  #changed(): void {
    this.#commandWritten();
    this.#upstream.interrupt();
  }

  #commandWritten(): void {
    const master = (this.#command & COMMAND_MASTER) !== 0;
    this.#upstream.decode();
    this.#upstream.interrupt();
    if (master === this.#master) return;
    this.#master = master;
    for (const changed of this.#enableds) changed(master);
  }
}
