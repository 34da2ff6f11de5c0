/** Descriptors 0, 1 and 2 as the first program gets them: pipes, terminals and streams of the outside. */
import { fail } from "./errno.ts";
import type { FileStatus } from "./file-status.ts";
import type { Input, StandardStream } from "./host.ts";
import { AGAIN, OpenFile, POLL } from "./open-file.ts";
import type { TerminalState } from "./terminal.ts";

export class StreamFile extends OpenFile {
  /** set if it is a terminal */
  readonly terminal: TerminalState | undefined;
  readonly #stream: StandardStream;
  readonly #number: number;

  constructor(stream: StandardStream, terminal: TerminalState | undefined, flags: number, number: number) {
    super(flags);
    this.#stream = stream;
    this.terminal = stream.terminal === undefined ? undefined : terminal;
    this.#number = number;
  }

  get path(): string {
    return this.terminal === undefined ? `pipe:[${this.#number}]` : "/dev/pts/0";
  }

  get isOutput(): boolean {
    return this.#stream.write !== undefined;
  }

  override get input(): Input | undefined {
    return this.#stream.input;
  }

  status(): FileStatus {
    return this.#stream.status();
  }

  override read(into: Uint8Array): number {
    const count = (this.input ?? fail("EBADF")).read(into) ?? AGAIN;
    if (count <= 0 || this.terminal === undefined) return count;
    // keys that only made signals are no end of the file
    return this.terminal.process(into.subarray(0, count)) || AGAIN;
  }

  override write(bytes: Uint8Array): number {
    return this.#stream.write?.(bytes) ?? fail("EBADF");
  }

  override poll(): number {
    return (this.input?.ready === true ? POLL.IN : 0) | (this.#stream.write !== undefined ? POLL.OUT : 0);
  }
}
