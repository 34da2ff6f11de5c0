/**
 * A 16550A UART. National Semiconductor "PC16550D Universal Asynchronous Receiver/Transmitter with FIFOs".
 *
 * Sending takes no time: a byte written to the transmitter is with the host when the instruction ends, so that a guest that polls never waits.
 * Receiving takes the time of the line's speed. What the host sends waits here until the receiver has room, so there are no overruns (but in
 * loopback); and a guest that clears its receiver FIFO, as drivers do when they start, finds the unread bytes again a little later.
 *
 *     0 RBR/THR (DLAB: DLL)   1 IER (DLAB: DLM)   2 IIR/FCR   3 LCR   4 MCR   5 LSR   6 MSR   7 SCR
 */
import { type Alarm, type Clock, cyclesOf } from "../bus/clock.ts";
import type { Device, Line, Region, Saved } from "../bus/device.ts";
import { bytePorts } from "./byte-ports.ts";

const FIFO = 16;
/** baud at divisor 1: a crystal of 1.8432 MHz, divided by 16 */
const BASE_BAUD = 115_200;
/** Slower lines than 9600 baud receive at 9600 baud: no guest can tell, and nobody wants to wait. */
const SLOWEST_DIVISOR = 12;
/** How long the line is quiet after the guest cleared a FIFO with unread bytes, as a part of a second: longer than a driver takes to start. */
const QUIET = 1 / 100;

const IER = { RECEIVED: 1, THR_EMPTY: 2, LINE_STATUS: 4, MODEM_STATUS: 8 };
const IIR = { NONE: 1, MODEM_STATUS: 0, THR_EMPTY: 2, RECEIVED: 4, LINE_STATUS: 6, TIMEOUT: 12, FIFO: 0xc0 };
const FCR = { ENABLE: 1, CLEAR_RECEIVER: 2, CLEAR_TRANSMITTER: 4, KEPT: 0xc1 };
const LCR = { LENGTH: 3, STOP: 4, PARITY: 8, DLAB: 0x80 };
const MCR = { DTR: 1, RTS: 2, OUT1: 4, OUT2: 8, LOOP: 0x10, ALL: 0x1f };
const LSR = { READY: 1, OVERRUN: 2, ERRORS: 0x1e, THR_EMPTY: 0x20, EMPTY: 0x40 };
const MSR = { CTS: 0x10, DSR: 0x20, RI: 0x40, DCD: 0x80 };
const TRIGGERS = [1, 4, 8, 14];
/** modem lines of a terminal that is there and ready */
const CONNECTED = MSR.CTS | MSR.DSR | MSR.DCD;

type State = {
  ier: number;
  fcr: number;
  lcr: number;
  mcr: number;
  /** errors only; the other bits follow from the rest */
  errors: number;
  /** lines now (7-4) and which of them changed since the last read (3-0) */
  msr: number;
  scratch: number;
  divisor: number;
  /** the interrupt "transmitter holding register empty" waits */
  thrEmpty: boolean;
  /** nothing was received or read for four characters, and there is something to read */
  timedOut: boolean;
  /** received and not read */
  received: number[];
  /** how many of `received`, from the end, came by loopback and are not the host's */
  looped: number;
  /** received last without FIFOs: what RBR reads as then when it is empty */
  last: number;
};

function poweredOn(): State {
  return {
    ier: 0,
    fcr: 0,
    lcr: 0,
    mcr: MCR.OUT2,
    errors: 0,
    msr: CONNECTED,
    scratch: 0,
    divisor: 12,
    thrEmpty: false,
    timedOut: false,
    received: [],
    looped: 0,
    last: 0,
  };
}

export class Uart implements Device {
  readonly name: string;
  readonly ports: Region = bytePorts(
    (offset) => this.#read(offset),
    (offset, value) => this.#write(offset, value),
  );
  readonly #clock: Clock;
  readonly #irq: Line;
  readonly #onByte: (byte: number) => void;
  #s: State = poweredOn();
  /** from the host, not yet on the line */
  #waiting: Uint8Array = new Uint8Array(0);
  #arrival: Alarm | undefined;
  #timeout: Alarm | undefined;

  constructor(name: string, clock: Clock, irq: Line, onByte: (byte: number) => void) {
    this.name = name;
    this.#clock = clock;
    this.#irq = irq;
    this.#onByte = onByte;
  }

  /** Bytes from the host; the guest gets them at the speed of the line, and when it has room. */
  receive(bytes: Uint8Array): void {
    this.#waiting = joined(this.#waiting, bytes);
    this.#expect(this.#characterCycles);
  }

