/**
 * The two 8259A interrupt controllers of a PC, the second one on input 2 of the first, and the edge/level registers (ELCR) of the PCI chip
 * sets. Intel "8259A Programmable Interrupt Controller"; Intel "82371AB (PIIX4)", "Edge/Level Control Registers".
 *
 * An edge is latched until it is acknowledged, even if the line goes low again; a level request lives as long as its line is high. So a
 * spurious IRQ 7 or 15 comes from level lines only. (The data sheet would have edge requests be spurious too; QEMU and KVM latch, and no guest
 * wants it otherwise.)
 */
import type { Device, Line, Region, Saved } from "../bus/device.ts";
import { bytePorts } from "./byte-ports.ts";

const ICW1 = { INIT: 0x10, NEEDS_ICW4: 1, SINGLE: 2 };
const ICW4 = { AUTO_EOI: 2, FULLY_NESTED: 0x10 };
const OCW3 = { IS: 8, READ: 2, READ_ISR: 1, POLL: 4, SET_SPECIAL: 0x40, SPECIAL: 0x20 };
/** where the second chip is */
const CASCADE = 2;
/** lines that may be level-triggered: not 0, 1, 2, 8 and 13 */
const ELCR_MASKS = [0xf8, 0xde];
const SPURIOUS = 7;

type State = {
  /** what the input pins are */
  lines: number;
  irr: number;
  imr: number;
  isr: number;
  /** bit set: level */
  elcr: number;
  /** the input of the highest priority */
  first: number;
  vectors: number;
  readIsr: boolean;
  poll: boolean;
  specialMask: boolean;
  autoEoi: boolean;
  rotateAutoEoi: boolean;
  fullyNested: boolean;
  needsIcw4: boolean;
  single: boolean;
  /** the initialisation word (2, 3, 4) that the next write to the odd port is; 0: it is the mask */
  icw: number;
};

function initialised(lines: number, elcr: number): State {
  return {
    lines,
    irr: lines & elcr,
    imr: 0,
    isr: 0,
    elcr,
    first: 0,
    vectors: 0,
    readIsr: false,
    poll: false,
    specialMask: false,
    autoEoi: false,
    rotateAutoEoi: false,
    fullyNested: false,
    needsIcw4: false,
    single: false,
    icw: 0,
  };
}

/** One 8259A; `output` is its INT pin. */
class Chip {
  s: State = initialised(0, 0);
  readonly #output: Line;
  /** inputs with another 8259A behind them */
  readonly #cascades: number;

  constructor(output: Line, cascades: number) {
    this.#output = output;
    this.#cascades = cascades;
  }

  setLine(input: number, level: boolean): void {
    const { s } = this;
    const bit = 1 << input;
    const rises = level && (s.lines & bit) === 0;
    s.lines = level ? s.lines | bit : s.lines & ~bit;
    if ((s.elcr & bit) !== 0) s.irr = level ? s.irr | bit : s.irr & ~bit;
    else if (rises) s.irr |= bit;
    else return;
    this.update();
  }

  /** The input to be served now, or undefined. */
  get request(): number | undefined {
    const { s } = this;
    const wanted = this.#highest(s.irr & ~s.imr);
    if (wanted === undefined) return undefined;
    let serving = s.isr;
    if (s.specialMask) serving &= ~s.imr;
    if (s.fullyNested) serving &= ~this.#cascades;
    const current = this.#highest(serving);
    return current === undefined || rank(wanted, s.first) < rank(current, s.first) ? wanted : undefined;
  }

  /** INTA for `input`. INT goes low for a moment, so that who listens for edges hears of the next request. */
  acknowledge(input: number): void {
    this.#output.set(false);
    this.#serve(input);
  }

