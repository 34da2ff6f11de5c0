/**
 * Operands in Intel syntax, as objdump writes them. Writing an operand also notes which prefixes it made use of, because objdump
 * prints those that nothing used (`data16`, `rex.W`, `cs`).
 */

import type { Instruction } from "../decode/instruction.ts";
import type { OperandCode } from "../spec/operands.ts";

const R64 = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split(" ");
const R32 = "eax ecx edx ebx esp ebp esi edi r8d r9d r10d r11d r12d r13d r14d r15d".split(" ");
const R16 = "ax cx dx bx sp bp si di r8w r9w r10w r11w r12w r13w r14w r15w".split(" ");
const R8 = "al cl dl bl ah ch dh bh".split(" ");
const R8_REX = "al cl dl bl spl bpl sil dil r8b r9b r10b r11b r12b r13b r14b r15b".split(" ");
const SEGMENTS = "es cs ss ds fs gs ? ?".split(" ");
const BASES_16 = ["bx+si", "bx+di", "bp+si", "bp+di", "si", "di", "bp", "bx"];
export const SEGMENT_NAME: ReadonlyMap<number, string> = new Map([
  [0x26, "es"],
  [0x2e, "cs"],
  [0x36, "ss"],
  [0x3e, "ds"],
  [0x64, "fs"],
  [0x65, "gs"],
]);
const POINTER: Readonly<Record<number, string>> = {
  1: "BYTE PTR ",
  2: "WORD PTR ",
  4: "DWORD PTR ",
  6: "FWORD PTR ",
  8: "QWORD PTR ",
  10: "TBYTE PTR ",
  16: "XMMWORD PTR ",
};
/** Rows whose memory operand objdump leaves without a size. */
const UNSIZED = /^(lddqu|invpcid|wruss[dq]|wrss[dq])$/;
/** Rows where objdump writes the whole general register although only its low half is meant. */
const WHOLE = /^(movmsk|movToSeg)$/;

/** REX bits and prefixes that had a meaning for the instruction. */
export interface Used {
  rex: number;
  data: boolean;
  address: boolean;
  segment: boolean;
  /** a string operand: objdump then drops the last segment prefix even where 64-bit mode ignores it */
  string: boolean;
}

export class OperandWriter {
  readonly used: Used = { rex: 0, data: false, address: false, segment: false, string: false };
  private readonly i: Instruction;
  private readonly address: bigint;
  private immediateAt: number;

  constructor(instruction: Instruction, address: bigint) {
    this.i = instruction;
    this.address = address;
    this.immediateAt = instruction.immediateAt;
  }

  /** Bytes of an operand, noting the prefixes that decided it. */
  private size(code: OperandCode): number {
    const { i, used } = this;
    if (code.type === "address") {
      used.address = true;
      return i.addressSize >> 3;
    }
    const [n16, n32, n64] = code.bytes;
    if (n32 !== n64) this.useOperandSize(n16 !== n32);
    else if (n16 !== n32 && this.i.w === 0 && !(this.i.mode === 64 && this.i.entry?.f64)) used.data = true;
    return code.bytes[i.operandSize >> 5];
  }

  /** The operand size mattered; REX.W wins over 66, and neither matters where the size is fixed. */
  useOperandSize(byData: boolean): void {
    const { i, used } = this;
    if (i.mode === 64 && i.entry?.f64) return;
    if (!(i.mode === 64 && (i.entry?.d64 || i.entry?.row.feature === "x87"))) used.rex |= 8;
    if (byData && i.w === 0) used.data = true;
  }

  private get mnemonic(): string {
    return (this.i.entry as NonNullable<typeof this.i.entry>).row.mnemonic;
  }

  private registerSize(code: OperandCode): number {
    const { i } = this;
    if (!WHOLE.test(i.entry?.row.semantics ?? "")) return this.size(code);
    this.useOperandSize(true);
    return Math.max(i.operandSize >> 3, i.entry?.row.semantics === "movToSeg" ? 2 : 4);
  }

