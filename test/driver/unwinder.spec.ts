/**
 * Call frame information by itself: each row is a function's CFA program, made by hand from DWARF 4 "Call Frame Instructions" and "DWARF
 * Expressions", and what its caller's RBX must be by it. Backtraces show it; nothing has to be thrown.
 */
import { describe, expect, it } from "vitest";
import { PAGE_SIZE } from "../../src/vmm/constants.ts";
import { Modules, RUNTIME } from "../lib/modules.ts";

const FRAMES = "test/fixtures/modules/frames.so";
const [RBX, RSP, R12, RIP] = [3, 7, 12, 16];
/** what the function has in RBX and R12, and has pushed */
const [IN_RBX, IN_R12, FIRST, SECOND] = [0x1122_3344n, 0x5566_7788n, 0x1234n, 0x56n];

/**
 *     push FIRST; push SECOND; push rbx; push r12; mov ebx,IN_RBX; mov r12d,IN_R12; call [rip+…]; pop r12; pop rbx; add rsp,16; ret
 *     stack: CFA-8 return address · -16 FIRST · -24 SECOND · -32 RBX · -40 R12
 */
const CODE = "6834120000 6A56 53 4154 BB44332211 41BC88776655 FF1500000000 415C 5B 4883C410 C3";
const CALL_END = 27;
const DEPTH = 40;

/** in every program before its own part: CFA = RSP+40, return address at CFA-8 */
const STANDARD = [0x0c, RSP, DEPTH, 0x80 | RIP, 1];
const SAVED_RBX = 0n;

const uleb = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...uleb(value >>> 7)]);
const sleb = (value: number): number[] => (value >= -64 && value < 64 ? [value & 127] : [(value & 127) | 128, ...sleb(value >> 7)]);
const little = (value: bigint, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, i) => Number((BigInt.asUintN(64, value) >> BigInt(8 * i)) & 0xffn));
/** RBX is the value of an expression, whose stack starts with the CFA */
const computed = (...expression: readonly number[]): number[] => [...STANDARD, 0x16, RBX, ...uleb(expression.length), ...expression];

interface Tables {
  readonly program: readonly number[];
  readonly augmentation?: string;
  readonly augmentationData?: readonly number[];
  readonly version?: number;
  /** of the FDE's addresses */
  readonly encoding?: number;
}

interface Frame {
  readonly rip: bigint;
  readonly cfa: bigint;
  readonly registers: readonly bigint[];
}

/** Runs the function with this information about it; the frames from it upwards. */
function backtrace({ program, augmentation = "", augmentationData = [], version = 1, encoding = 0 }: Tables): {
  f: Frame;
  caller: Frame | undefined;
  code: bigint;
} {
  const modules = new Modules([RUNTIME, FRAMES]);
  const { host } = modules;
  expect(modules.init()).toBe(0n);
  const code = host.code(`${CODE}`);
  const target = code + 64n;
  host.memory.writeU64(target, modules.loader.resolve("capture"));
  host.memory.write(code + BigInt(CALL_END - 4), Uint8Array.from(little(target - code - BigInt(CALL_END), 4)));
  const table = host.allocate(PAGE_SIZE);
  const cie = [...little(0n, 4), version, ...new TextEncoder().encode(`${augmentation}\0`), 1, ...sleb(-8), RIP];
  if (augmentation.startsWith("z")) cie.push(...uleb(augmentationData.length), ...augmentationData);
  while (cie.length % 8 !== 4) cie.push(0);
  const fde = [...little(BigInt(cie.length + 8), 4)];
  const width = (encoding & 15) === 0 ? 8 : 4;
  // the address field's own place
  const at = table + BigInt(4 + cie.length + 8);
  fde.push(...little((encoding & 0x70) === 0x10 ? code - at : code, width), ...little(64n, width));
  if (augmentation.startsWith("z")) fde.push(0);
  fde.push(...program);
  while (fde.length % 8 !== 4) fde.push(0);
  const bytes = [...little(BigInt(cie.length), 4), ...cie, ...little(BigInt(fde.length), 4), ...fde];
  host.memory.write(table, Uint8Array.from(bytes));
  expect(modules.enter("register_eh_frame", table, BigInt(bytes.length))).toBe(0n);
  const entry = modules.loader.resolve("execute_entry");
  const stack = (host.allocate(0x10000n) + 0xffffn) & ~0x7fffn;
  const count = Number(host.executor.call(entry, [stack - 1n, code]));
  const frames = modules.loader.resolve("frames");
  const all = Array.from({ length: count }, (_, i) => {
    const u64 = (n: number) => host.memory.readU64(frames + BigInt(i * 144 + n * 8));
    return { rip: u64(0), cfa: u64(1), registers: Array.from({ length: 16 }, (_, n) => u64(2 + n)) };
  });
  expect(all[1].rip).toBe(code + BigInt(CALL_END));
  return { f: all[1], caller: all[2], code };
}

