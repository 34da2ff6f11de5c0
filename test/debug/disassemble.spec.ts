/** The disassembler against objdump's recorded answers, and where it goes its own way. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { disassemble, type Mode } from "../../src/debug/disassemble.ts";
import { compare, FIXTURES, type Line, normalise, ours } from "./objdump.ts";

interface Recorded extends Line {
  readonly mode: Mode;
}

function read(name: string): Recorded[] {
  const lines = readFileSync(FIXTURES + name, "utf8").split("\n");
  return lines
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [mode, address, bytes, text] = line.split("\t");
      return { mode: Number(mode) as Mode, address: BigInt(`0x${address}`), bytes: Buffer.from(bytes, "hex"), text: normalise(text) };
    });
}

/** Rows that objdump names otherwise. */
const KNOWN = new Set([
  // aliases that it does not know
  ..."D6,D9 D8+i,DC D0+i,DC D8+i,DD C8+i,DE D0+i,DF C8+i,DF D0+i,DF D8+i".split(","),
  // it adds which coprocessor had them
  ..."DB E0,DB E1,DB E4".split(","),
  // MPX, whose encodings are NOPs without it
  ..."0F 1A /r,0F 1B /r".split(","),
  // F3 41 90, which it calls PAUSE, is XCHG on silicon
  "90+r",
]);
const isKnown = (line: Recorded) => KNOWN.has(disassemble(line.bytes, 0, line).row?.bytes ?? "");

describe("the disassembler agrees with objdump", () => {
  test.each(["rows.txt", "program.txt"])("on %s", (name) => {
    const different = read(name).filter((line) => compare(line, line.mode) === "different" && !isKnown(line));
    expect(different.map((line) => `${Buffer.from(line.bytes).toString("hex")}: ${ours(line, line.mode)}, objdump: ${line.text}`)).toEqual(
      [],
    );
  });
});

describe("the disassembler", () => {
  const text = (hex: string, mode: Mode = 64) => disassemble(Buffer.from(hex, "hex"), 0, { mode, address: 0x1000n }).text;

  test("marks undecodable bytes", () => {
    expect(disassemble(Buffer.from("06", "hex"), 0, { mode: 64, address: 0n })).toEqual({ length: 1, text: "(bad)" });
  });

  test("never reads past the end", () => {
    expect(text("48b8112233")).toBe("(bad)");
    expect(text("0f")).toBe("(bad)");
    expect(text("66")).toBe("(bad)");
    expect(text("")).toBe("(bad)");
  });

  test("refuses more than 15 bytes", () => {
    expect(text(`${"2e".repeat(14)}90`)).toMatch(/nop$/);
    expect(text(`${"2e".repeat(15)}90`)).toBe("(bad)");
  });

  test("refuses VEX behind 66, F2, F3, LOCK or REX", () => {
    expect(text("c4e278f2c1")).toBe("andn   eax,eax,ecx");
    for (const prefix of ["66", "f2", "f3", "f0", "48"]) expect(text(`${prefix}c4e278f2c1`)).toBe("(bad)");
  });

  test("knows the modes apart", () => {
    expect(text("4889c8")).toBe("mov    rax,rcx");
    expect(text("4889c8", 32)).toBe("dec    eax");
    expect(text("6689c8", 16)).toBe("mov    eax,ecx");
    expect(text("8b4602", 16)).toBe("mov    ax,WORD PTR [bp+0x2]");
  });
});
