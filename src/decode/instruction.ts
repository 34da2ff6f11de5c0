/**
 * Takes an instruction apart: prefixes, REX or VEX, opcode, ModRM, SIB, displacement, immediates; and finds its row.
 * SDM Vol. 2 "Instruction Format". Bytes past the end of the buffer read as absent and make the instruction undecodable.
 */
import type { OpcodeMap } from "../spec/isa/row.ts";
import { type Entry, type Mode, rowsAt, select } from "./row-index.ts";

const LEGACY_PREFIX = new Set([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3]);
const MAX_LENGTH = 15;
const ESCAPES: readonly OpcodeMap[] = ["", "VEX.0F", "VEX.0F38", "VEX.0F3A"];

export class Instruction {
  /** legacy prefixes in the order they stand */
  readonly prefixes: number[] = [];
  /** 0x40…0x4f, or 0 */
  rex = 0;
  /** the repeat prefix that counts */
  repeat = 0;
  data = false;
  address = false;
  lock = false;
  /** the segment prefix that counts, or 0 */
  segment = 0;
  vex = false;
  /** inverted as in the encoding: 0 is what an instruction without the operand must have */
  vvvv = 0;
  l: 0 | 1 = 0;
  map: OpcodeMap = "";
  opcode = 0;
  /** -1: none */
  modrm = -1;
  sib = -1;
  displacement = 0;
  displacementBytes = 0;
  operandSize: 16 | 32 | 64 = 32;
  addressSize: 16 | 32 | 64 = 64;
  entry: Entry | undefined;
  /** the immediates start here, and the next unread byte is here */
  immediateAt = 0;
  length = 0;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly mode: Mode;
  private at: number;

  constructor(bytes: Uint8Array, start: number, mode: Mode) {
    this.bytes = bytes;
    this.start = start;
    this.mode = mode;
    this.at = start;
    this.readPrefixes();
    this.readOpcode();
    this.readForm();
    this.length = this.at - start;
    if (this.at > bytes.length || this.length > MAX_LENGTH) this.entry = undefined;
  }

  get w(): 0 | 1 {
    return (this.rex & 8) !== 0 ? 1 : 0;
  }
  get mod(): number {
    return this.modrm >> 6;
  }
  get isMemory(): boolean {
    return this.modrm < 0xc0;
  }
  get reg(): number {
    return (this.modrm >> 3) & 7;
  }
  get rm(): number {
    return this.modrm & 7;
  }

  private next(): number {
    return this.bytes[this.at++] ?? 0;
  }

  private readPrefixes(): void {
    const { bytes, mode } = this;
    for (; this.at - this.start < MAX_LENGTH; this.at++) {
      const byte = bytes[this.at];
      if (LEGACY_PREFIX.has(byte)) {
        this.rex = 0; // only a REX right before the opcode counts
        this.prefixes.push(byte);
        if (byte === 0x66) this.data = true;
        else if (byte === 0x67) this.address = true;
        else if (byte === 0xf0) this.lock = true;
        else if (byte >= 0xf2) this.repeat = byte;
        // in 64-bit mode the four old segment prefixes are ignored, also after FS and GS
        else if (mode !== 64 || byte >= 0x64) this.segment = byte;
      } else if (mode === 64 && (byte & 0xf0) === 0x40) this.rex = byte;
      else break;
    }
    if (mode === 64) this.addressSize = this.address ? 32 : 64;
    else this.addressSize = (mode === 32) !== this.address ? 32 : 16;
  }

  private readOpcode(): void {
    this.opcode = this.next();
    const after = this.bytes[this.at] ?? 0;
    if ((this.opcode === 0xc4 || this.opcode === 0xc5) && (this.mode === 64 || after >= 0xc0)) this.readVex();
    else if (this.opcode === 0x0f) {
      this.map = "0F";
      this.opcode = this.next();
      if (this.opcode === 0x38 || this.opcode === 0x3a) {
        this.map = this.opcode === 0x38 ? "0F38" : "0F3A";
        this.opcode = this.next();
      }
    }
  }

