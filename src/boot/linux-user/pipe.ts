/** Pipes: a ring of bytes between two open files. pipe(7): writes of up to PIPE_BUF bytes are whole or not at all. */
import { fail } from "./errno.ts";
import { type FileStatus, madeUpStatus, S_IF } from "./file-status.ts";
import { AGAIN, O, OpenFile, POLL } from "./open-file.ts";

const CAPACITY = 65536;
const PIPE_BUF = 4096;

class Ring {
  readonly #bytes = new Uint8Array(CAPACITY);
  #start = 0;
  length = 0;
  readers = 1;
  writers = 1;
  readonly number: number;

  constructor(number: number) {
    this.number = number;
  }

  get room(): number {
    return CAPACITY - this.length;
  }

  take(into: Uint8Array): number {
    const count = Math.min(into.length, this.length);
    const first = Math.min(count, CAPACITY - this.#start);
    into.set(this.#bytes.subarray(this.#start, this.#start + first));
    into.set(this.#bytes.subarray(0, count - first), first);
    this.#start = (this.#start + count) % CAPACITY;
    this.length -= count;
    return count;
  }

  put(bytes: Uint8Array): number {
    const count = Math.min(bytes.length, this.room);
    const end = (this.#start + this.length) % CAPACITY;
    const first = Math.min(count, CAPACITY - end);
    this.#bytes.set(bytes.subarray(0, first), end);
    this.#bytes.set(bytes.subarray(first, count), 0);
    this.length += count;
    return count;
  }
}

class PipeEnd extends OpenFile {
  protected readonly ring: Ring;

  constructor(ring: Ring, flags: number) {
    super(flags);
    this.ring = ring;
  }

  get path(): string {
    return `pipe:[${this.ring.number}]`;
  }

  status(): FileStatus {
    return madeUpStatus(S_IF.IFO | 0o600, this.ring.number, { dev: 14n });
  }
}

class ReadEnd extends PipeEnd {
  override read(into: Uint8Array): number {
    if (this.ring.length === 0 && into.length > 0 && this.ring.writers > 0) return AGAIN;
    return this.ring.take(into);
  }

  override poll(): number {
    return (this.ring.length > 0 ? POLL.IN : 0) | (this.ring.writers === 0 ? POLL.HUP : 0);
  }

  protected override close(): void {
    this.ring.readers--;
  }
}

class WriteEnd extends PipeEnd {
  override write(bytes: Uint8Array): number {
    if (this.ring.readers === 0) fail("EPIPE");
    if (bytes.length > 0 && this.ring.room < Math.min(bytes.length, PIPE_BUF)) return AGAIN;
    return this.ring.put(bytes);
  }

  override poll(): number {
    return (this.ring.room >= PIPE_BUF ? POLL.OUT : 0) | (this.ring.readers === 0 ? POLL.ERR : 0);
  }

  protected override close(): void {
    this.ring.writers--;
  }
}

/** The two ends of a new pipe. `number` is its inode number. */
export function makePipe(number: number, flags: number): { readonly reader: OpenFile; readonly writer: OpenFile } {
  const ring = new Ring(number);
  return { reader: new ReadEnd(ring, O.RDONLY | flags), writer: new WriteEnd(ring, O.WRONLY | flags) };
}
