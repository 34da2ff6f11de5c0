/** What the core calls in the middle of an instruction: accesses to devices, and the two words it exchanges with interrupt controllers. */
import type { AddressSpace } from "../bus/address-space.ts";
import type { CoreHost } from "../core/core.ts";
import { EVENT } from "../spec/events.ts";
import type { Delivery, Hooks } from "./hooks.ts";

const TYPES: ReadonlyMap<number, Delivery["type"]> = new Map([
  [EVENT.EXTERNAL, "interrupt"],
  [EVENT.NMI, "nmi"],
  [EVENT.SOFTWARE_INTERRUPT, "software interrupt"],
]);

export interface InterruptSource {
  /** The vector for the interrupt that the CPU takes now. */
  acknowledge(): number;
}

export interface EndOfInterrupt {
  eoi(vector: number): void;
}

export class HostSide implements CoreHost {
  readonly #ports: AddressSpace;
  readonly #addresses: AddressSpace;
  readonly #hooks: Hooks;
  #pic: InterruptSource | undefined;
  #ioapic: EndOfInterrupt | undefined;

  constructor(ports: AddressSpace, addresses: AddressSpace, hooks: Hooks) {
    this.#ports = ports;
    this.#addresses = addresses;
    this.#hooks = hooks;
  }

  connect(pic: InterruptSource, ioapic: EndOfInterrupt): void {
    this.#pic = pic;
    this.#ioapic = ioapic;
  }

  portIn(port: number, size: number): number {
    const value = this.#ports.read(port, size);
    if (!this.#hooks.portReads.empty) this.#hooks.portReads.call(port, size, value);
    return value;
  }

  portOut(port: number, size: number, value: number): void {
    if (!this.#hooks.portWrites.empty) this.#hooks.portWrites.call(port, size, value);
    this.#ports.write(port, size, value);
  }

  mmioRead(gpa: number, size: number): number {
    const value = this.#addresses.read(gpa, size);
    if (!this.#hooks.deviceReads.empty) this.#hooks.deviceReads.call(gpa, size, value);
    return value;
  }

  mmioWrite(gpa: number, size: number, value: number): void {
    if (!this.#hooks.deviceWrites.empty) this.#hooks.deviceWrites.call(gpa, size, value);
    this.#addresses.write(gpa, size, value);
  }

  intAck(): number {
    return this.#pic?.acknowledge() ?? 0xff;
  }

  delivers(vector: number, type: number, errorCode: number): void {
    this.#hooks.delivers({ vector, errorCode, type: TYPES.get(type) ?? "exception" });
  }

  exited(reason: number, qualification: bigint, rip: bigint, cost: number, fast: boolean): void {
    this.#hooks.exited({ reason, qualification, rip, cost, fast });
  }

  eoi(vector: number): void {
    this.#ioapic?.eoi(vector);
  }
}
