/** The debug console of Bochs and QEMU: what is written to its port goes to the host; reading says that it is there. */
import type { Device, Region } from "../bus/device.ts";
import { bytePorts } from "./byte-ports.ts";

const PRESENT = 0xe9;

export class DebugConsole implements Device {
  readonly name = "debugcon";
  readonly ports: Region;

  constructor(onByte: (byte: number) => void) {
    this.ports = bytePorts(
      () => PRESENT,
      (_offset, value) => onByte(value),
    );
  }

  reset(): void {}

  save(): null {
    return null;
  }

  restore(): void {}
}
