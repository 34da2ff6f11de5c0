/** The serial port that the VMM writes its log to, over whatever answers its ports. 16550 data sheet. */
import { SERIAL_PORT } from "./constants.ts";

export interface Ports {
  in8(port: number): number;
  out8(port: number, value: number): void;
}

/** divisors of the clock of 115200 Hz by rate; those of 75, 110, 134.5 … were chosen by Bareflank */
export const BAUD_DIVISORS: ReadonlyMap<number, number> = new Map([
  [50, 0x900],
  [75, 0x600],
  [110, 0x417],
  [150, 0x300],
  [300, 0x180],
  [600, 0xc0],
  [1200, 0x60],
  [1800, 0x40],
  [2000, 0x3a],
  [2400, 0x30],
  [3600, 0x20],
  [4800, 0x18],
  [7200, 0x10],
  [9600, 0x0c],
  [19200, 6],
  [38400, 3],
  [57600, 2],
  [115200, 1],
]);
const RATES = new Map([...BAUD_DIVISORS].map(([rate, divisor]) => [divisor, rate]));
const UNKNOWN_RATE = 115200;

export const DATA_BITS = { FIVE: 0, SIX: 1, SEVEN: 2, EIGHT: 3 } as const;
export const STOP_BITS = { ONE: 0, TWO: 4 } as const;
export const PARITY = { NONE: 0, ODD: 0x08, EVEN: 0x18, MARK: 0x28, SPACE: 0x38 } as const;
const DATA_MASK = 0x03;
const STOP_MASK = 0x04;
const PARITY_MASK = 0x38;

const IER = 1;
const FCR = 2;
const LCR = 3;
const LSR = 5;
const FIFOS_ON_AND_CLEAR = 0x07;
const DLAB = 0x80;
const TRANSMITTER_EMPTY = 0x20;

export class SerialPort {
  readonly port: number;
  readonly #ports: Ports;

  constructor(ports: Ports, port = SERIAL_PORT) {
    this.#ports = ports;
    this.port = port;
    this.#setLine(DLAB, 0);
    ports.out8(port + IER, 0);
    ports.out8(port + FCR, FIFOS_ON_AND_CLEAR);
    this.setBaudRate(9600);
    this.dataBits = DATA_BITS.EIGHT;
    this.stopBits = STOP_BITS.ONE;
    this.parity = PARITY.NONE;
  }

  /** A rate that no divisor is known for is taken as the default. */
  setBaudRate(rate: number): void {
    const divisor = BAUD_DIVISORS.get(rate) ?? BAUD_DIVISORS.get(9600)!;
    this.#withDivisor(() => {
      this.#ports.out8(this.port, divisor & 0xff);
      this.#ports.out8(this.port + 1, divisor >> 8);
    });
  }

  get baudRate(): number {
    let divisor = 0;
    this.#withDivisor(() => {
      divisor = this.#ports.in8(this.port) | (this.#ports.in8(this.port + 1) << 8);
    });
    return RATES.get(divisor) ?? UNKNOWN_RATE;
  }

  get dataBits(): number {
    return this.#line & DATA_MASK;
  }
  set dataBits(bits: number) {
    this.#setLine(DATA_MASK, bits);
  }

  get stopBits(): number {
    return this.#line & STOP_MASK;
  }
  set stopBits(bits: number) {
    this.#setLine(STOP_MASK, bits);
  }

  get parity(): number {
    const parity = this.#line & PARITY_MASK;
    return Object.values<number>(PARITY).includes(parity) ? parity : PARITY.NONE;
  }
  set parity(bits: number) {
    this.#setLine(PARITY_MASK, bits);
  }

  /** As it is: a line feed stays a line feed. */
  write(text: string): void {
    for (const byte of new TextEncoder().encode(text)) this.writeByte(byte);
  }

  writeByte(byte: number): void {
    while ((this.#ports.in8(this.port + LSR) & TRANSMITTER_EMPTY) === 0);
    this.#ports.out8(this.port, byte);
  }

  #withDivisor(access: () => void): void {
    this.#setLine(DLAB, DLAB);
    access();
    this.#setLine(DLAB, 0);
  }

  get #line(): number {
    return this.#ports.in8(this.port + LCR);
  }

  #setLine(mask: number, bits: number): void {
    this.#ports.out8(this.port + LCR, (this.#line & ~mask) | (bits & mask));
  }
}
