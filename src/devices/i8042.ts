/**
 * The i8042 keyboard controller with a PS/2 keyboard and, on its auxiliary port, a PS/2 mouse. IBM PS/2 Technical Reference, "Keyboard/Auxiliary
 * Device Controller". Bytes travel in no time: what a device has to say is in the output buffer as soon as that is free.
 *
 *     0x60  data                  0x64  write: command            read: status
 *      7      6       5       4       3         2      1     0
 *   parity timeout aux OBF  keylock command/data system IBF   OBF
 */
import type { Device, Line, Region, Saved } from "../bus/device.ts";
import { bytePorts } from "./byte-ports.ts";
import { Ps2Keyboard } from "./ps2-keyboard.ts";
import { keyOf, TRANSLATION } from "./ps2-keys.ts";
import { Ps2Mouse } from "./ps2-mouse.ts";

const STATUS = { FULL: 1, SYSTEM: 4, COMMAND: 8, UNLOCKED: 0x10, AUX: 0x20 };
/** command byte, which is byte 0 of the controller's memory */
const MODE = { KEYBOARD_IRQ: 1, AUX_IRQ: 2, SYSTEM: 4, KEYBOARD_OFF: 0x10, AUX_OFF: 0x20, TRANSLATE: 0x40 };
/** output port */
const OUT = { RESET: 1, A20: 2, AUX_IRQ: 0x20, KEYBOARD_IRQ: 0x10, IDLE: 0xcc };
const COMMAND = {
  READ: 0x20,
  WRITE: 0x60,
  PASSWORD: 0xa4,
  AUX_OFF: 0xa7,
  AUX_ON: 0xa8,
  TEST_AUX: 0xa9,
  TEST: 0xaa,
  TEST_KEYBOARD: 0xab,
  KEYBOARD_OFF: 0xad,
  KEYBOARD_ON: 0xae,
  READ_INPUT: 0xc0,
  READ_OUTPUT: 0xd0,
  WRITE_OUTPUT: 0xd1,
  AS_KEYBOARD: 0xd2,
  AS_AUX: 0xd3,
  TO_AUX: 0xd4,
  A20_OFF: 0xdd,
  A20_ON: 0xdf,
  READ_TEST: 0xe0,
  PULSE: 0xf0,
};
const PASSED = 0x55;
const NO_FAULT = 0x00;
const NO_PASSWORD = 0xf1;
/** keyboard not locked, manufacturing jumper not installed */
const INPUT_PORT = 0xa0;

/** who a byte in the output buffer is from; what the controller says itself looks like the keyboard's */
type Source = "keyboard" | "aux";

type State = {
  /** the 32 bytes of memory; the first one is the command byte */
  memory: number[];
  full: boolean;
  output: number;
  from: Source;
  /** what the controller says when the output buffer is free */
  reply: number | null;
  replyFrom: Source;
  /** the last write was to the command port */
  commanded: boolean;
  /** the command whose argument comes next, or 0 */
  command: number;
  a20: boolean;
  /** the translation has seen a break prefix */
  breaking: boolean;
};

function poweredOn(): State {
  const memory = new Array<number>(32).fill(0);
  // as firmware leaves it: devices tested, interrupts on, translating
  memory[0] = MODE.TRANSLATE | MODE.SYSTEM | MODE.KEYBOARD_IRQ | MODE.AUX_IRQ;
  return {
    memory,
    full: false,
    output: 0,
    from: "keyboard",
    reply: null,
    replyFrom: "keyboard",
    commanded: true,
    command: 0,
    a20: true,
    breaking: false,
  };
}

export class I8042 implements Device {
  readonly name = "i8042";
  /** port 0x60 */
  readonly data: Region = bytePorts(
    () => this.#readData(),
    (_, value) => this.#writeData(value),
  );
  /** port 0x64 */
  readonly command: Region = bytePorts(
    () => this.#status,
    (_, value) => this.#writeCommand(value),
  );
  readonly keyboard = new Ps2Keyboard();
  readonly mouse = new Ps2Mouse();
  readonly #irq1: Line;
  readonly #irq12: Line;
  readonly #a20: Line;
  readonly #onReset: () => void;
  #s: State = poweredOn();

