/** QEMU's isa-debug-exit: a guest ends the machine by writing v to it, and the process returns (v << 1) | 1. */
import type { Device, Region } from "../bus/device.ts";

export class DebugExit implements Device {
  readonly name = "isa-debug-exit";
  readonly ports: Region;

  constructor(exit: (code: number) => void) {
    this.ports = {
      read: () => 0,
      write: (_offset, _size, value) => exit(((value << 1) | 1) & 0xff),
    };
  }

  reset(): void {}

  save(): null {
    return null;
  }

  restore(): void {}
}
