/** `x/FMT ADDR` and `xp/FMT ADDR`: memory as numbers, characters or instructions. FMT is a count, a format and a size, as gdb has it. */
import { disassemble, type Mode } from "../disassemble.ts";

export interface DumpFormat {
  readonly count: number;
  readonly format: "x" | "d" | "u" | "o" | "c" | "i" | "s";
  readonly size: 1 | 2 | 4 | 8;
}

export const DEFAULT_FORMAT: DumpFormat = { count: 1, format: "x", size: 4 };
const SIZES = { b: 1, h: 2, w: 4, g: 8 } as const;
const MAX_COUNT = 4096;
const MAX_STRING = 256;
const MAX_INSTRUCTION = 15;

/** "10i", "4xg"; undefined if it is nothing like that. */
export function parseFormat(text: string, before = DEFAULT_FORMAT): DumpFormat | undefined {
  const match = /^(\d*)([a-z]*)$/.exec(text);
  if (match === null) return undefined;
  let { format, size } = before;
  for (const letter of match[2])
    if (letter in SIZES) size = SIZES[letter as keyof typeof SIZES];
    else if ("xduocis".includes(letter)) format = letter as DumpFormat["format"];
    else return undefined;
  return { count: match[1] === "" ? 1 : Math.min(Number(match[1]), MAX_COUNT), format, size };
}

/** Reads `length` bytes, or throws a RangeError. */
export type ReadMemory = (address: bigint, length: number) => Uint8Array;

export function dump(read: ReadMemory, address: bigint, { count, format, size }: DumpFormat, mode: Mode): string {
  if (format === "i") return instructions(read, address, count, mode);
  if (format === "s") return strings(read, address, count);
  const perLine = format === "c" ? 8 : Math.max(1, 16 / size);
  const lines: string[] = [];
  for (let done = 0; done < count; done += perLine) {
    const at = address + BigInt(done * size);
    const bytes = read(at, Math.min(perLine, count - done) * size);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const values = Array.from({ length: bytes.length / size }, (_, i) => number(valueAt(view, i * size, size), format, size));
    lines.push(`${label(at)} ${values.join(" ")}`);
  }
  return lines.join("\n");
}

function valueAt(view: DataView, at: number, size: number): bigint {
  if (size === 8) return view.getBigUint64(at, true);
  return BigInt(size === 1 ? view.getUint8(at) : size === 2 ? view.getUint16(at, true) : view.getUint32(at, true));
}

function number(value: bigint, format: DumpFormat["format"], size: number): string {
  if (format === "d") return BigInt.asIntN(size * 8, value).toString();
  if (format === "u") return value.toString();
  if (format === "o") return `0${value.toString(8)}`;
  if (format === "c")
    return value >= 0x20n && value < 0x7fn ? `'${String.fromCharCode(Number(value))}'` : `'\\x${value.toString(16).padStart(2, "0")}'`;
  return `0x${value.toString(16).padStart(size * 2, "0")}`;
}

function instructions(read: ReadMemory, start: bigint, count: number, mode: Mode): string {
  const lines: string[] = [];
  for (let at = start; lines.length < count; ) {
    const { length, text } = disassemble(readable(read, at, MAX_INSTRUCTION), 0, { mode, address: at });
    lines.push(`${label(at)} ${text}`);
    at += BigInt(length);
  }
  return lines.join("\n");
}

function strings(read: ReadMemory, start: bigint, count: number): string {
  const lines: string[] = [];
  for (let at = start; lines.length < count; ) {
    const bytes = readable(read, at, MAX_STRING);
    const end = bytes.indexOf(0);
    const text = bytes.subarray(0, end < 0 ? bytes.length : end);
    lines.push(`${label(at)} ${JSON.stringify(String.fromCharCode(...text))}`);
    at += BigInt(text.length + 1);
  }
  return lines.join("\n");
}

/** As many of the bytes as are there; the page behind them may be missing. */
function readable(read: ReadMemory, at: bigint, length: number): Uint8Array {
  const toPageEnd = 4096 - Number(at & 0xfffn);
  try {
    return read(at, length);
  } catch (error) {
    if (!(error instanceof RangeError) || toPageEnd >= length) throw error;
    return read(at, toPageEnd);
  }
}

function label(address: bigint): string {
  return `${address.toString(16).padStart(16, "0")}:`;
}
