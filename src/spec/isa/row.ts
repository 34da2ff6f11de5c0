/**
 * The instruction row: one line of a table in this folder, and its parser.
 *
 *     bytes · mnemonic · operands · semantics · flags written/undefined · feature · attributes
 *
 * Columns are separated by two or more spaces, `-` is an empty column. Bytes follow the manual ("Instruction Column in the Opcode
 * Summary Table"), operands follow its "Codes for Addressing Method" and "Codes for Operand Type".
 *
 *     bytes       [NP|NFx|66|F3|F2] [W0|W1] [o16|o32|o64] [a16|a32|a64] opcode… [/r | /0…/7] [mem|reg]
 *                 NP: none of 66, F3, F2; NFx: neither F3 nor F2; no word: prefixes do not matter for the choice of the row.
 *                 Of F3 and F2 the last counts, and either beats 66. A row that names the prefix beats NFx, NFx beats no word;
 *                 a row with a fixed ModRM byte beats one with `/0…/7`, that one `/r`; a plain opcode byte beats `+r`
 *                 `50+r` the low three bits name a register, `70+cc` the low four a condition;
 *                 a byte behind a complete opcode is a fixed ModRM byte (`0F 01 D0`, `D9 E8`, `D8 C0+i`);
 *                 VEX rows start with `VEX.L0.66.0F38.W1` (LIG and WIG where the bit is ignored)
 *     operands    see src/spec/operands.ts
 *     semantics   a function of assembly/semantics, with explicit type arguments where it takes any: `movzx<u8>`
 *     flags       letters of o s z a p c, after the slash those left undefined: `oc/szap`
 *     attributes  lock     LOCK is allowed with a memory destination
 *                 rep      REP repeats it; repz: REPE and REPNE differ
 *                 i64 o64  invalid in 64-bit mode; valid only there
 *                 d64 f64  operand size is 64 by default (no 32-bit form) or always in 64-bit mode
 *                 sx       the immediate byte is sign-extended to the operand size
 *                 cpl0     #GP outside ring 0
 *                 end      may change RIP, mode or translation: the last of its block
 *                 align    a 16-byte memory operand must be aligned
 *                 exit:x   the VM-exit cause
 *                 differs  AMD and Intel disagree; the remark behind `;` says how, and we follow the SDM
 */
export type MandatoryPrefix = "any" | "NP" | "NFx" | "66" | "F3" | "F2";

/** Opcode maps by their escape bytes; VEX maps follow the legacy ones. */
export const MAPS = ["", "0F", "0F38", "0F3A", "VEX.0F", "VEX.0F38", "VEX.0F3A"] as const;
export type OpcodeMap = (typeof MAPS)[number];

export interface ModRmMatch {
  /** register or memory form only */
  readonly mod?: "mem" | "reg";
  readonly reg?: number;
  readonly rm?: number;
}

export interface Row {
  readonly bytes: string;
  readonly map: OpcodeMap;
  readonly opcode: number;
  /** how many low bits of the opcode are an operand: 3 for `+r`, 4 for `+cc`, else 0 */
  readonly opcodeBits: 0 | 3 | 4;
  readonly prefix: MandatoryPrefix;
  readonly w?: 0 | 1;
  readonly l?: 0 | 1;
  readonly operandSize?: 16 | 32 | 64;
  readonly addressSize?: 16 | 32 | 64;
  /** absent: the instruction has no ModRM byte */
  readonly modrm?: ModRmMatch;
  readonly mnemonic: string;
  readonly operands: readonly string[];
  readonly semantics: string;
  /** explicit type arguments of the semantics */
  readonly typeArguments: readonly string[];
  readonly flagsWritten: string;
  readonly flagsUndefined: string;
  readonly feature: string;
  readonly attributes: ReadonlySet<string>;
  readonly remark: string;
  /** where the row stands, for error messages */
  readonly source: string;
}

const ATTRIBUTE = /^(lock|rep|repz|i64|o64|d64|f64|sx|cpl0|end|align|differs|exit:[a-z0-9-]+)$/;
const FLAGS = /^[oszapc]*$/;

export class RowError extends Error {
  constructor(source: string, line: string, problem: string) {
    super(`${source}: ${problem}\n  ${line.trim()}`);
  }
}

/** An x87 instruction, behind one of the escape opcodes D8 to DF. */
export function isEscape(row: Row): boolean {
  return row.map === "" && (row.opcode & 0xf8) === 0xd8;
}

/** Parses one table; blank lines and lines that start with `#` are remarks. */
export function rows(name: string, table: string): Row[] {
  const parsed: Row[] = [];
  table.split("\n").forEach((line, index) => {
    const text = line.trim();
    if (text !== "" && !text.startsWith("#")) parsed.push(parseRow(text, `${name}:${index + 1}`));
  });
  return parsed;
}