  text(code: OperandCode): string {
    const { i } = this;
    switch (code.method) {
      case "E":
      case "R":
        return i.isMemory && code.method === "E" ? this.memory(code) : this.general(i.rm, 1, this.registerSize(code));
      case "M":
        return this.memory(code);
      case "G":
        return this.general(i.reg, 4, this.registerSize(code));
      case "Z":
        return this.general(i.opcode & 7, 1, this.size(code));
      case "B":
        return this.name(i.vvvv, this.size(code));
      case "V":
        return `xmm${this.extended(i.reg, 4)}`;
      case "W":
      case "U":
        return i.isMemory && code.method === "W" ? this.memory(code) : `xmm${this.extended(i.rm, 1)}`;
      case "P":
        return `mm${i.reg}`;
      case "Q":
      case "N":
        return i.isMemory && code.method === "Q" ? this.memory(code) : `mm${i.rm}`;
      case "S":
        return SEGMENTS[i.reg];
      case "C":
        return `cr${this.extended(i.reg, 4)}`;
      case "D":
        return `dr${this.extended(i.reg, 4)}`;
      case "X":
        this.used.string = true;
        return POINTER[this.size(code)] + this.indexed(this.segment() || "ds:", 6);
      case "Y":
        return POINTER[this.size(code)] + this.indexed("es:", 7);
      case "O":
        return this.direct();
      case "I":
        return this.immediate(code);
      case "J":
        return this.target(code);
      case "A":
        return this.far();
      case "F":
        this.size(code);
        return "";
      default:
        return this.fixed(code);
    }
  }

  private fixed(code: OperandCode): string {
    switch (code.type) {
      case "eAX":
      case "rAX":
        return this.name(0, this.size(code));
      case "ST":
        return "st";
      case "STi":
        return `st(${this.i.rm})`;
      case "BX":
        this.used.string = true;
        return POINTER[1] + this.indexed(this.segment() || "ds:", 3);
      default:
        return code.type.toLowerCase();
    }
  }

  private extended(low: number, rexBit: 1 | 4): number {
    const { i, used } = this;
    used.rex |= rexBit;
    return (i.rex & rexBit) === 0 ? low : low + 8;
  }

  private general(low: number, rexBit: 1 | 4, bytes: number): string {
    const number = this.extended(low, rexBit);
    if (bytes === 1 && (low & 4) !== 0) this.used.rex |= 0x40;
    return this.name(number, bytes);
  }

  private name(number: number, bytes: number): string {
    if (bytes === 8) return R64[number];
    if (bytes === 4) return R32[number];
    if (bytes === 2) return R16[number];
    return this.i.rex === 0 ? R8[number] : R8_REX[number];
  }

  private addressName(number: number): string {
    const { i, used } = this;
    used.address = true;
    return i.addressSize === 64 ? R64[number] : i.addressSize === 32 ? R32[number] : R16[number];
  }

  private segment(): string {
    const { i, used } = this;
    if (i.segment === 0 || (i.segment === 0x3e && isIndirectBranch(i))) return "";
    used.segment = true;
    return `${SEGMENT_NAME.get(i.segment)}:`;
  }

  private indexed(segment: string, register: number): string {
    return `${segment}[${this.addressName(register)}]`;
  }

  private memory(code: OperandCode): string {
    return this.pointer(code) + (this.i.addressSize === 16 ? this.memory16() : this.memory32());
  }

  private pointer(code: OperandCode): string {
    const { i, used } = this;
    if (code.type === "p") return this.farPointer();
    const bytes = this.size(code);
    if (code.type === "s") used.data ||= i.mode !== 64;
    if (code.type === "s" || UNSIZED.test(this.mnemonic)) return "";
    if (code.type === "dq") return "OWORD PTR ";
    return POINTER[bytes] ?? "";
  }

  /** objdump has no name for a far pointer with a 64-bit offset. */
  private farPointer(): string {
    const { i, used } = this;
    used.data = true;
    return POINTER[(i.mode === 16) !== i.data ? 4 : 6];
  }

  private memory16(): string {
    const { i } = this;
    const segment = this.segment();
    this.used.address = true;
    if (i.mod === 0 && i.rm === 6) return `${segment || "ds:"}0x${(i.displacement & 0xffff).toString(16)}`;
    return `${segment}[${BASES_16[i.rm]}${i.mod === 0 ? "" : offset(i.displacement)}]`;
  }