  /** SDM Vol. 2 "The VEX Prefix": R, X and B are inverted, and so is vvvv. */
  private readVex(): void {
    // SDM: VEX behind LOCK, 66, F2, F3 or REX is undefined
    const undefinedPrefix = this.lock || this.data || this.repeat !== 0 || this.rex !== 0;
    const three = this.opcode === 0xc4;
    let last = this.next();
    const inverted = ~last & 0xe0;
    const mmmmm = three ? last & 31 : 1;
    this.rex = 0x40 | (three ? inverted >> 5 : (inverted >> 5) & 4);
    if (three) {
      last = this.next();
      this.rex |= (last & 0x80) >> 4;
    }
    // outside 64-bit mode only eight registers
    if (this.mode !== 64) this.rex &= 0x48;
    this.vvvv = (~last >> 3) & (this.mode === 64 ? 15 : 7);
    this.l = (last & 4) === 0 ? 0 : 1;
    this.data = (last & 3) === 1;
    this.repeat = [0, 0, 0xf3, 0xf2][last & 3];
    this.vex = true;
    this.map = ESCAPES[mmmmm] ?? "";
    this.opcode = this.map === "" || undefinedPrefix ? -1 : this.next();
  }

  private readForm(): void {
    const entries = this.opcode < 0 ? [] : rowsAt(this.mode, this.map, this.opcode);
    if (entries.length === 0) return;
    if (entries[0].row.modrm !== undefined) this.modrm = this.bytes[this.at] ?? 0;
    const { mode, map, opcode, repeat, data, w, l, addressSize, modrm } = this;
    const rexB = (this.rex & 1) !== 0;
    const d64 = mode === 64 && entries[0].d64;
    let operandSize: 16 | 32 | 64 = mode === 64 ? (w === 1 ? 64 : data ? 16 : d64 ? 64 : 32) : (mode === 32) !== data ? 32 : 16;
    const entry = select(entries, { mode, map, opcode, repeat, data, w, l, rexB, operandSize, addressSize, modrm });
    if (entry === undefined) return;
    if (mode === 64 && entry.f64) operandSize = 64;
    else if (mode === 64 && entry.d64 && !data) operandSize = 64;
    else if (this.vex || entry.row.prefix === "66") operandSize = w === 1 && mode === 64 ? 64 : mode === 16 && !this.vex ? 16 : 32;
    this.operandSize = operandSize;
    this.entry = entry;
    if (this.modrm >= 0) this.readModRm();
    this.immediateAt = this.at;
    for (const { method, bytes, text } of entry.operands) {
      if (method === "I" || method === "J" || method === "A") this.at += bytes[operandSize >> 5];
      else if (method === "O") this.at += addressSize >> 3;
      else if (text === "XMM0" && this.vex) this.at += 1;
    }
  }

  private readModRm(): void {
    this.at++;
    if (!this.isMemory || this.entry?.operands.some((o) => o.method === "R" || o.method === "U" || o.method === "N")) return;
    const { mod, rm } = this;
    if (this.addressSize === 16) {
      this.readDisplacement(mod === 1 ? 1 : mod === 2 || rm === 6 ? 2 : 0);
      return;
    }
    if (rm === 4) this.sib = this.next();
    const base = rm === 4 ? this.sib & 7 : rm;
    this.readDisplacement(mod === 1 ? 1 : mod === 2 || base === 5 ? 4 : 0);
  }

  private readDisplacement(bytes: 0 | 1 | 2 | 4): void {
    this.displacementBytes = bytes;
    this.displacement = this.signed(this.at, bytes);
    this.at += bytes;
  }

  /** A little-endian number of up to four bytes, sign-extended. */
  signed(at: number, bytes: number): number {
    const b = this.bytes;
    if (bytes === 0) return 0;
    if (bytes === 1) return (b[at] << 24) >> 24;
    if (bytes === 2) return ((b[at] | (b[at + 1] << 8)) << 16) >> 16;
    return b[at] | (b[at + 1] << 8) | (b[at + 2] << 16) | (b[at + 3] << 24);
  }

  unsigned64(at: number): bigint {
    return (BigInt(this.signed(at + 4, 4) >>> 0) << 32n) | BigInt(this.signed(at, 4) >>> 0);
  }
}