  #serve(input: number): void {
    const { s } = this;
    const bit = 1 << input;
    if ((s.elcr & bit) === 0) s.irr &= ~bit;
    if (!s.autoEoi) s.isr |= bit;
    else if (s.rotateAutoEoi) s.first = (input + 1) & 7;
    this.update();
  }

  update(): void {
    this.#output.set(this.request !== undefined);
  }

  read(offset: number): number {
    const { s } = this;
    if (s.poll) return this.#poll();
    if ((offset & 1) !== 0) return s.imr;
    return s.readIsr ? s.isr : s.irr;
  }

  write(offset: number, value: number): void {
    if ((offset & 1) !== 0) this.#writeOdd(value);
    else if ((value & ICW1.INIT) !== 0) this.#initialise(value);
    else if ((value & OCW3.IS) !== 0) this.#writeOcw3(value);
    else this.#writeOcw2(value >> 5, value & 7);
  }

  /** The read is the acknowledgement. */
  #poll(): number {
    const { request } = this;
    this.s.poll = false;
    if (request === undefined) return 0;
    this.#serve(request);
    return 0x80 | request;
  }

  #initialise(icw1: number): void {
    const { lines, elcr } = this.s;
    this.s = initialised(lines, elcr);
    this.s.icw = 2;
    this.s.needsIcw4 = (icw1 & ICW1.NEEDS_ICW4) !== 0;
    this.s.single = (icw1 & ICW1.SINGLE) !== 0;
    this.update();
  }

  #writeOdd(value: number): void {
    const { s } = this;
    switch (s.icw) {
      case 0:
        s.imr = value;
        this.update();
        break;
      case 2:
        s.vectors = value & 0xf8;
        if (!s.single) s.icw = 3;
        else s.icw = s.needsIcw4 ? 4 : 0;
        break;
      case 3:
        // which input the second chip is on is how the board is wired
        s.icw = s.needsIcw4 ? 4 : 0;
        break;
      default:
        s.autoEoi = (value & ICW4.AUTO_EOI) !== 0;
        s.fullyNested = (value & ICW4.FULLY_NESTED) !== 0;
        s.icw = 0;
    }
  }

  #writeOcw2(command: number, level: number): void {
    const { s } = this;
    switch (command) {
      case 0:
      case 4:
        s.rotateAutoEoi = command === 4;
        break;
      case 1:
      case 5: {
        const served = this.#highest(s.isr);
        if (served !== undefined) this.#endOf(served, command === 5);
        break;
      }
      case 3:
      case 7:
        this.#endOf(level, command === 7);
        break;
      case 6:
        s.first = (level + 1) & 7;
        this.update();
        break;
      // 2: no operation
    }
  }

  #endOf(input: number, rotate: boolean): void {
    this.s.isr &= ~(1 << input);
    if (rotate) this.s.first = (input + 1) & 7;
    this.update();
  }

  #writeOcw3(value: number): void {
    const { s } = this;
    if ((value & OCW3.POLL) !== 0) s.poll = true;
    if ((value & OCW3.READ) !== 0) s.readIsr = (value & OCW3.READ_ISR) !== 0;
    if ((value & OCW3.SET_SPECIAL) !== 0) {
      s.specialMask = (value & OCW3.SPECIAL) !== 0;
      this.update();
    }
  }

  #highest(bits: number): number | undefined {
    for (let i = 0; bits !== 0 && i < 8; i++) {
      const input = (this.s.first + i) & 7;
      if ((bits & (1 << input)) !== 0) return input;
    }
    return undefined;
  }
}

/** 0 is the highest priority. */
function rank(input: number, first: number): number {
  return (input - first) & 7;
}

export class Pic implements Device {
  readonly name = "pic";
  readonly #slave: Chip = new Chip({ set: (level) => this.#master.setLine(CASCADE, level) }, 0);
  readonly #master: Chip;
  /** ports 0x20 and 0xA0 */
  readonly master: Region = bytePorts(
    (offset) => this.#master.read(offset),
    (offset, value) => this.#master.write(offset, value),
  );
  readonly slave: Region = bytePorts(
    (offset) => this.#slave.read(offset),
    (offset, value) => this.#slave.write(offset, value),
  );
  /** port 0x4D0 */
  readonly elcr: Region = bytePorts(
    (offset) => this.#chip(offset).s.elcr,
    (offset, value) => this.#writeElcr(offset & 1, value),
  );
  /** the 16 inputs; nothing can be connected to 2 */
  readonly lines: readonly Line[] = Array.from({ length: 16 }, (_, n) => ({ set: (level: boolean) => this.#set(n, level) }));

  /** `intr` goes to the CPU's INTR pin (LINT0 of the local APIC). */
  constructor(intr: Line) {
    this.#master = new Chip(intr, 1 << CASCADE);
  }

  /** The vector for the interrupt that the CPU takes now. */
  acknowledge(): number {
    const master = this.#master.request;
    if (master !== CASCADE) {
      if (master !== undefined) this.#master.acknowledge(master);
      return this.#master.s.vectors | (master ?? SPURIOUS);
    }
    const slave = this.#slave.request;
    this.#master.acknowledge(CASCADE);
    if (slave !== undefined) this.#slave.acknowledge(slave);
    return this.#slave.s.vectors | (slave ?? SPURIOUS);
  }

  /** For `info pic`. */
  get chips(): readonly Readonly<State>[] {
    return [this.#master.s, this.#slave.s];
  }

  reset(): void {
    for (const chip of [this.#slave, this.#master]) {
      chip.s = initialised(chip.s.lines, 0);
      chip.update();
    }
  }

  save(): Saved {
    return { master: { ...this.#master.s }, slave: { ...this.#slave.s } };
  }

  restore(saved: Saved): void {
    const { master, slave } = saved as { master: State; slave: State };
    this.#slave.s = { ...slave };
    this.#master.s = { ...master };
    this.#master.update();
  }

  #set(n: number, level: boolean): void {
    if (n !== CASCADE) this.#chip(n >> 3).setLine(n & 7, level);
  }

  #chip(n: number): Chip {
    return (n & 1) === 0 ? this.#master : this.#slave;
  }

  #writeElcr(n: number, value: number): void {
    const chip = this.#chip(n);
    chip.s.elcr = value & ELCR_MASKS[n];
    chip.s.irr = (chip.s.irr & ~chip.s.elcr) | (chip.s.lines & chip.s.elcr);
    chip.update();
  }
}
