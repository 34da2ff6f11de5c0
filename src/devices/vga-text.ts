/**
 * A VGA as far as text mode goes: registers that keep what is written to them, a status that changes whenever it is read, and the screen as
 * text. IBM VGA Technical Reference, "VGA Function". The memory at 0xB8000 is ordinary memory; nothing is drawn.
 */
import type { Device, Memory, Region, Saved } from "../bus/device.ts";
import { bytePorts } from "./byte-ports.ts";

const COLUMNS = 80;
const ROWS = 25;
const TEXT = 0xb8000;
const TEXT_BYTES = 0x8000;

/** ports, less 0x3B0 */
const PORT = {
  MONO_INDEX: 0x04,
  MONO_STATUS: 0x0a,
  ATTRIBUTE: 0x10,
  ATTRIBUTE_READ: 0x11,
  MISC: 0x12,
  SEQUENCER_INDEX: 0x14,
  PALETTE_MASK: 0x16,
  PALETTE_READ: 0x17,
  PALETTE_WRITE: 0x18,
  PALETTE_DATA: 0x19,
  FEATURES_READ: 0x1a,
  MISC_READ: 0x1c,
  GRAPHICS_INDEX: 0x1e,
  COLOUR_INDEX: 0x24,
  COLOUR_STATUS: 0x2a,
};
const MISC = { COLOUR: 1 };
const CRTC = { START: 0x0c, CURSOR: 0x0e, PROTECTED: 0x11 };
const STATUS = { BLANK: 1, RETRACE: 8 };

/** Register sets behind an index; more bits of the index do not count. */
const SETS = { crtc: 32, sequencer: 8, graphics: 16, attribute: 32 };
type SetName = keyof typeof SETS;

/** mode 3: 80 columns, 25 rows, 16 colours */
const MODE_3: Readonly<Record<SetName, readonly number[]>> = {
  crtc: [
    0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0, 0x4f, 0x0d, 0x0e, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff,
  ],
  sequencer: [3, 0, 3, 0, 2],
  graphics: [0, 0, 0, 0, 0, 0x10, 0x0e, 0, 0xff],
  attribute: [0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x0c, 0, 0x0f, 8, 0],
};

type State = {
  [set in SetName]: number[];
} & {
  index: { [set in SetName]: number };
  /** the next write to the attribute port is data */
  attributeData: boolean;
  misc: number;
  features: number;
  status: number;
  paletteMask: number;
  /** 256 colours of three bytes */
  palette: Uint8Array;
  paletteAt: number;
  paletteReads: boolean;
};

function poweredOn(): State {
  const set = (name: SetName): number[] => Array.from({ length: SETS[name] }, (_, i) => MODE_3[name][i] ?? 0);
  return {
    crtc: set("crtc"),
    sequencer: set("sequencer"),
    graphics: set("graphics"),
    attribute: set("attribute"),
    index: { crtc: 0, sequencer: 0, graphics: 0, attribute: 0x20 },
    attributeData: false,
    misc: 0x67,
    features: 0,
    status: 0,
    paletteMask: 0xff,
    palette: new Uint8Array(768),
    paletteAt: 0,
    paletteReads: false,
  };
}

export class VgaText implements Device {
  readonly name = "vga";
  /** port 0x3B0, 48 of them */
  readonly ports: Region = bytePorts(
    (offset) => this.#read(offset),
    (offset, value) => this.#write(offset, value),
  );
  readonly #memory: Memory;
  #s: State = poweredOn();

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /** The screen's rows, 80 characters each. */
  text(): readonly string[] {
    const bytes = this.#memory.view(TEXT, TEXT_BYTES);
    return Array.from({ length: ROWS }, (_, row) => {
      let line = "";
      for (let column = 0; column < COLUMNS; column++) {
        const cell = this.#word(CRTC.START) + row * COLUMNS + column;
        line += CP437[bytes?.[(cell * 2) % TEXT_BYTES] ?? 0];
      }
      return line;
    });
  }

  /** Where the cursor is; outside of the screen when software hides it there. */
  get cursor(): { readonly row: number; readonly column: number } {
    const cell = this.#word(CRTC.CURSOR) - this.#word(CRTC.START);
    return { row: Math.floor(cell / COLUMNS), column: ((cell % COLUMNS) + COLUMNS) % COLUMNS };
  }

  reset(): void {
    this.#s = poweredOn();
  }

