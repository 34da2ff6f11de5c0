/** An IBM PS/2 mouse with three buttons and no wheel. IBM PS/2 Technical Reference, "Auxiliary Device Controller", "Mouse". */
import type { Saved } from "../bus/device.ts";

const ACK = 0xfa;
const NACK = 0xfe;
const PASSED = 0xaa;
const ID = 0x00;
const ROOM = 32;
/** Packets beyond this wait, and become one packet. */
const PACKET_ROOM = 9;
const DEFAULT_RATE = 100;
const DEFAULT_RESOLUTION = 2;

const COMMAND = {
  SCALE_1: 0xe6,
  SCALE_2: 0xe7,
  RESOLUTION: 0xe8,
  STATUS: 0xe9,
  STREAM: 0xea,
  READ: 0xeb,
  END_WRAP: 0xec,
  WRAP: 0xee,
  REMOTE: 0xf0,
  IDENTIFY: 0xf2,
  RATE: 0xf3,
  ENABLE: 0xf4,
  DISABLE: 0xf5,
  DEFAULTS: 0xf6,
  RESEND: 0xfe,
  RESET: 0xff,
} as const;

type State = {
  output: number[];
  last: number;
  reporting: boolean;
  remote: boolean;
  wrap: boolean;
  scale2: boolean;
  resolution: number;
  rate: number;
  command: number;
  /** not reported yet */
  x: number;
  y: number;
  /** bit 0 left, 1 right, 2 middle */
  buttons: number;
  moved: boolean;
};

function poweredOn(): State {
  return {
    output: [],
    last: 0,
    reporting: false,
    remote: false,
    wrap: false,
    scale2: false,
    resolution: DEFAULT_RESOLUTION,
    rate: DEFAULT_RATE,
    command: 0,
    x: 0,
    y: 0,
    buttons: 0,
    moved: false,
  };
}

export class Ps2Mouse {
  #s: State = poweredOn();

  get ready(): boolean {
    return this.#s.output.length > 0;
  }

  take(): number {
    const s = this.#s;
    s.last = s.output.shift() ?? s.last;
    this.#report();
    return s.last;
  }

  /** Moved to the right and up by so much, with these buttons down. */
  move(dx: number, dy: number, buttons: number): void {
    const s = this.#s;
    if (s.reporting || s.remote) {
      s.x = clamp(s.x + dx, 0x7fff);
      s.y = clamp(s.y + dy, 0x7fff);
      s.moved ||= dx !== 0 || dy !== 0 || buttons !== s.buttons;
    }
    s.buttons = buttons & 7;
    this.#report();
  }

  write(byte: number): void {
    const s = this.#s;
    const { command } = s;
    s.command = 0;
    if (s.wrap && byte !== COMMAND.END_WRAP && byte !== COMMAND.RESET) this.#say(byte);
    else if (command === COMMAND.RATE) {
      s.rate = byte;
      this.#say(ACK);
    } else if (command === COMMAND.RESOLUTION) {
      s.resolution = byte & 3;
      this.#say(ACK);
    } else this.#command(byte);
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
      case COMMAND.RESET:
        this.#s = poweredOn();
        this.#say(ACK, PASSED, ID);
        return;
      case COMMAND.RESEND:
        this.#say(s.last);
        return;
      case COMMAND.IDENTIFY:
        this.#say(ACK, ID);
        return;
      case COMMAND.STATUS:
        this.#say(ACK, this.#status, s.resolution, s.rate);
        return;
      case COMMAND.READ:
        this.#say(ACK, ...this.#packet());
        return;
      case COMMAND.DEFAULTS:
        this.#s = { ...poweredOn(), buttons: s.buttons };
        break;
      case COMMAND.SCALE_1:
      case COMMAND.SCALE_2:
        s.scale2 = byte === COMMAND.SCALE_2;
        break;
      case COMMAND.STREAM:
      case COMMAND.REMOTE:
        s.remote = byte === COMMAND.REMOTE;
        break;
      case COMMAND.WRAP:
      case COMMAND.END_WRAP:
        s.wrap = byte === COMMAND.WRAP;
        break;
      case COMMAND.ENABLE:
      case COMMAND.DISABLE:
        s.reporting = byte === COMMAND.ENABLE;
        break;
      case COMMAND.RATE:
      case COMMAND.RESOLUTION:
        s.command = byte;
        break;
      default:
        this.#say(NACK);
        return;
    }
    this.#say(ACK);
  }

  get #status(): number {
    const { remote, reporting, scale2, buttons } = this.#s;
    const swapped = ((buttons & 1) << 2) | ((buttons & 4) >> 1) | ((buttons & 2) >> 1);
    return (remote ? 0x40 : 0) | (reporting ? 0x20 : 0) | (scale2 ? 0x10 : 0) | swapped;
  }

  #report(): void {
    const s = this.#s;
    if (s.reporting && !s.remote && s.moved && s.output.length + 3 <= PACKET_ROOM) s.output.push(...this.#packet());
  }

  #packet(): readonly number[] {
    const s = this.#s;
    const [x, y] = [clamp(s.x, 0xff), clamp(s.y, 0xff)];
    s.x -= x;
    s.y -= y;
    s.moved = s.x !== 0 || s.y !== 0;
    return [0x08 | s.buttons | (x < 0 ? 0x10 : 0) | (y < 0 ? 0x20 : 0), x & 0xff, y & 0xff];
  }

  #say(...bytes: readonly number[]): void {
    const s = this.#s;
    if (s.output.length + bytes.length > ROOM) s.output = [];
    s.output.push(...bytes);
  }
}

function clamp(value: number, limit: number): number {
  return Math.min(Math.max(value, -limit), limit);
}