const rbxOf = (tables: Tables): bigint | undefined => backtrace(tables).caller?.registers[RBX];

describe("UNW-3 call frame instructions", () => {
  const rows: readonly (readonly [string, readonly number[], bigint])[] = [
    ["nothing said: the register is the same", STANDARD, IN_RBX],
    ["offset", [...STANDARD, 0x80 | RBX, 4], SAVED_RBX],
    ["offset of something else", [...STANDARD, 0x80 | RBX, 2], FIRST],
    ["offset_extended", [...STANDARD, 0x05, RBX, 3], SECOND],
    ["offset_extended_sf", [...STANDARD, 0x11, RBX, 2], FIRST],
    ["restore", [...STANDARD, 0x80 | RBX, 2, 0xc0 | RBX], IN_RBX],
    ["restore_extended", [...STANDARD, 0x80 | RBX, 2, 0x06, RBX], IN_RBX],
    ["undefined", [...STANDARD, 0x80 | RBX, 2, 0x07, RBX], IN_RBX],
    ["same_value", [...STANDARD, 0x80 | RBX, 2, 0x08, RBX], IN_RBX],
    ["register", [...STANDARD, 0x09, RBX, R12], IN_R12],
    ["remember_state, restore_state", [...STANDARD, 0x80 | RBX, 2, 0x0a, 0x80 | RBX, 3, 0x0e, 99, 0x0b], FIRST],
    ["nested remember_state", [...STANDARD, 0x0a, 0x80 | RBX, 2, 0x0a, 0x80 | RBX, 3, 0x0b, 0x0b], IN_RBX],
    ["def_cfa_register, def_cfa_offset", [0x0c, RBX, 1, 0x0d, RSP, 0x0e, DEPTH, 0x80 | RIP, 1, 0x80 | RBX, 2], FIRST],
    ["def_cfa_sf", [0x12, RSP, ...sleb(-DEPTH / 8), 0x80 | RIP, 1, 0x80 | RBX, 2], FIRST],
    ["def_cfa_offset_sf", [0x0c, RSP, 0, 0x13, ...sleb(-DEPTH / 8), 0x80 | RIP, 1, 0x80 | RBX, 2], FIRST],
    ["def_cfa_expression", [0x0f, 2, 0x70 | RSP, DEPTH, 0x80 | RIP, 1, 0x80 | RBX, 2], FIRST],
    // CFA-24 is where SECOND stands
    ["expression", [...STANDARD, 0x10, RBX, 2, 0x48, 0x1c], SECOND],
    ["val_expression", computed(0x13, 0x3a), 10n],
    ["GNU_args_size", [...STANDARD, 0x2e, 16, 0x80 | RBX, 2], FIRST],
    // a CFA 40 lower: what is above it has positive offsets
    ["GNU_negative_offset_extended", [0x0c, RSP, 0, 0x15, RSP, ...sleb(-5), 0x11, RIP, ...sleb(-4), 0x2f, RBX, 3], FIRST],
    ["nop", [0, 0, ...STANDARD, 0, 0x80 | RBX, 2, 0], FIRST],
    ["advance_loc up to the address", [...STANDARD, 0x40 | 26, 0x80 | RBX, 2], FIRST],
    ["advance_loc behind the address", [...STANDARD, 0x40 | 27, 0x80 | RBX, 2], IN_RBX],
    ["advance_loc1", [...STANDARD, 0x02, 26, 0x80 | RBX, 2, 0x02, 1, 0x80 | RBX, 3], FIRST],
    ["advance_loc2", [...STANDARD, 0x03, 26, 0, 0x80 | RBX, 2, 0x03, 1, 0, 0x80 | RBX, 3], FIRST],
    ["advance_loc4", [...STANDARD, 0x04, 26, 0, 0, 0, 0x80 | RBX, 2, 0x04, 1, 0, 0, 0, 0x80 | RBX, 3], FIRST],
  ];
  it.each(rows)("UNW-1 UNW-3 %s", (_, program, rbx) => {
    const { f, caller } = backtrace({ program });
    expect(caller?.registers[RBX]).toBe(rbx);
    // whatever was said of RBX, the caller's RSP is right above the return address
    expect(caller?.registers[RSP]).toBe(f.registers[RSP] + BigInt(DEPTH));
    expect(caller?.rip).not.toBe(0n);
  });

  it("UNW-3 val_offset, val_offset_sf: RBX is an address relative to the CFA", () => {
    for (const program of [
      [...STANDARD, 0x14, RBX, 2],
      [...STANDARD, 0x15, RBX, 2],
    ]) {
      const { f, caller } = backtrace({ program });
      expect(caller?.registers[RBX]).toBe(f.registers[RSP] + BigInt(DEPTH) - 16n);
      expect(f.cfa).toBe(f.registers[RSP] + BigInt(DEPTH));
    }
  });

  it("UNW-3 set_loc", () => {
    // only rows of addresses that are not behind the function's own hold
    const { code } = backtrace({ program: STANDARD });
    expect(rbxOf({ program: [...STANDARD, 0x01, ...little(code + 26n, 8), 0x80 | RBX, 2] })).toBe(FIRST);
    expect(rbxOf({ program: [...STANDARD, 0x01, ...little(code + 27n, 8), 0x80 | RBX, 2] })).toBe(IN_RBX);
  });

  it("UNW-2 UNW-3 an undefined return address ends the stack", () => {
    expect(backtrace({ program: [...STANDARD, 0x07, RIP] }).caller).toBeUndefined();
  });
});

