/**
 * The terminal: its settings as TCGETS and TCSETS see them, the foreground group, the size. The host's terminal does the line editing while
 * the program has it in canonical mode, and is put in raw mode otherwise. termios(3), tty_ioctl(4).
 */
import type { Terminal } from "./host.ts";
import { SIG } from "./signals.ts";

/** struct termios of the kernel: four flag words, the line discipline, 19 control characters */
export const TERMIOS_SIZE = 36;
const LFLAG = 12;
const CC = 17;
const ICRNL = 0x100;
const RETURN = 13;
const LINE_FEED = 10;
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
  /** a key that makes a signal was typed */
  onSignal: (signo: number) => void = () => {};
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

  /** What the host's terminal in raw mode does not do to typed bytes: signals of keys, Enter as a line end. Returns how many are left. */
  process(bytes: Uint8Array): number {
    const flags = this.#localFlags;
    if ((flags & ICANON) !== 0) return bytes.length;
    let kept = 0;
    for (const byte of bytes) {
      const signo = (flags & ISIG) === 0 ? 0 : this.#signalOf(byte);
      if (signo !== 0) this.onSignal(signo);
      else bytes[kept++] = byte === RETURN && (this.#inputFlags & ICRNL) !== 0 ? LINE_FEED : byte;
    }
    return kept;
  }

  #signalOf(byte: number): number {
    const character = (which: number) => this.#settings[CC + which];
    if (byte === 0) return 0;
    return byte === character(VINTR) ? SIG.INT : byte === character(VQUIT) ? SIG.QUIT : byte === character(VSUSP) ? SIG.TSTP : 0;
  }

  /** The host's terminal as it was. */
  restore(): void {
    this.#terminal.setRaw(false);
  }

  get #inputFlags(): number {
    return new DataView(this.#settings.buffer).getUint32(0, true);
  }

  get #localFlags(): number {
    return new DataView(this.#settings.buffer).getUint32(LFLAG, true);
  }
}
