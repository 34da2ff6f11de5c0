/** System control port A at 0x92: bit 0 resets the CPU as it goes from 0 to 1, bit 1 is address line 20. IBM PS/2 Technical Reference. */
import type { Device, Line, Region, Saved } from "../bus/device.ts";
import { bytePorts } from "./byte-ports.ts";

const RESET = 1;
const A20 = 2;

export class Port92 implements Device {
  readonly name = "port92";
  readonly ports: Region = bytePorts(
    () => this.#value,
    (_, value) => this.#write(value),
  );
  readonly #a20: Line;
  readonly #onReset: () => void;
  #value = A20;

  constructor(a20: Line, onReset: () => void) {
    this.#a20 = a20;
    this.#onReset = onReset;
  }

  reset(): void {
    this.#value = A20;
    this.#a20.set(true);
  }

  save(): Saved {
    return this.#value;
  }

  restore(saved: Saved): void {
    this.#value = saved as number;
  }

  #write(value: number): void {
    const resets = (value & ~this.#value & RESET) !== 0;
    this.#value = value;
    this.#a20.set((value & A20) !== 0);
    if (resets) this.#onReset();
  }
}