function parseRow(line: string, source: string): Row {
  const [fields, remark = ""] = line.split(/\s+;\s+/, 2) as [string, string?];
  const columns = fields.split(/\s{2,}/);
  if (columns.length !== 7) throw new RowError(source, line, `${columns.length} columns, 7 wanted`);
  const [bytes, mnemonic, operands, semantics, flags, feature, attributes] = columns.map((c) => (c === "-" ? "" : c));
  const fail = (problem: string): never => {
    throw new RowError(source, line, problem);
  };
  const call = /^(\w+)(?:<([\w, ]+)>)?$/.exec(semantics) ?? fail(`semantics "${semantics}" is not a name with type arguments`);
  const [written, undefinedFlags = ""] = flags.split("/");
  if (!FLAGS.test(written) || !FLAGS.test(undefinedFlags)) fail(`flags "${flags}"`);
  const names = attributes.split(" ").filter((a) => a !== "");
  for (const a of names) if (!ATTRIBUTE.test(a)) fail(`unknown attribute "${a}"`);
  return {
    ...parseBytes(bytes, fail),
    bytes,
    mnemonic,
    operands: operands === "" ? [] : operands.split(" "),
    semantics: call[1],
    typeArguments: call[2] === undefined ? [] : call[2].split(/,\s*/),
    flagsWritten: written,
    flagsUndefined: undefinedFlags,
    feature,
    attributes: new Set(names),
    remark,
    source,
  };
}

type Encoding = Pick<Row, "map" | "opcode" | "opcodeBits" | "prefix" | "w" | "l" | "operandSize" | "addressSize" | "modrm">;

function parseBytes(bytes: string, fail: (problem: string) => never): Encoding {
  const tokens = bytes.split(" ");
  const e: { -readonly [K in keyof Encoding]: Encoding[K] } = { map: "", opcode: -1, opcodeBits: 0, prefix: "any" };
  let modrm: { -readonly [K in keyof ModRmMatch]: ModRmMatch[K] } | undefined;
  const vex = tokens[0].startsWith("VEX.");
  if (vex) {
    e.prefix = "NP";
    for (const part of (tokens.shift() as string).split(".").slice(1)) {
      if (part === "L0" || part === "L1") e.l = part === "L0" ? 0 : 1;
      else if (part === "W0" || part === "W1") e.w = part === "W0" ? 0 : 1;
      else if (part === "66" || part === "F3" || part === "F2" || part === "NP") e.prefix = part;
      else if (part === "0F" || part === "0F38" || part === "0F3A") e.map = `VEX.${part}`;
      else if (part !== "LIG" && part !== "WIG") fail(`VEX field "${part}"`);
    }
  } else if (/^(NP|NFx|66|F3|F2)$/.test(tokens[0]) && tokens.length > 1) e.prefix = tokens.shift() as MandatoryPrefix;
  for (const token of tokens) {
    const hex = /^([0-9A-F]{2})(\+r|\+cc|\+i)?$/.exec(token);
    if (token === "W0" || token === "W1") e.w = token === "W0" ? 0 : 1;
    else if (/^o(16|32|64)$/.test(token)) e.operandSize = Number(token.slice(1)) as 16;
    else if (/^a(16|32|64)$/.test(token)) e.addressSize = Number(token.slice(1)) as 16;
    else if (token === "/r") modrm = { ...modrm };
    else if (/^\/[0-7]$/.test(token)) modrm = { ...modrm, reg: Number(token[1]) };
    else if (token === "mem" || token === "reg") modrm = { ...modrm, mod: token };
    else if (hex === null) fail(`bytes token "${token}"`);
    else if (e.opcode >= 0) {
      const b = Number.parseInt(hex[1], 16);
      if (b < 0xc0) fail(`fixed ModRM byte ${token} is not a register form`);
      modrm = { mod: "reg", reg: (b >> 3) & 7, ...(hex[2] === "+i" ? {} : { rm: b & 7 }) };
    } else if (!vex && e.map === "" && hex[1] === "0F") e.map = "0F";
    else if (!vex && e.map === "0F" && (hex[1] === "38" || hex[1] === "3A")) e.map = hex[1] === "38" ? "0F38" : "0F3A";
    else {
      e.opcode = Number.parseInt(hex[1], 16);
      e.opcodeBits = hex[2] === "+r" ? 3 : hex[2] === "+cc" ? 4 : 0;
    }
  }
  if (e.opcode < 0) fail("no opcode byte");
  return modrm === undefined ? e : { ...e, modrm };
}
