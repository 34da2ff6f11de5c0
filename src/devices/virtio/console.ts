/** A console with one port: /dev/hvc0. VIRTIO 1.2 5.3 "Console Device". */
import type { Saved } from "../../bus/device.ts";
import type { Chain } from "./chain.ts";
import type { Transport, VirtioDevice } from "./device.ts";

const F_SIZE = 0;
const F_EMERG_WRITE = 2;

const RECEIVE = 0;
const TRANSMIT = 1;
const QUEUE = 128;

const COLS = 0;
const ROWS = 2;
const EMERG_WR = 8;
const CONFIG_BYTES = 12;

export class VirtioConsole implements VirtioDevice {
  readonly name = "virtio-console";
  readonly type = 3;
  readonly classCode = 0x078000;
  readonly features = (1 << F_SIZE) | (1 << F_EMERG_WRITE);
  readonly queueSizes = [QUEUE, QUEUE];
  readonly config = new Uint8Array(CONFIG_BYTES);
  readonly #output: (bytes: Uint8Array) => void;
  /** typed, and not yet taken by the driver */
  #input: Uint8Array = new Uint8Array(0);
  #transport: Transport | undefined;

  /** `output` is given bytes that are only valid while it runs. */
  constructor(output: (bytes: Uint8Array) => void, columns = 80, rows = 25) {
    this.#output = output;
    this.#setSize(columns, rows);
  }

  attach(transport: Transport): void {
    this.#transport = transport;
  }

  /** how many bytes that were typed the driver has not taken */
  get waiting(): number {
    return this.#input.length;
  }

  /** What somebody types. */
  receive(bytes: Uint8Array): void {
    const input = new Uint8Array(this.#input.length + bytes.length);
    input.set(this.#input);
    input.set(bytes, this.#input.length);
    this.#input = input;
    this.#transport?.serve(RECEIVE);
  }

  resize(columns: number, rows: number): void {
    this.#setSize(columns, rows);
    this.#transport?.configChanged();
  }

  ready(n: number): boolean {
    return n === TRANSMIT || this.#input.length > 0;
  }

  handle(n: number, chain: Chain): number {
    if (n === TRANSMIT) {
      for (const bytes of chain.rest) this.#output(bytes);
      return 0;
    }
    const part = this.#input.subarray(0, chain.space);
    chain.put(part);
    this.#input = this.#input.subarray(part.length);
    return part.length;
  }

  /** 5.3.4 "Device configuration layout": emerg_wr, a character without any queue */
  configure(offset: number, _size: number, value: number): void {
    if (offset === EMERG_WR) this.#output(Uint8Array.of(value));
  }

  /** What was typed before a driver was there stays. */
  reset(): void {}

  save(): Saved {
    return { input: this.#input.slice(), config: this.config.slice() };
  }

  restore(saved: Saved): void {
    const { input, config } = saved as { input: Uint8Array; config: Uint8Array };
    this.#input = input.slice();
    this.config.set(config);
  }

  #setSize(columns: number, rows: number): void {
    const config = new DataView(this.config.buffer);
    config.setUint16(COLS, columns, true);
    config.setUint16(ROWS, rows, true);
    config.setUint32(4, 1, true);
  }
}
