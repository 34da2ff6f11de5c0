/**
 * The terminal: its settings as TCGETS and TCSETS see them, the foreground group, the size. The host's terminal does the line editing while
 * the program has it in canonical mode, and is put in raw mode otherwise. termios(3), tty_ioctl(4).
 */
import type { Terminal } from "./host.ts";

/** struct termios of the kernel: four flag words, the line discipline, 19 control characters */
export const TERMIOS_SIZE = 36;
const LFLAG = 12;
const CC = 17;
const ISIG = 1;
const ICANON = 2;
const VINTR = 0;
const VQUIT = 1;
const VSUSP = 10;

/** settings of a fresh Linux console: ICRNL IXON · OPOST ONLCR · CS8 CREAD 38400 · ISIG ICANON ECHO… */
const START_FLAGS = [0x500, 0x5, 0xbf, 0x8a3b];
const START_CHARACTERS = [3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0];

export class TerminalState {
  /** process group that gets the signals of the keyboard */
  foreground: number;
  session: number;
  readonly #terminal: Terminal;
  #settings: Uint8Array;

  constructor(terminal: Terminal, session: number) {
    this.#terminal = terminal;
    this.foreground = session;
    this.session = session;
    this.#settings = new Uint8Array(TERMIOS_SIZE);
    const view = new DataView(this.#settings.buffer);
    for (const [i, flags] of START_FLAGS.entries()) view.setUint32(i * 4, flags, true);
    this.#settings.set(START_CHARACTERS, CC);
  }

  get settings(): Uint8Array {
    return this.#settings.slice();
  }

  set settings(bytes: Uint8Array) {
    const before = this.#localFlags;
    this.#settings = bytes.slice();
    const canonical = (flags: number) => (flags & ICANON) !== 0;
    if (canonical(before) !== canonical(this.#localFlags)) this.#terminal.setRaw(!canonical(this.#localFlags));
  }

  get size(): { readonly rows: number; readonly columns: number } {
    return this.#terminal.size();
  }

  /** The signal a key stands for in raw mode, where the host's terminal makes none; 0 for an ordinary key. */
  signalOf(byte: number): number {
    if ((this.#localFlags & ISIG) === 0 || (this.#localFlags & ICANON) !== 0 || byte === 0) return 0;
    const character = (which: number) => this.#settings[CC + which];
    return byte === character(VINTR) ? 2 : byte === character(VQUIT) ? 3 : byte === character(VSUSP) ? 20 : 0;
  }

  /** The host's terminal as it was. */
  restore(): void {
    this.#terminal.setRaw(false);
  }

  get #localFlags(): number {
    return new DataView(this.#settings.buffer).getUint32(LFLAG, true);
  }
}
