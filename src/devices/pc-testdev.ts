/**
 * The devices of QEMU's `-device pc-testdev`, which kvm-unit-tests talk to: ports and memory that keep what is written to them, ports that set
 * interrupt lines, and one that makes a page inaccessible to the host and accessible again, of which a guest notices nothing.
 */
import type { AccessSize, Device, Line, Region, Saved } from "../bus/device.ts";

/** bytes of memory at 0xFF000000 */
export const TEST_MEMORY_BYTES = 0x10000;

export class PcTestDevice implements Device {
  readonly name = "pc-testdev";
  /** port 0xE0, four of them */
  readonly register: Region;
  /** port 0xE4, four of them */
  readonly flush: Region = { read: (_, size) => 0xffffffff >>> (32 - size * 8), write: () => {} };
  /** port 0xE8, four of them */
  readonly bytes: Region;
  /** port 0x2000, one for each line */
  readonly irqs: Region;
  /** memory at 0xFF000000 */
  readonly memory: Region;
  readonly #lines: readonly Line[];
  readonly #levels: boolean[];
  readonly #register = new Uint8Array(4);
  readonly #memory = new Uint8Array(TEST_MEMORY_BYTES);

  /** `lines` are those of the ISA bus. */
  constructor(lines: readonly Line[]) {
    this.#lines = lines;
    this.#levels = lines.map(() => false);
    this.register = storage(this.#register);
    this.bytes = storage(this.#register);
    this.memory = storage(this.#memory);
    this.irqs = {
      read: (_, size) => 0xffffffff >>> (32 - size * 8),
      write: (offset, _, value) => this.#set(offset, value !== 0),
    };
  }

  reset(): void {
    this.#register.fill(0);
    this.#memory.fill(0);
    for (const n of this.#lines.keys()) this.#set(n, false);
  }

  save(): Saved {
    return { register: this.#register.slice(), memory: this.#memory.slice(), levels: [...this.#levels] };
  }

  restore(saved: Saved): void {
    const { register, memory, levels } = saved as { register: Uint8Array; memory: Uint8Array; levels: readonly boolean[] };
    this.#register.set(register);
    this.#memory.set(memory);
    for (const [n, level] of levels.entries()) this.#set(n, level);
  }

  #set(n: number, level: boolean): void {
    if (n >= this.#lines.length) return;
    this.#levels[n] = level;
    this.#lines[n].set(level);
  }
}

/** Little-endian; what lies beyond the end is not there. */
function storage(bytes: Uint8Array): Region {
  return {
    read(offset: number, size: AccessSize) {
      let value = 0;
      for (let i = size - 1; i >= 0; i--) value = (value << 8) | (bytes[offset + i] ?? 0);
      return value >>> 0;
    },
    write(offset: number, size: AccessSize, value: number) {
      for (let i = 0; i < size && offset + i < bytes.length; i++) bytes[offset + i] = value >>> (i * 8);
    },
  };
}