describe("UNW-3 expressions", () => {
  const at = (op: number, bytes: readonly number[]) => [op, ...bytes];
  const rows: readonly (readonly [string, readonly number[], bigint])[] = [
    ["lit0, lit31", [0x30, 0x4f, 0x22], 31n],
    ["addr", at(0x03, little(0x0123_4567_89ab_cdefn, 8)), 0x0123_4567_89ab_cdefn],
    ["const1u", [0x08, 0xff], 255n],
    ["const1s", [0x09, 0xff], -1n],
    ["const2u", [0x0a, 0xff, 0xff], 65535n],
    ["const2s", [0x0b, 0xfe, 0xff], -2n],
    ["const4u", at(0x0c, little(0xffff_ffffn, 4)), 0xffff_ffffn],
    ["const4s", at(0x0d, little(-3n, 4)), -3n],
    ["const8u", at(0x0e, little(1n << 63n, 8)), -(1n << 63n)],
    ["const8s", at(0x0f, little(-5n, 8)), -5n],
    ["constu", at(0x10, uleb(300)), 300n],
    ["consts", at(0x11, sleb(-300)), -300n],
    ["breg12", at(0x70 | R12, sleb(-8)), IN_R12 - 8n],
    ["bregx", [0x92, RBX, ...sleb(100)], IN_RBX + 100n],
    ["the CFA is there at first: CFA - breg7", [0x77, 0, 0x1c], BigInt(DEPTH)],
    ["deref", [0x40, 0x1c, 0x06], FIRST],
    ["deref_size 1", [0x40, 0x1c, 0x94, 1], FIRST & 0xffn],
    ["deref_size 2", [0x40, 0x1c, 0x94, 2], FIRST],
    ["deref_size 4", [0x48, 0x1c, 0x94, 4], SECOND],
    ["deref_size 8", [0x48, 0x1c, 0x94, 8], SECOND],
    ["dup", [0x33, 0x12, 0x22], 6n],
    ["drop", [0x33, 0x34, 0x13], 3n],
    ["over", [0x33, 0x34, 0x14, 0x1e, 0x22], 15n],
    ["pick", [0x33, 0x34, 0x35, 0x15, 2], 3n],
    ["swap", [0x33, 0x35, 0x16, 0x1c], 2n],
    // 1 2 3 becomes 3 1 2: 1 - 2 - … is -1, 3 * 10 + -1
    ["rot", [0x31, 0x32, 0x33, 0x17, 0x1c, 0x16, 0x3a, 0x1e, 0x22], 29n],
    ["abs", [0x09, 0xf9, 0x19], 7n],
    ["and", [0x3c, 0x3a, 0x1a], 8n],
    ["div is signed", [0x09, 0xf9, 0x32, 0x1b], -3n],
    ["minus", [0x33, 0x35, 0x1c], -2n],
    ["mod", [0x37, 0x34, 0x1d], 3n],
    ["mul", [0x37, 0x34, 0x1e], 28n],
    ["neg", [0x37, 0x1f], -7n],
    ["not", [0x37, 0x20], -8n],
    ["or", [0x3c, 0x33, 0x21], 15n],
    ["plus", [0x3c, 0x33, 0x22], 15n],
    ["plus_uconst", [0x3c, 0x23, ...uleb(200)], 212n],
    ["shl", [0x33, 0x34, 0x24], 48n],
    ["shr", [0x09, 0xff, 0x08, 60, 0x25], 15n],
    ["shra", [0x09, 0xf0, 0x32, 0x26], -4n],
    ["xor", [0x3c, 0x3a, 0x27], 6n],
    ["bra, taken", [0x39, 0x31, 0x28, 1, 0, 0x3a], 9n],
    ["bra, not taken", [0x39, 0x30, 0x28, 1, 0, 0x3a], 10n],
    ["skip, backwards too", [0x2f, 4, 0, 0x37, 0x2f, 3, 0, 0x2f, 0xf9, 0xff, 0x96], 7n],
    ["eq", [0x33, 0x33, 0x29], 1n],
    ["ge is signed", [0x09, 0xff, 0x30, 0x2a], 0n],
    ["gt", [0x34, 0x33, 0x2b], 1n],
    ["le", [0x34, 0x33, 0x2c], 0n],
    ["lt is signed", [0x09, 0xff, 0x30, 0x2d], 1n],
    ["ne", [0x34, 0x33, 0x2e], 1n],
    ["nop", [0x96, 0x31, 0x96], 1n],
  ];
  it.each(rows)("UNW-3 %s", (_, expression, value) => {
    expect(rbxOf({ program: computed(...expression) })).toBe(BigInt.asUintN(64, value));
  });
});

