/** Standard input of this Node process as the program's: a file that can be read at once, a pipe, or a terminal. */
import * as fs from "node:fs";
import { isatty, ReadStream } from "node:tty";
import { kindOf, S_IF } from "./file-status.ts";
import type { Input, StandardStream, Terminal } from "./host.ts";
import { nodeFiles, writeFully } from "./host-node.ts";

/** Bytes that a Node stream delivers, kept until they are read. Listening starts when the program first wants any. */
export class StreamInput implements Input {
  readonly #open: () => NodeJS.ReadableStream;
  #stream: NodeJS.ReadableStream | undefined;
  #chunks: Uint8Array[] = [];
  #ended = false;
  #wake: () => void = () => {};

  constructor(open: () => NodeJS.ReadableStream) {
    this.#open = open;
  }

  get ready(): boolean {
    this.#start();
    return this.#chunks.length > 0 || this.#ended;
  }

  read(into: Uint8Array): number | undefined {
    if (!this.ready) return undefined;
    const [first] = this.#chunks;
    if (first === undefined) return 0;
    const count = Math.min(first.length, into.length);
    into.set(first.subarray(0, count));
    if (count === first.length) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(count);
    return count;
  }

  wait(milliseconds?: number): Promise<void> {
    if (this.ready) return Promise.resolve();
    return new Promise((done) => {
      const limit = milliseconds === undefined || milliseconds === Number.POSITIVE_INFINITY ? undefined : setTimeout(finish, milliseconds);
      function finish(): void {
        clearTimeout(limit);
        done();
      }
      this.#wake = finish;
    });
  }

  close(): void {
    (this.#stream as { destroy?: () => void } | undefined)?.destroy?.();
  }

  #start(): void {
    if (this.#stream !== undefined) return;
    this.#stream = this.#open();
    this.#stream.on("data", (chunk: Uint8Array) => {
      if (chunk.length > 0) this.#chunks.push(chunk);
      this.#wake();
    });
    const end = () => {
      this.#ended = true;
      this.#wake();
    };
    this.#stream.on("end", end);
    this.#stream.on("error", end);
  }
}

/** Bytes that are all there from the start. */
export class BytesInput implements Input {
  readonly ready = true;
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  read(into: Uint8Array): number {
    const part = this.#bytes.subarray(this.#position, this.#position + into.length);
    into.set(part);
    this.#position += part.length;
    return part.length;
  }

  wait(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {}
}

function terminalOf(): Terminal {
  return {
    size: () => {
      const [columns, rows] = process.stdout.getWindowSize?.() ?? [80, 24];
      return { rows, columns };
    },
    setRaw: (raw) => {
      if (process.stdin instanceof ReadStream) process.stdin.setRawMode(raw);
    },
  };
}

/** The descriptors 0, 1 and 2 of this process. */
export function nodeStreams(): [StandardStream, StandardStream, StandardStream] {
  const terminal = [0, 1, 2].some((fd) => isatty(fd)) ? terminalOf() : undefined;
  const input = new StreamInput(() => process.stdin);
  const stream = (fd: number): StandardStream => ({
    status: () => nodeFiles.statusOf(fd),
    ...(isatty(fd) && terminal !== undefined ? { input, terminal } : {}),
    write: (bytes) => writeFully(fd, bytes),
  });
  return [standardInput(input, terminal), stream(1), stream(2)];
}

function standardInput(input: Input, terminal: Terminal | undefined): StandardStream {
  const status = () => nodeFiles.statusOf(0);
  if (isatty(0) && terminal !== undefined) return { status, input, terminal, write: (bytes) => writeFully(0, bytes) };
  let kind: number;
  try {
    kind = kindOf(status());
  } catch {
    // closed: the program finds an empty file
    return { status: () => nodeFiles.statusOf(fs.openSync("/dev/null", "r")), input: new BytesInput(new Uint8Array(0)) };
  }
  if (kind === S_IF.REG) return { status, file: { handle: 0, position: positionOf(0), path: "/dev/stdin" } };
  return { status, input: kind === S_IF.CHR ? new DeviceInput() : input };
}

/** A character device that answers at once, as /dev/null does. */
class DeviceInput implements Input {
  readonly ready = true;
  read(into: Uint8Array): number {
    return fs.readSync(0, into, 0, into.length, null);
  }
  wait(): Promise<void> {
    return Promise.resolve();
  }
  close(): void {}
}

/** Where the file stands that we were given; another process may have read from it before. */
function positionOf(fd: number): number {
  try {
    return Number(/^pos:\s*(\d+)/m.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
