/**
 * AML, the byte code of ACPI tables: one function a term, named as in ASL, so that a table reads as its ASL source would. ACPI Specification,
 * "ACPI Machine Language (AML) Specification".
 */

/** encoded terms */
export type Aml = readonly number[];
export type Value = number | string | Aml;

const OP = {
  ZERO: 0x00,
  ONE: 0x01,
  NAME: 0x08,
  BYTE: 0x0a,
  WORD: 0x0b,
  DWORD: 0x0c,
  STRING: 0x0d,
  SCOPE: 0x10,
  BUFFER: 0x11,
  PACKAGE: 0x12,
  METHOD: 0x14,
  DUAL_NAME: 0x2e,
  MULTI_NAME: 0x2f,
  EXTENDED: 0x5b,
  ARG0: 0x68,
  STORE: 0x70,
  IF: 0xa0,
  RETURN: 0xa4,
  DEVICE: 0x82,
} as const;

export function Scope(path: string, ...terms: Aml[]): Aml {
  return [OP.SCOPE, ...withLength([...nameString(path), ...terms.flat()])];
}

export function Device(path: string, ...terms: Aml[]): Aml {
  return [OP.EXTENDED, OP.DEVICE, ...withLength([...nameString(path), ...terms.flat()])];
}

/** `parameters` of them, not serialized */
export function Method(path: string, parameters: number, ...terms: Aml[]): Aml {
  return [OP.METHOD, ...withLength([...nameString(path), parameters, ...terms.flat()])];
}

export function Name(path: string, value: Value): Aml {
  return [OP.NAME, ...nameString(path), ...encoded(value)];
}

export function Package(...elements: Value[]): Aml {
  return [OP.PACKAGE, ...withLength([elements.length, ...elements.flatMap(encoded)])];
}

export function Buffer(bytes: Aml): Aml {
  return [OP.BUFFER, ...withLength([...encoded(bytes.length), ...bytes])];
}

export function If(predicate: Aml, ...terms: Aml[]): Aml {
  return [OP.IF, ...withLength([...predicate, ...terms.flat()])];
}

export function Return(value: Value): Aml {
  return [OP.RETURN, ...encoded(value)];
}

export function Store(value: Value, target: Aml): Aml {
  return [OP.STORE, ...encoded(value), ...target];
}

export const Arg0: Aml = [OP.ARG0];

/** Reference to a named object. */
export function nameString(path: string): Aml {
  const [, prefix, rest] = /^([\\^]*)(.*)$/.exec(path) ?? [];
  const segments = rest === "" ? [] : rest.split(".");
  const bad = segments.find((s) => !/^[A-Z_][A-Z_0-9]{0,3}$/.test(s));
  if (bad !== undefined) throw new RangeError(`"${bad}" is no ACPI name`);
  const count =
    segments.length === 0 ? [0] : segments.length === 1 ? [] : segments.length === 2 ? [OP.DUAL_NAME] : [OP.MULTI_NAME, segments.length];
  return [...ascii(prefix), ...count, ...segments.flatMap((s) => ascii(s.padEnd(4, "_")))];
}

/** Seven characters, "PNP0A03", in 32 bits: three letters of 5 bits, then the hexadecimal digits, the highest byte first. */
export function EisaId(id: string): number {
  const letters = [...id.slice(0, 3)].reduce((bits, c) => (bits << 5) | (c.charCodeAt(0) - 0x40), 0);
  const digits = Number.parseInt(id.slice(3), 16);
  const bytes = [letters >> 8, letters & 0xff, digits >> 8, digits & 0xff];
  return bytes.reduceRight((value, byte) => value * 256 + byte, 0);
}

function encoded(value: Value): Aml {
  if (typeof value === "number") return integer(value);
  if (typeof value === "string") return [OP.STRING, ...ascii(value), 0];
  return value;
}

/** in the fewest bytes */
function integer(value: number): Aml {
  if (value === 0) return [OP.ZERO];
  if (value === 1) return [OP.ONE];
  if (value < 2 ** 8) return [OP.BYTE, value];
  if (value < 2 ** 16) return [OP.WORD, ...littleEndian(value, 2)];
  return [OP.DWORD, ...littleEndian(value, 4)];
}

/** PkgLength, which counts itself: 6 bits in one byte, or 4 bits and up to three bytes more. */
function withLength(contents: Aml): Aml {
  if (contents.length + 1 < 2 ** 6) return [contents.length + 1, ...contents];
  const more = [1, 2, 3].find((n) => contents.length + 1 + n < 2 ** (4 + 8 * n));
  if (more === undefined) throw new RangeError(`an AML package of ${contents.length} bytes is too long`);
  const length = contents.length + 1 + more;
  return [(more << 6) | (length & 15), ...littleEndian(length >>> 4, more), ...contents];
}

export function littleEndian(value: number, bytes: number): Aml {
  return Array.from({ length: bytes }, (_, i) => Math.floor(value / 2 ** (8 * i)) & 0xff);
}

function ascii(text: string): Aml {
  return [...text].map((c) => c.charCodeAt(0));
}