describe("UNW-1 UNW-3 tables", () => {
  it("UNW-1 an FDE covers [begin, end) and no more", () => {
    // without a table for it, the function is the last frame
    const modules = new Modules([RUNTIME, FRAMES]);
    const code = modules.host.code(CODE);
    modules.host.memory.writeU64(code + 64n, modules.loader.resolve("capture"));
    modules.host.memory.write(code + BigInt(CALL_END - 4), Uint8Array.from(little(64n - BigInt(CALL_END), 4)));
    expect(modules.init()).toBe(0n);
    expect(modules.host.executor.call(code)).toBe(1n);
  });

  it("UNW-3 addresses relative to their own place, of 4 bytes, as compilers write them", () => {
    expect(rbxOf({ program: [...STANDARD, 0x80 | RBX, 2], augmentation: "zR", augmentationData: [0x1b], encoding: 0x1b })).toBe(FIRST);
  });

  it("UNW-1 version 3, augmentations R and S", () => {
    expect(rbxOf({ program: [...STANDARD, 0x80 | RBX, 2], version: 3 })).toBe(FIRST);
    // in a frame that was interrupted, the address itself counts: 27
    const program = [...STANDARD, 0x40 | 27, 0x80 | RBX, 2];
    expect(rbxOf({ program, augmentation: "zRS", augmentationData: [0], encoding: 0 })).toBe(FIRST);
    expect(rbxOf({ program, augmentation: "zR", augmentationData: [0], encoding: 0 })).toBe(IN_RBX);
  });

  const bad: readonly (readonly [string, Tables, RegExp])[] = [
    ["an unknown instruction", { program: [...STANDARD, 0x3f] }, /^unwinder: unknown call frame instruction/],
    ["restore_state alone", { program: [...STANDARD, 0x0b] }, /restore_state without remember_state/],
    ["too many remember_state", { program: [...STANDARD, ...Array.from({ length: 9 }, () => 0x0a)] }, /too many remembered states/],
    ["an unknown register", { program: [0x0c, 40, 8] }, /call frame information of an unknown register/],
    ["an unknown operation", { program: computed(0xe0) }, /DWARF expression with an unknown operation/],
    ["an empty stack", { program: computed(0x13, 0x22) }, /the stack of a DWARF expression is empty/],
    ["a full stack", { program: computed(0x31, 0x2f, 0xfc, 0xff) }, /the stack of a DWARF expression is full/],
    ["a division by zero", { program: computed(0x31, 0x30, 0x1b) }, /division by zero in a DWARF expression/],
    ["deref_size 3", { program: computed(0x94, 3) }, /reads an odd size/],
    ["a CIE of version 9", { program: STANDARD, version: 9 }, /CIE of an unknown version/],
    ["an unknown augmentation", { program: STANDARD, augmentation: "x" }, /CIE with an unknown augmentation/],
    ["addresses relative to text", { program: STANDARD, augmentation: "zR", augmentationData: [0x20], encoding: 0x20 }, /relative to text/],
    [
      "addresses relative to data",
      { program: STANDARD, augmentation: "zR", augmentationData: [0x30], encoding: 0x30 },
      /relative to text, data/,
    ],
    ["addresses relative to functions", { program: STANDARD, augmentation: "zR", augmentationData: [0x40], encoding: 0x40 }, /or function/],
    ["aligned addresses", { program: STANDARD, augmentation: "zR", augmentationData: [0x50], encoding: 0x50 }, /or aligned/],
    [
      "addresses of an unknown form",
      { program: STANDARD, augmentation: "zR", augmentationData: [0x05], encoding: 0 },
      /of an unknown form/,
    ],
  ];
  it.each(bad)("UNW-3 %s: the module is aborted with a message", (_, tables, message) => {
    expect(() => backtrace(tables)).toThrow(message);
  });
});
