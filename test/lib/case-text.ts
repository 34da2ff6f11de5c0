/** A case as one word for a command line: the row's bytes, a colon, and the record deflated in base64url. */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { Row } from "../../src/spec/isa/row.ts";
import { AT, FX_BYTES, HAS_FX } from "./layout.ts";

export const caseText = (row: Row, record: Uint8Array): string =>
  `${row.bytes.replaceAll(" ", "_")}:${deflateRawSync(record, { level: 9 }).toString("base64url")}`;

export function parseCase(text: string, isa: readonly Row[]): { row: Row; record: Uint8Array } {
  const colon = text.lastIndexOf(":");
  const bytes = text.slice(0, colon).replaceAll("_", " ");
  const row = isa.find((r) => r.bytes === bytes);
  if (row === undefined) throw new Error(`no row with the bytes "${bytes}"`);
  return { row, record: new Uint8Array(inflateRawSync(Buffer.from(text.slice(colon + 1), "base64url"))) };
}

/** The instruction bytes of a case: they are its last window. */
export function codeOf(record: Uint8Array): Uint8Array {
  const v = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const last = v.getUint32(AT.windowCount, true) - 1;
  let at: number = (v.getUint32(AT.flags, true) & HAS_FX) === 0 ? AT.fx : AT.fx + FX_BYTES;
  for (let i = 0; i < last; i++) at += v.getUint32(AT.windows + 8 * i + 4, true);
  return record.subarray(at, at + v.getUint32(AT.windows + 8 * last + 4, true));
}
