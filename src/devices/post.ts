/** Port 0x80, where firmware writes how far it has come. Systems also write to it to let a microsecond pass. */
import type { Device, Region, Saved } from "../bus/device.ts";
import { bytePorts } from "./byte-ports.ts";

export class Post implements Device {
  readonly name = "post";
  readonly ports: Region = bytePorts(
    () => this.#code,
    (_, value) => {
      this.#code = value;
    },
  );
  #code = 0;

  /** what was written last */
  get code(): number {
    return this.#code;
  }

  reset(): void {
    this.#code = 0;
  }

  save(): Saved {
    return this.#code;
  }

  restore(saved: Saved): void {
    this.#code = saved as number;
  }
}