  constructor(irq1: Line, irq12: Line, a20: Line, onReset: () => void) {
    this.#irq1 = irq1;
    this.#irq12 = irq12;
    this.#a20 = a20;
    this.#onReset = onReset;
  }

  /** A key goes down or up; `code` as in KeyboardEvent.code. False if there is no such key. */
  key(code: string, down: boolean): boolean {
    const known = this.keyboard.key(code, down);
    this.#fill();
    return known;
  }

  /** Presses and releases the keys of a character on a US keyboard. False if it has none. */
  press(character: string): boolean {
    const key = keyOf(character);
    if (key === undefined) return false;
    if (key.shift) this.key("ShiftLeft", true);
    this.key(key.code, true);
    this.key(key.code, false);
    if (key.shift) this.key("ShiftLeft", false);
    return true;
  }

  /** The mouse moves to the right and up; buttons: bit 0 left, 1 right, 2 middle. */
  move(dx: number, dy: number, buttons: number): void {
    this.mouse.move(Math.trunc(dx), Math.trunc(dy), buttons);
    this.#fill();
  }

  reset(): void {
    this.#s = poweredOn();
    this.keyboard.reset();
    this.mouse.reset();
    this.#a20.set(true);
    this.#interrupt();
  }

  save(): Saved {
    return { ...this.#s, memory: [...this.#s.memory], keyboard: this.keyboard.save(), mouse: this.mouse.save() };
  }

  restore(saved: Saved): void {
    const { keyboard, mouse, ...state } = saved as State & { keyboard: Saved; mouse: Saved };
    this.#s = { ...state, memory: [...state.memory] };
    this.keyboard.restore(keyboard);
    this.mouse.restore(mouse);
    this.#interrupt();
  }

  get #mode(): number {
    return this.#s.memory[0];
  }

  get #status(): number {
    const { full, from, commanded } = this.#s;
    const system = (this.#mode & MODE.SYSTEM) !== 0 ? STATUS.SYSTEM : 0;
    return STATUS.UNLOCKED | system | (commanded ? STATUS.COMMAND : 0) | (full ? STATUS.FULL | (from === "aux" ? STATUS.AUX : 0) : 0);
  }

