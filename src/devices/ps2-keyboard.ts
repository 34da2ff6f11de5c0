/**
 * An IBM PS/2 keyboard: answers its commands and sends scan codes of set 2 (of set 1 or 3 if told to). IBM PS/2 Technical Reference,
 * "Keyboards (101- and 102-Key)". What it says waits here until the controller takes it.
 */
import type { Saved } from "../bus/device.ts";
import { KEYS } from "./ps2-keys.ts";

const ACK = 0xfa;
const RESEND = 0xfe;
const PASSED = 0xaa;
const ECHO = 0xee;
const ID = [0xab, 0x83];
const OVERRUN = 0x00;
/** Keys that nobody fetches are dropped beyond this, as in a real one; answers to commands always have room. */
const KEY_ROOM = 16;
const ROOM = 32;

const COMMAND = {
  LEDS: 0xed,
  ECHO: 0xee,
  SCAN_SET: 0xf0,
  IDENTIFY: 0xf2,
  RATE: 0xf3,
  ENABLE: 0xf4,
  DISABLE: 0xf5,
  DEFAULTS: 0xf6,
  /** F7-FA: what all keys do; FB-FD: what one key does */
  ALL_KEYS: [0xf7, 0xfa],
  ONE_KEY: [0xfb, 0xfd],
  RESEND: 0xfe,
  RESET: 0xff,
} as const;

type State = {
  output: number[];
  /** sent last, for RESEND */
  last: number;
  scanning: boolean;
  set: number;
  leds: number;
  rate: number;
  /** the command whose argument comes next, or 0 */
  command: number;
};

function poweredOn(): State {
  return { output: [], last: 0, scanning: true, set: 2, leds: 0, rate: 0x2b, command: 0 };
}

export class Ps2Keyboard {
  #s: State = poweredOn();

  get ready(): boolean {
    return this.#s.output.length > 0;
  }

  /** bit 0 scroll, 1 num, 2 caps lock */
  get leds(): number {
    return this.#s.leds;
  }

  take(): number {
    const s = this.#s;
    s.last = s.output.shift() ?? s.last;
    return s.last;
  }

  /** A key goes down or up; `code` as in KeyboardEvent.code. False if this keyboard has no such key. */
  key(code: string, down: boolean): boolean {
    const s = this.#s;
    const key = KEYS[code];
    if (key === undefined) return false;
    if (!s.scanning) return true;
    const bytes = s.set === 1 ? key.set1(down) : key.set2(down);
    if (s.output.length + bytes.length <= KEY_ROOM) s.output.push(...bytes);
    else if (s.output.length < KEY_ROOM) s.output.push(OVERRUN);
    return true;
  }

  /** A byte from the controller. */
  write(byte: number): void {
    const { command } = this.#s;
    this.#s.command = 0;
    if (command !== 0 && byte < COMMAND.LEDS) this.#argument(command, byte);
    else this.#command(byte);
  }

  reset(): void {
    this.#s = poweredOn();
  }

  save(): Saved {
    return { ...this.#s, output: [...this.#s.output] };
  }

  restore(saved: Saved): void {
    const state = saved as State;
    this.#s = { ...state, output: [...state.output] };
  }

  #command(byte: number): void {
    const s = this.#s;
    switch (byte) {
      case COMMAND.ECHO:
        this.#say(ECHO);
        return;
      case COMMAND.RESEND:
        this.#say(s.last);
        return;
      case COMMAND.IDENTIFY:
        this.#say(ACK, ...ID);
        return;
      case COMMAND.ENABLE:
        s.scanning = true;
        s.output = [];
        break;
      case COMMAND.DISABLE:
      case COMMAND.DEFAULTS:
        this.#setDefaults();
        s.scanning = byte === COMMAND.DEFAULTS;
        break;
      case COMMAND.RESET:
        this.#setDefaults();
        s.scanning = true;
        this.#say(ACK, PASSED);
        return;
      case COMMAND.LEDS:
      case COMMAND.SCAN_SET:
      case COMMAND.RATE:
        s.command = byte;
        break;
      default:
        if (byte >= COMMAND.ONE_KEY[0] && byte <= COMMAND.ONE_KEY[1]) s.command = byte;
        else if (byte < COMMAND.ALL_KEYS[0] || byte > COMMAND.ALL_KEYS[1]) {
          this.#say(RESEND);
          return;
        }
    }
    this.#say(ACK);
  }

  #argument(command: number, byte: number): void {
    const s = this.#s;
    switch (command) {
      case COMMAND.LEDS:
        s.leds = byte & 7;
        break;
      case COMMAND.RATE:
        s.rate = byte & 0x7f;
        break;
      case COMMAND.SCAN_SET:
        if (byte === 0) this.#say(ACK, s.set);
        else if (byte <= 3) {
          s.set = byte;
          this.#say(ACK);
        } else this.#say(RESEND);
        return;
    }
    this.#say(ACK);
  }

  #setDefaults(): void {
    const s = this.#s;
    s.output = [];
    s.set = 2;
    s.rate = 0x2b;
    s.leds = 0;
  }

  #say(...bytes: readonly number[]): void {
    const s = this.#s;
    if (s.output.length + bytes.length > ROOM) s.output = [];
    s.output.push(...bytes);
  }
}