  /** How many bytes of the host the guest has not got yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  reset(): void {
    this.#giveBack();
    this.#s = poweredOn();
    this.#timeout?.cancel();
    this.#timeout = undefined;
    this.#update();
  }

  save(): Saved {
    return {
      ...this.#s,
      received: [...this.#s.received],
      waiting: this.#waiting.slice(),
      arrival: this.#arrival?.cycle ?? null,
      timeout: this.#timeout?.cycle ?? null,
    };
  }

  restore(saved: Saved): void {
    const { waiting, arrival, timeout, ...state } = saved as State & {
      waiting: Uint8Array;
      arrival: number | null;
      timeout: number | null;
    };
    this.#s = { ...state, received: [...state.received] };
    this.#waiting = waiting.slice();
    this.#arrival?.cancel();
    this.#arrival = arrival === null ? undefined : this.#clock.at(arrival, () => this.#arrive());
    this.#timeout?.cancel();
    this.#timeout = timeout === null ? undefined : this.#clock.at(timeout, () => this.#expire());
    this.#update();
  }

  #read(offset: number): number {
    const s = this.#s;
    const dlab = (s.lcr & LCR.DLAB) !== 0;
    switch (offset & 7) {
      case 0:
        return dlab ? s.divisor & 0xff : this.#readData();
      case 1:
        return dlab ? s.divisor >>> 8 : s.ier;
      case 2:
        return this.#readIdentification();
      case 3:
        return s.lcr;
      case 4:
        return s.mcr;
      case 5:
        return this.#readLineStatus();
      case 6:
        return this.#readModemStatus();
      default:
        return s.scratch;
    }
  }

  #write(offset: number, value: number): void {
    const s = this.#s;
    const dlab = (s.lcr & LCR.DLAB) !== 0;
    switch (offset & 7) {
      case 0:
        if (dlab) s.divisor = (s.divisor & 0xff00) | value;
        else this.#send(value);
        break;
      case 1:
        if (dlab) s.divisor = (s.divisor & 0xff) | (value << 8);
        else this.#enable(value & 0xf);
        break;
      case 2:
        this.#controlFifos(value);
        break;
      case 3:
        s.lcr = value;
        break;
      case 4:
        this.#controlModem(value & MCR.ALL);
        break;
      case 7:
        s.scratch = value;
        break;
      // LSR and MSR: "intended for read operations only"
    }
  }

  #readData(): number {
    const s = this.#s;
    const byte = s.received.shift();
    if (byte === undefined) return this.#fifoEnabled ? 0 : s.last;
    s.looped = Math.min(s.looped, s.received.length);
    this.#restartTimeout();
    this.#update();
    this.#expect(this.#characterCycles);
    return byte;
  }

  /** Reading it acknowledges "transmitter empty" only, and only if that is what it says. */
  #readIdentification(): number {
    const id = this.#identification;
    if (id === IIR.THR_EMPTY) {
      this.#s.thrEmpty = false;
      this.#update();
    }
    return id | (this.#fifoEnabled ? IIR.FIFO : 0);
  }

