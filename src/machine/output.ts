/**
 * What a guest sends byte by byte, as the world outside of the machine gets it: chunks of bytes, text to iterate over, or word that a certain
 * text has come.
 */
const CHUNK = 4096;

export class Output implements AsyncIterable<string> {
  readonly #listeners = new Set<(bytes: Uint8Array) => void>();
  readonly #readers = new Set<TextReader>();
  #watches: readonly Watch[] = [];
  #pending: number[] = [];
  #ended = false;

  /** Output as it comes, in chunks; returns what ends it. */
  onOutput(listener: (bytes: Uint8Array) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls `found`, at the very byte, whenever the guest has sent this text. Returns what ends the watch. */
  watch(text: string, found: () => void): () => void {
    const watch = { bytes: new TextEncoder().encode(text), seen: 0, found };
    this.#watches = [...this.#watches, watch];
    return () => {
      this.#watches = this.#watches.filter((w) => w !== watch);
    };
  }

  /** Output as text from now on, until the machine has ended. */
  [Symbol.asyncIterator](): AsyncIterator<string> {
    const reader = new TextReader(() => this.#readers.delete(reader));
    if (this.#ended) reader.end();
    else this.#readers.add(reader);
    return reader;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** for the machine: the guest has sent a byte */
  sent(byte: number): void {
    this.#pending.push(byte);
    for (const watch of this.#watches) step(watch, byte);
    if (this.#pending.length >= CHUNK) this.flush();
  }

  /** for the machine, between slices: hands on what the guest has sent */
  flush(): void {
    if (this.#pending.length === 0) return;
    const bytes = Uint8Array.from(this.#pending);
    this.#pending = [];
    for (const listener of this.#listeners) listener(bytes);
    for (const reader of this.#readers) reader.push(bytes);
  }

  /** for the machine: there will be no more */
  end(): void {
    this.flush();
    this.#ended = true;
    for (const reader of this.#readers) reader.end();
    this.#readers.clear();
  }
}

interface Watch {
  readonly bytes: Uint8Array;
  readonly found: () => void;
  /** how many of the bytes the last output ends with */
  seen: number;
}

function step(watch: Watch, byte: number): void {
  const { bytes } = watch;
  // falls back to the longest beginning of the text that still fits
  while (watch.seen > 0 && bytes[watch.seen] !== byte) watch.seen = border(bytes, watch.seen);
  if (bytes[watch.seen] === byte) watch.seen++;
  if (watch.seen === bytes.length) {
    watch.seen = border(bytes, watch.seen);
    watch.found();
  }
}

/** Length of the longest proper beginning of the first `length` bytes that is also their end. */
function border(bytes: Uint8Array, length: number): number {
  for (let n = length - 1; n > 0; n--) if (bytes.subarray(0, n).every((b, i) => b === bytes[length - n + i])) return n;
  return 0;
}

/** One reader's queue. */
class TextReader implements AsyncIterator<string> {
  readonly #decoder = new TextDecoder();
  readonly #closed: () => void;
  #text = "";
  #ended = false;
  #waiting: ((result: IteratorResult<string>) => void) | undefined;

  constructor(closed: () => void) {
    this.#closed = closed;
  }

  push(bytes: Uint8Array): void {
    this.#text += this.#decoder.decode(bytes, { stream: true });
    this.#serve();
  }

  end(): void {
    this.#text += this.#decoder.decode();
    this.#ended = true;
    this.#serve();
  }

  next(): Promise<IteratorResult<string>> {
    return new Promise((resolve) => {
      this.#waiting = resolve;
      this.#serve();
    });
  }

  return(): Promise<IteratorResult<string>> {
    this.#closed();
    this.#ended = true;
    this.#text = "";
    return Promise.resolve({ done: true, value: undefined });
  }

  #serve(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || (this.#text === "" && !this.#ended)) return;
    this.#waiting = undefined;
    const value = this.#text;
    this.#text = "";
    waiting(value === "" ? { done: true, value: undefined } : { done: false, value });
  }
}
