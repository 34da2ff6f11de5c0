/** A serial port as the world outside of the machine sees it: what the guest sends, and what it is to receive, which it takes at its own pace. */
import { Output } from "./output.ts";

/** The part of a UART that the outside uses. */
export interface SerialDevice {
  /** Bytes from the line; the guest gets them in time, and none is lost. */
  receive(bytes: Uint8Array): void;
  /** how many of them it has not got yet */
  readonly waiting: number;
}

export class SerialPort extends Output {
  /** 0 is COM1 */
  readonly index: number;
  readonly #wake: () => void;
  #device: SerialDevice | undefined;
  #drained: (() => void)[] = [];

  /** `wake` is called when there is something for the guest to receive. */
  constructor(index: number, wake: () => void) {
    super();
    this.index = index;
    this.#wake = wake;
  }

  /** Sends bytes to the guest. Resolves when it has got all of them. */
  write(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    if (bytes.length === 0 || this.ended) return Promise.resolve();
    this.#device?.receive(bytes);
    this.#wake();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  /** for the machine: the UART that is behind this port */
  connect(device: SerialDevice): void {
    this.#device = device;
  }

  /** for the machine, between slices; also tells writers that the guest has got everything */
  override flush(): void {
    super.flush();
    if (this.#drained.length > 0 && (this.ended || this.#device?.waiting === 0)) for (const resolve of this.#drained.splice(0)) resolve();
  }

  override end(): void {
    super.end();
    this.flush();
  }
}
