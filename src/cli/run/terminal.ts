/**
 * The terminal that a guest's console is on. Input goes to the guest byte by byte, Ctrl-C included, but for what follows Ctrl-A. However this
 * process ends, short of SIGKILL, the terminal is as it was before.
 */
const CTRL_A = 0x01;

export const KEYS_HELP = `Ctrl-A h  this list
Ctrl-A x  quit
Ctrl-A c  between the console and the monitor
Ctrl-A Ctrl-A  sends Ctrl-A
`;

export interface TerminalUser {
  /** Input for whoever has it now; resolves when more may come. */
  input(bytes: Uint8Array): Promise<void> | void;
  /** Ctrl-A x */
  quit(): void;
  /** Ctrl-A c */
  toggle(): void;
  /** no more input will come */
  ended(): void;
  print(text: string): void;
}

export class Terminal {
  readonly isTerminal: boolean;
  readonly #stdin: NodeJS.ReadStream;
  readonly #user: TerminalUser;
  #escaped = false;
  readonly #restore = () => this.#setRaw(false);
  readonly #continued = () => this.#setRaw(true);
  readonly #data = (chunk: Buffer) => this.#take(chunk);
  readonly #end = () => this.#user.ended();

  constructor(stdin: NodeJS.ReadStream, user: TerminalUser) {
    this.#stdin = stdin;
    this.#user = user;
    this.isTerminal = stdin.isTTY === true;
  }

  open(): void {
    if (this.isTerminal) {
      process.on("exit", this.#restore);
      // somebody who stopped this process may have changed the terminal
      process.on("SIGCONT", this.#continued);
      this.#setRaw(true);
    }
    this.#stdin.on("data", this.#data);
    this.#stdin.on("end", this.#end);
    this.#stdin.on("error", this.#end);
  }

  close(): void {
    this.#stdin.off("data", this.#data);
    this.#stdin.off("end", this.#end);
    this.#stdin.pause();
    if (!this.isTerminal) return;
    this.#setRaw(false);
    process.off("exit", this.#restore);
    process.off("SIGCONT", this.#continued);
  }

  #setRaw(raw: boolean): void {
    try {
      this.#stdin.setRawMode(raw);
    } catch {
      // the terminal is gone
    }
  }

  /** What a pipe has too much of waits in the pipe. */
  #take(chunk: Buffer): void {
    const bytes = this.isTerminal ? this.#unescape(chunk) : Uint8Array.from(chunk);
    const taken = bytes.length === 0 ? undefined : this.#user.input(bytes);
    if (taken === undefined) return;
    this.#stdin.pause();
    taken.then(() => this.#stdin.resume());
  }

  #unescape(chunk: Uint8Array): Uint8Array {
    const bytes: number[] = [];
    for (const byte of chunk) {
      if (!this.#escaped) {
        if (byte === CTRL_A) this.#escaped = true;
        else bytes.push(byte);
        continue;
      }
      this.#escaped = false;
      const key = String.fromCharCode(byte);
      if (byte === CTRL_A || key === "a") bytes.push(CTRL_A);
      else if (key === "x") this.#user.quit();
      else if (key === "c") this.#user.toggle();
      else this.#user.print(KEYS_HELP.replaceAll("\n", "\r\n"));
    }
    return Uint8Array.from(bytes);
  }
}