  #readData(): number {
    const s = this.#s;
    s.full = false;
    const { output } = s;
    this.#interrupt();
    this.#fill();
    return output;
  }

  #writeData(value: number): void {
    const s = this.#s;
    const { command } = s;
    s.command = 0;
    s.commanded = false;
    if (command === 0) this.#toKeyboard(value);
    else if (command === COMMAND.WRITE_OUTPUT) this.#drive(value);
    else if (command === COMMAND.AS_KEYBOARD) this.#reply(value);
    else if (command === COMMAND.AS_AUX) this.#reply(value, "aux");
    else if (command === COMMAND.TO_AUX) this.#toAux(value);
    else this.#store(command - COMMAND.WRITE, value);
    this.#fill();
  }

  /** Speaking to a device enables it. */
  #toKeyboard(value: number): void {
    this.#s.memory[0] &= ~MODE.KEYBOARD_OFF;
    this.keyboard.write(value);
  }

  #toAux(value: number): void {
    this.#s.memory[0] &= ~MODE.AUX_OFF;
    this.mouse.write(value);
  }

  #store(address: number, value: number): void {
    this.#s.memory[address] = value;
    if (address === 0) this.#interrupt();
  }

  #writeCommand(value: number): void {
    const s = this.#s;
    s.command = 0;
    s.commanded = true;
    if (value >= COMMAND.PULSE) {
      if ((value & OUT.RESET) === 0) this.#onReset();
      return;
    }
    if (value >= COMMAND.READ && value < COMMAND.READ + 32) this.#reply(s.memory[value - COMMAND.READ]);
    else if (value >= COMMAND.WRITE && value < COMMAND.WRITE + 32) s.command = value;
    else this.#execute(value);
    this.#fill();
  }

  #execute(command: number): void {
    const s = this.#s;
    switch (command) {
      case COMMAND.WRITE_OUTPUT:
      case COMMAND.AS_KEYBOARD:
      case COMMAND.AS_AUX:
      case COMMAND.TO_AUX:
        s.command = command;
        break;
      case COMMAND.PASSWORD:
        this.#reply(NO_PASSWORD);
        break;
      case COMMAND.AUX_OFF:
        s.memory[0] |= MODE.AUX_OFF;
        break;
      case COMMAND.AUX_ON:
        s.memory[0] &= ~MODE.AUX_OFF;
        break;
      case COMMAND.KEYBOARD_OFF:
        s.memory[0] |= MODE.KEYBOARD_OFF;
        break;
      case COMMAND.KEYBOARD_ON:
        s.memory[0] &= ~MODE.KEYBOARD_OFF;
        break;
      case COMMAND.TEST:
        s.memory[0] |= MODE.SYSTEM;
        this.#reply(PASSED);
        break;
      case COMMAND.TEST_AUX:
      case COMMAND.TEST_KEYBOARD:
        this.#reply(NO_FAULT);
        break;
      case COMMAND.READ_INPUT:
        this.#reply(INPUT_PORT);
        break;
      case COMMAND.READ_OUTPUT:
        this.#reply(this.#outputPort);
        break;
      case COMMAND.READ_TEST:
        this.#reply(0);
        break;
      case COMMAND.A20_OFF:
      case COMMAND.A20_ON:
        this.#gate(command === COMMAND.A20_ON);
        break;
      // the rest does nothing
    }
  }

  get #outputPort(): number {
    const { full, from, a20 } = this.#s;
    const irq = full ? (from === "aux" ? OUT.AUX_IRQ : OUT.KEYBOARD_IRQ) : 0;
    return OUT.IDLE | OUT.RESET | (a20 ? OUT.A20 : 0) | irq;
  }

  #drive(value: number): void {
    this.#gate((value & OUT.A20) !== 0);
    if ((value & OUT.RESET) === 0) this.#onReset();
  }

  #gate(a20: boolean): void {
    this.#s.a20 = a20;
    this.#a20.set(a20);
  }

  #reply(value: number, from: Source = "keyboard"): void {
    this.#s.reply = value;
    this.#s.replyFrom = from;
  }

  #put(value: number, from: Source): void {
    const s = this.#s;
    s.full = true;
    s.output = value;
    s.from = from;
    this.#interrupt();
  }

  /** If there is room: the controller speaks first, then the keyboard, then the mouse. */
  #fill(): void {
    const s = this.#s;
    while (!s.full)
      if (s.reply !== null) {
        this.#put(s.reply, s.replyFrom);
        s.reply = null;
      } else if (this.keyboard.ready && (this.#mode & MODE.KEYBOARD_OFF) === 0) this.#fromKeyboard(this.keyboard.take());
      else if (this.mouse.ready && (this.#mode & MODE.AUX_OFF) === 0) this.#put(this.mouse.take(), "aux");
      else return;
  }

  /** Translated, a break prefix becomes the highest bit of what follows. */
  #fromKeyboard(byte: number): void {
    const s = this.#s;
    if ((this.#mode & MODE.TRANSLATE) === 0) this.#put(byte, "keyboard");
    else if (byte === 0xf0) s.breaking = true;
    else {
      this.#put((TRANSLATION[byte] ?? byte) | (s.breaking ? 0x80 : 0), "keyboard");
      s.breaking = false;
    }
  }

  #interrupt(): void {
    const { full, from } = this.#s;
    this.#irq1.set(full && from !== "aux" && (this.#mode & MODE.KEYBOARD_IRQ) !== 0);
    this.#irq12.set(full && from === "aux" && (this.#mode & MODE.AUX_IRQ) !== 0);
  }
}
