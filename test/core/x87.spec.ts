/**
 * What one x87 instruction leaves for the next: pointers and opcode, tags, pending exceptions, MMX. Programs recorded on a real CPU run
 * here in 32-bit protected mode without paging. Then when the FPU is not there, and the environment of real mode: SDM Vol. 1 8.1.10,
 * Vol. 2 "WAIT/FWAIT".
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Core, type Vcpu } from "../../src/core/core.ts";
import { OPTION, VECTOR } from "../../src/spec/events.ts";
import { CR0 } from "../../src/spec/registers.ts";

interface Program {
  readonly name: string;
  readonly code: string;
  readonly vector: number;
  readonly at: number;
  readonly environment: string;
}

const { recorded, programs } = JSON.parse(readFileSync("test/fixtures/x87/sequences.json", "utf8")) as {
  recorded: string;
  programs: readonly Program[];
};

const CODE = 0x1_0000;
const DATA = 0x2_0000;
const ENVIRONMENT = DATA + 0x100;
/** the selector that the recording process had */
const CS = 0x33;
const FLAT = { base: 0, limit: 0xffff_ffff, rights: 0xc0 };
const PROTECTED = CR0.PE | CR0.NE | CR0.MP | CR0.ET;
const SEGMENTS = ["cs", "ds", "es", "ss"];

const module = new WebAssembly.Module(readFileSync("build/core.wasm"));

describe(`x87 programs, ${recorded}`, () => {
  test.each(programs)("$name", ({ code, vector, at, environment }) => {
    const { core, vcpu } = machine(code);
    vcpu.run(100n);
    expect(vcpu.getNumber("vector")).toBe(vector);
    expect(vcpu.get("rip")).toBe(BigInt(CODE + at));
    expect(fields(core, 4, 7)).toBe(environment);
  });
});

describe("no FPU", () => {
  const FLD1 = "d9e8";
  const FNSTSW = "dfe0";
  const FWAIT = "9b";
  const EMMS = "0f77";
  const { EM, MP, TS } = CR0;
  test.each([
    [0, FLD1, VECTOR.UD],
    [EM, FLD1, VECTOR.NM],
    [TS, FLD1, VECTOR.NM],
    [TS, FNSTSW, VECTOR.NM],
    [EM, FNSTSW, VECTOR.NM],
    [MP, FWAIT, VECTOR.UD],
    [TS, FWAIT, VECTOR.UD],
    [EM, FWAIT, VECTOR.UD],
    [MP | TS, FWAIT, VECTOR.NM],
    [EM | MP | TS, FWAIT, VECTOR.NM],
    [MP, EMMS, VECTOR.UD],
    [TS, EMMS, VECTOR.NM],
  ])("CR0 bits %i, %s", (bits, code, vector) => {
    const { vcpu } = machine(`${code}0f0b`);
    vcpu.set("cr0", BigInt((PROTECTED & ~MP) | bits));
    vcpu.refresh();
    vcpu.run(100n);
    expect(vcpu.getNumber("vector")).toBe(vector);
    const isUd2 = vector === VECTOR.UD;
    expect(vcpu.get("rip")).toBe(BigInt(CODE + (isUd2 ? code.length / 2 : 0)));
  });
});

test("the 16-bit environment of real mode has linear pointers", () => {
  const { core, vcpu } = machine("dbe3 dd07 d935 0f0b".replaceAll(" ", ""));
  vcpu.setNumber("mode", 0);
  vcpu.set("cr0", BigInt(CR0.NE | CR0.ET));
  for (const name of SEGMENTS) segment(vcpu, name, { base: name === "cs" ? CODE : DATA, limit: 0xffff, rights: 0 });
  vcpu.setNumber("cs", CODE >> 4);
  vcpu.setNumber("ds", DATA >> 4);
  vcpu.set("rip", 0n);
  vcpu.set("rbx", 0n);
  vcpu.set("rdi", BigInt(ENVIRONMENT - DATA));
  vcpu.refresh();
  vcpu.run(100n);
  // FCW, FSW, FTW; FIP 0x10002 with FOP 507; FDP 0x20000
  expect(fields(core, 2, 7)).toBe("37f 3800 3fff 2 1507 0 2000");
});

function machine(code: string): { core: Core; vcpu: Vcpu } {
  const core = new Core(module, 1);
  const bytes = Buffer.from(code, "hex");
  const data = new DataView(core.ram.buffer, core.ram.byteOffset + DATA);
  core.ram.set(bytes, CODE);
  data.setFloat64(0, 1.5, true);
  data.setUint16(16, 0x340, true);
  data.setUint32(20, 0x7f81_2345, true);
  data.setUint16(24, 0x37f, true);
  data.setUint32(28, 1, true);
  const vcpu = core.vcpu(0);
  vcpu.set("cr0", BigInt(PROTECTED));
  vcpu.setNumber("mode", 1);
  vcpu.setNumber("options", OPTION.HOST_EXCEPTIONS);
  for (const name of SEGMENTS) segment(vcpu, name, FLAT);
  vcpu.setNumber("csRights", 0xc09b);
  vcpu.setNumber("cs", CS);
  vcpu.set("stackMask", 0xffff_ffffn);
  vcpu.rflags = 2;
  vcpu.set("rip", BigInt(CODE));
  vcpu.set("rbx", BigInt(DATA));
  vcpu.set("rdi", BigInt(ENVIRONMENT));
  vcpu.refresh();
  return { core, vcpu };
}

function segment(vcpu: Vcpu, name: string, { base, limit, rights }: typeof FLAT): void {
  vcpu.set(`${name}Base`, BigInt(base));
  vcpu.setNumber(`${name}Limit`, limit);
  vcpu.setNumber(`${name}Rights`, (rights << 8) | 0x93);
}

/** The stored environment; pointers count from the start of code and data, as in the fixture. */
function fields(core: Core, bytes: number, count: number): string {
  const view = new DataView(core.ram.buffer, core.ram.byteOffset + ENVIRONMENT);
  const list = Array.from({ length: count }, (_, i) => (bytes === 4 ? view.getUint32(4 * i, true) : view.getUint16(2 * i, true)));
  if (bytes === 4 && list[3] !== 0) list[3] -= CODE;
  if (bytes === 4 && list[5] !== 0) list[5] -= DATA;
  return list.map((v) => v.toString(16)).join(" ");
}