  #readLineStatus(): number {
    const s = this.#s;
    const value = LSR.THR_EMPTY | LSR.EMPTY | s.errors | (s.received.length > 0 ? LSR.READY : 0);
    if (s.errors !== 0) {
      s.errors = 0;
      this.#update();
    }
    return value;
  }

  #readModemStatus(): number {
    const value = this.#s.msr;
    if ((value & 0xf) !== 0) {
      this.#s.msr &= 0xf0;
      this.#update();
    }
    return value;
  }

  #send(byte: number): void {
    const s = this.#s;
    s.thrEmpty = false;
    this.#update();
    if ((s.mcr & MCR.LOOP) !== 0) this.#loop(byte);
    else this.#onByte(byte);
    s.thrEmpty = true;
    this.#update();
  }

  #loop(byte: number): void {
    const s = this.#s;
    if (s.received.length < this.#room) s.looped++;
    else {
      // without FIFO the new character overwrites the old one; with it, the FIFO stays as it is
      s.errors |= LSR.OVERRUN;
      if (this.#fifoEnabled) return;
      s.received.length = 0;
      s.looped = 1;
    }
    this.#accept(byte);
  }

  #enable(ier: number): void {
    const s = this.#s;
    const rises = ier & ~s.ier & IER.THR_EMPTY;
    s.ier = ier;
    // enabling the interrupt while the register is empty, which it always is here, asks for one at once
    if (rises !== 0) s.thrEmpty = true;
    this.#update();
  }

  #controlFifos(value: number): void {
    const s = this.#s;
    const toggles = ((value ^ s.fcr) & FCR.ENABLE) !== 0;
    if (toggles || (value & FCR.CLEAR_RECEIVER) !== 0) this.#giveBack();
    if (toggles || (value & FCR.CLEAR_TRANSMITTER) !== 0) s.thrEmpty = true;
    s.fcr = (value & FCR.ENABLE) !== 0 ? value & FCR.KEPT : 0;
    this.#update();
  }

  /** Loopback puts the modem outputs on the modem inputs. */
  #controlModem(value: number): void {
    const s = this.#s;
    s.mcr = value;
    const loop = (value & MCR.LOOP) !== 0;
    const looped =
      ((value & MCR.RTS) !== 0 ? MSR.CTS : 0) |
      ((value & MCR.DTR) !== 0 ? MSR.DSR : 0) |
      ((value & MCR.OUT1) !== 0 ? MSR.RI : 0) |
      ((value & MCR.OUT2) !== 0 ? MSR.DCD : 0);
    const lines = loop ? looped : CONNECTED;
    const changed = (s.msr ^ lines) & 0xf0;
    // the ring indicator counts only when it ends
    const deltas = (changed & ~(MSR.RI & lines)) >> 4;
    s.msr = lines | (s.msr & 0xf) | deltas;
    this.#update();
    this.#expect(this.#characterCycles);
  }

  /** Interrupt identification in the order of priority; NONE if nothing that is enabled waits. */
  get #identification(): number {
    const s = this.#s;
    if ((s.ier & IER.LINE_STATUS) !== 0 && s.errors !== 0) return IIR.LINE_STATUS;
    if ((s.ier & IER.RECEIVED) !== 0) {
      if (s.timedOut) return IIR.TIMEOUT;
      if (s.received.length >= this.#trigger) return IIR.RECEIVED;
    }
    if ((s.ier & IER.THR_EMPTY) !== 0 && s.thrEmpty) return IIR.THR_EMPTY;
    if ((s.ier & IER.MODEM_STATUS) !== 0 && (s.msr & 0xf) !== 0) return IIR.MODEM_STATUS;
    return IIR.NONE;
  }

  get #fifoEnabled(): boolean {
    return (this.#s.fcr & FCR.ENABLE) !== 0;
  }

  get #room(): number {
    return this.#fifoEnabled ? FIFO : 1;
  }

  get #trigger(): number {
    return this.#fifoEnabled ? TRIGGERS[this.#s.fcr >> 6] : 1;
  }

  get #characterCycles(): number {
    const { lcr, divisor } = this.#s;
    const bits = 1 + 5 + (lcr & LCR.LENGTH) + ((lcr & LCR.PARITY) !== 0 ? 1 : 0) + ((lcr & LCR.STOP) !== 0 ? 2 : 1);
    return cyclesOf(this.#clock, bits * Math.min(Math.max(divisor, 1), SLOWEST_DIVISOR), BASE_BAUD);
  }

  #update(): void {
    this.#irq.set(this.#identification !== IIR.NONE);
  }

  /** The next byte of the host comes in `cycles`, unless it is on its way or has no room. */
  #expect(cycles: number): void {
    const s = this.#s;
    if (this.#arrival !== undefined || this.#waiting.length === 0) return;
    if (s.received.length >= this.#room || (s.mcr & MCR.LOOP) !== 0) return;
    this.#arrival = this.#clock.at(this.#clock.now + cycles, () => this.#arrive());
  }

  #arrive(): void {
    const s = this.#s;
    this.#arrival = undefined;
    if (this.#waiting.length === 0 || s.received.length >= this.#room || (s.mcr & MCR.LOOP) !== 0) return;
    this.#accept(this.#waiting[0]);
    this.#waiting = this.#waiting.subarray(1);
    this.#update();
    this.#expect(this.#characterCycles);
  }

  #accept(byte: number): void {
    const s = this.#s;
    s.received.push(byte);
    if (!this.#fifoEnabled) s.last = byte;
    // a timeout that was reported stays until something is read
    if (!s.timedOut) this.#restartTimeout();
  }

  #restartTimeout(): void {
    this.#s.timedOut = false;
    this.#timeout?.cancel();
    this.#timeout = undefined;
    if (this.#fifoEnabled && this.#s.received.length > 0)
      this.#timeout = this.#clock.at(this.#clock.now + 4 * this.#characterCycles, () => this.#expire());
  }

  #expire(): void {
    this.#timeout = undefined;
    this.#s.timedOut = this.#s.received.length > 0;
    this.#update();
  }

  /** Empties the receiver; what came from the host goes back to it. */
  #giveBack(): void {
    const s = this.#s;
    const unread = s.received.slice(0, s.received.length - s.looped);
    s.received = [];
    s.looped = 0;
    this.#restartTimeout();
    if (unread.length === 0) return;
    this.#waiting = joined(Uint8Array.from(unread), this.#waiting);
    this.#arrival?.cancel();
    this.#arrival = undefined;
    this.#expect(Math.ceil(this.#clock.hz * QUIET));
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