  private memory32(): string {
    const { i, used } = this;
    const segment = this.segment();
    const hasSib = i.sib >= 0;
    const low = hasSib ? i.sib & 7 : i.rm;
    const hasBase = !(i.mod === 0 && low === 5);
    const base = this.extended(low, 1);
    const scale = hasSib ? i.sib >> 6 : 0;
    const index = hasSib ? this.extended((i.sib >> 3) & 7, 2 as 4) : 4;
    const ripRelative = !hasBase && !hasSib && i.mode === 64;
    if (ripRelative) {
      used.address = true;
      return `${segment}[${i.addressSize === 64 ? "rip" : "eip"}+${this.hex(i.displacement)}]`;
    }
    // objdump shows an absent index where the encoding would otherwise read like a shorter one
    const noIndex = i.addressSize === 64 ? "riz" : "eiz";
    const needsIndex = hasSib && !hasBase && index === 4 && (i.mode !== 64 || i.addressSize === 32);
    if (hasSib && !hasBase && index === 4) used.address = true;
    const showsIndex = hasSib && (scale !== 0 || needsIndex || index !== 4 || (hasBase && low !== 4));
    if (!hasBase && !showsIndex) return `${segment || "ds:"}${this.hex(i.displacement)}`;
    let inside = hasBase ? this.addressName(base) : "";
    if (showsIndex) inside += `${hasBase ? "+" : ""}${index === 4 ? noIndex : this.addressName(index)}*${1 << scale}`;
    if (needsIndex && i.mode === 64) inside += `+0x${(i.displacement >>> 0).toString(16)}`;
    else if (i.mod !== 0 || low === 5) inside += offset(i.displacement);
    return `${segment}[${inside}]`;
  }

  /** A sign-extended 32-bit number as wide as the mode's addresses. */
  private hex(value: number): string {
    if (value >= 0 || this.i.mode !== 64) return `0x${(value >>> 0).toString(16)}`;
    return `0xffffffff${(value >>> 0).toString(16).padStart(8, "0")}`;
  }

  private direct(): string {
    const { i } = this;
    const segment = this.segment() || "ds:";
    if (i.addressSize === 64) return `${segment}0x${i.unsigned64(i.immediateAt).toString(16)}`;
    const mask = i.addressSize === 16 ? 0xffff : 0xffffffff;
    return `${segment}0x${((i.signed(i.immediateAt, i.addressSize >> 3) & mask) >>> 0).toString(16)}`;
  }

  private immediate(code: OperandCode): string {
    const { i } = this;
    const bytes = this.size(code);
    const at = this.immediateAt;
    this.immediateAt += bytes;
    if (bytes === 8) return `0x${i.unsigned64(at).toString(16)}`;
    const value = i.signed(at, bytes);
    const extends_ = code.type === "z" || i.entry?.sx === true;
    if (extends_) this.useOperandSize(true);
    const width = extends_ ? i.operandSize : bytes * 8;
    if (value >= 0 || width === 32) return `0x${(value >>> 0).toString(16)}`;
    if (width === 64) return `0xffffffff${(value >>> 0).toString(16).padStart(8, "0")}`;
    return `0x${(value & (width === 16 ? 0xffff : 0xff)).toString(16)}`;
  }

  private target(code: OperandCode): string {
    const { i } = this;
    const bytes = this.size(code);
    const relative = BigInt(i.signed(this.immediateAt, bytes));
    const next = this.address + BigInt(i.length);
    const target = BigInt.asUintN(i.mode === 64 ? 64 : 32, next + relative);
    // 16-bit branches wrap inside their 64 KiB, with 66 inside the first
    if (bytes !== 2) return `0x${target.toString(16)}`;
    return `0x${((i.data ? 0n : next & ~0xffffn) | (target & 0xffffn)).toString(16)}`;
  }

  private far(): string {
    const { i } = this;
    this.useOperandSize(true);
    const bytes = i.operandSize === 16 ? 2 : 4;
    const mask = bytes === 2 ? 0xffff : 0xffffffff;
    const offsetText = ((i.signed(i.immediateAt, bytes) & mask) >>> 0).toString(16);
    return `0x${(i.signed(i.immediateAt + bytes, 2) & 0xffff).toString(16)}:0x${offsetText}`;
  }
}

/** There DS means NOTRACK. */
export function isIndirectBranch(i: Instruction): boolean {
  const semantics = i.entry?.row.semantics;
  return semantics === "jmpTo" || semantics === "callTo";
}

function offset(value: number): string {
  return value < 0 ? `-0x${(-value).toString(16)}` : `+0x${value.toString(16)}`;
}
