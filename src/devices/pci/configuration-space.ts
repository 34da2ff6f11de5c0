/**
 * The 256 bytes by which a PCI function is found and set up, with what software may change in them: every bit is read-only unless `allow`ed.
 * The capabilities form a list behind the header: PCI Local Bus 3.0 6.7 "Capabilities List".
 */
import { CAPABILITIES, CONFIGURATION_BYTES, DEVICE_SPECIFIC, STATUS, STATUS_CAPABILITIES } from "./registers.ts";

/** What is to happen around the guest's accesses to some bytes. */
interface Watch {
  readonly offset: number;
  readonly length: number;
  /** before a read: brings the bytes up to date */
  readonly refresh?: () => void;
  /** after a write */
  readonly written?: () => void;
}

export class ConfigurationSpace {
  readonly bytes = new Uint8Array(CONFIGURATION_BYTES);
  readonly #writable = new Uint8Array(CONFIGURATION_BYTES);
  readonly #watches: Watch[] = [];
  #initial = new Uint8Array(CONFIGURATION_BYTES);
  /** where the list of capabilities is to be continued */
  #link = CAPABILITIES;
  #free = DEVICE_SPECIFIC;

  get(offset: number, size: number): number {
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = (value << 8) | this.bytes[offset + i];
    return value >>> 0;
  }

  set(offset: number, size: number, value: number): void {
    for (let i = 0; i < size; i++) this.bytes[offset + i] = value >>> (8 * i);
  }

  /** Software may change the bits of `mask`. */
  allow(offset: number, size: number, mask: number): void {
    for (let i = 0; i < size; i++) this.#writable[offset + i] = mask >>> (8 * i);
  }

  watch(watch: Watch): void {
    this.#watches.push(watch);
  }

  /** Appends a capability of `length` bytes, with its id and link, and returns where it is. */
  capability(id: number, length: number): number {
    const offset = this.#free;
    this.#free += (length + 3) & ~3;
    if (this.#free > CONFIGURATION_BYTES) throw new RangeError(`no room for capability ${id} of ${length} bytes`);
    this.bytes[this.#link] = offset;
    this.bytes[offset] = id;
    this.#link = offset + 1;
    this.set(STATUS, 2, this.get(STATUS, 2) | STATUS_CAPABILITIES);
    return offset;
  }

  /** What there is now is the state after power-on. */
  seal(): void {
    this.#initial = this.bytes.slice();
  }

  reset(): void {
    this.bytes.set(this.#initial);
  }

  read(offset: number, size: number): number {
    for (const w of this.#watches) if (w.refresh !== undefined && touches(w, offset, size)) w.refresh();
    return this.get(offset, size);
  }

  write(offset: number, size: number, value: number): void {
    for (let i = 0; i < size; i++) {
      const mask = this.#writable[offset + i];
      this.bytes[offset + i] = (this.bytes[offset + i] & ~mask) | ((value >>> (8 * i)) & mask);
    }
    for (const w of this.#watches) if (w.written !== undefined && touches(w, offset, size)) w.written();
  }
}

function touches(watch: Watch, offset: number, size: number): boolean {
  return offset < watch.offset + watch.length && watch.offset < offset + size;
}