  save(): Saved {
    return copyOf(this.#s);
  }

  restore(saved: Saved): void {
    this.#s = copyOf(saved as State);
  }

  #word(register: number): number {
    return (this.#s.crtc[register] << 8) | this.#s.crtc[register + 1];
  }

  /** The CRTC and the status are at 0x3B4 and 0x3BA for monochrome, at 0x3D4 and 0x3DA for colour. */
  #isCrtc(offset: number): boolean {
    return offset >> 1 === (this.#colour ? PORT.COLOUR_INDEX : PORT.MONO_INDEX) >> 1;
  }

  get #colour(): boolean {
    return (this.#s.misc & MISC.COLOUR) !== 0;
  }

  #read(offset: number): number {
    const s = this.#s;
    if (this.#isCrtc(offset)) return this.#indexed("crtc", offset);
    switch (offset) {
      case PORT.ATTRIBUTE:
        return s.index.attribute;
      case PORT.ATTRIBUTE_READ:
        return s.attribute[s.index.attribute % SETS.attribute];
      case PORT.SEQUENCER_INDEX:
      case PORT.SEQUENCER_INDEX + 1:
        return this.#indexed("sequencer", offset);
      case PORT.GRAPHICS_INDEX:
      case PORT.GRAPHICS_INDEX + 1:
        return this.#indexed("graphics", offset);
      case PORT.PALETTE_MASK:
        return s.paletteMask;
      case PORT.PALETTE_READ:
        return s.paletteReads ? 3 : 0;
      case PORT.PALETTE_WRITE:
        return Math.floor(s.paletteAt / 3) & 0xff;
      case PORT.PALETTE_DATA:
        return s.palette[this.#nextColour()];
      case PORT.FEATURES_READ:
        return s.features;
      case PORT.MISC_READ:
        return s.misc;
      case this.#colour ? PORT.COLOUR_STATUS : PORT.MONO_STATUS:
        return this.#readStatus();
      default:
        return offset === PORT.MISC ? 0 : 0xff;
    }
  }

  #write(offset: number, value: number): void {
    const s = this.#s;
    if (this.#isCrtc(offset)) {
      if ((offset & 1) === 0) s.index.crtc = value;
      else this.#writeCrtc(s.index.crtc % SETS.crtc, value);
      return;
    }
    switch (offset) {
      case PORT.ATTRIBUTE:
        if (s.attributeData) s.attribute[s.index.attribute % SETS.attribute] = value;
        else s.index.attribute = value & 0x3f;
        s.attributeData = !s.attributeData;
        break;
      case PORT.SEQUENCER_INDEX:
        s.index.sequencer = value;
        break;
      case PORT.SEQUENCER_INDEX + 1:
        s.sequencer[s.index.sequencer % SETS.sequencer] = value;
        break;
      case PORT.GRAPHICS_INDEX:
        s.index.graphics = value;
        break;
      case PORT.GRAPHICS_INDEX + 1:
        s.graphics[s.index.graphics % SETS.graphics] = value;
        break;
      case PORT.MISC:
        s.misc = value & 0xef;
        break;
      case PORT.PALETTE_MASK:
        s.paletteMask = value;
        break;
      case PORT.PALETTE_READ:
      case PORT.PALETTE_WRITE:
        s.paletteAt = value * 3;
        s.paletteReads = offset === PORT.PALETTE_READ;
        break;
      case PORT.PALETTE_DATA:
        s.palette[this.#nextColour()] = value & 0x3f;
        break;
      case this.#colour ? PORT.COLOUR_STATUS : PORT.MONO_STATUS:
        s.features = value & 3;
        break;
    }
  }

  #indexed(set: SetName, offset: number): number {
    const s = this.#s;
    return (offset & 1) === 0 ? s.index[set] : s[set][s.index[set] % SETS[set]];
  }

  /** Bit 7 of register 11h protects registers 0 to 7, but for one bit. */
  #writeCrtc(register: number, value: number): void {
    const { crtc } = this.#s;
    const isProtected = register < 8 && (crtc[CRTC.PROTECTED] & 0x80) !== 0;
    if (!isProtected) crtc[register] = value;
    else if (register === 7) crtc[7] = (crtc[7] & ~0x10) | (value & 0x10);
  }

  #nextColour(): number {
    const at = this.#s.paletteAt;
    this.#s.paletteAt = (at + 1) % 768;
    return at;
  }

  /** Who waits for the retrace to begin or to end does not wait long. Reading makes the attribute port's next write an index. */
  #readStatus(): number {
    const s = this.#s;
    s.attributeData = false;
    s.status ^= STATUS.RETRACE | STATUS.BLANK;
    return s.status;
  }
}

function copyOf(s: State): State {
  return {
    ...s,
    crtc: [...s.crtc],
    sequencer: [...s.sequencer],
    graphics: [...s.graphics],
    attribute: [...s.attribute],
    index: { ...s.index },
    palette: s.palette.slice(),
  };
}

/** The characters of the PC's font. */
const CP437 = [
  ..." ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼",
  ...Array.from({ length: 95 }, (_, i) => String.fromCharCode(0x20 + i)),
  ..."⌂ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»",
  ..."░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀",
  ..."αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0",
];
