/**
 * Finds functions that use memory below the stack pointer without moving it first, the red zone of the System V ABI. User programs may;
 * code of a VMM may not, since what enters on the same stack, an interrupt or a call to TypeScript, would write there. psABI x86-64 "The
 * Stack Frame".
 *
 * Each function is walked along its jumps, so that a frame pointer below which nothing was reserved is seen as well; code that only indirect
 * jumps lead to is then read from top to bottom.
 */
import { PF } from "../boot/elf.ts";
import { Instruction } from "../decode/instruction.ts";
import { ERROR_CODE } from "../vmm/error-codes.ts";
import type { ElfFile } from "./elf/elf-file.ts";
import { after, bytesBelowStack, ENTRY_FRAME, type Frame, UNKNOWN_FRAME } from "./stack-frame.ts";

export interface RedZoneUse {
  readonly functionName: string;
  /** of the first instruction that does it, from the start of the function */
  readonly offset: number;
  /** how far below the stack pointer */
  readonly bytes: number;
}

/** names in a message */
const MOST = 5;
/** A module whose code is larger than this takes too long. */
const MAX_CODE = 16 << 20;

/** Refuses a module with such functions, by their names. */
export function checkRedZone(elf: ElfFile): void {
  const size = executable(elf).reduce((sum, { bytes }) => sum + bytes.length, 0);
  if (size > MAX_CODE) {
    const problem = `has ${size} bytes of code, of which ${MAX_CODE} can be checked for use of a red zone: allow red zones to load it`;
    elf.file.fail(ERROR_CODE.BFELF_ERROR_UNSUPPORTED_FILE, problem);
  }
  const uses = redZoneUses(elf);
  if (uses.length === 0) return;
  const named = uses
    .slice(0, MOST)
    .map(({ functionName, offset, bytes }) => `${functionName}+0x${offset.toString(16)} (${bytes} bytes below)`);
  const rest = uses.length > MOST ? ` and ${uses.length - MOST} more functions` : "";
  const problem = `uses memory below the stack pointer: ${named.join(", ")}${rest}; compile with -mno-red-zone`;
  elf.file.fail(ERROR_CODE.BFELF_ERROR_UNSUPPORTED_FILE, problem);
}

/** The first use in each function. */
export function redZoneUses(elf: ElfFile): readonly RedZoneUse[] {
  return functionsIn(elf).flatMap(({ name, bytes }) => {
    const use = useIn(bytes);
    return use === undefined ? [] : [{ functionName: name, ...use }];
  });
}

interface Code {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The code by function. What is in no function is padding, unless the symbols were stripped. */
function functionsIn(elf: ElfFile): readonly Code[] {
  const found: Code[] = [];
  const stripped = !elf.sections.some(({ name }) => name === ".symtab");
  const { functions } = elf;
  let n = 0;
  for (const { start, bytes } of executable(elf)) {
    const end = start + BigInt(bytes.length);
    const add = (name: string, from: bigint, to: bigint) =>
      found.push({ name, bytes: bytes.subarray(Number(from - start), Number(to - start)) });
    let covered = start;
    for (; n < functions.length && functions[n].value < end; n++) {
      const { name, value, size } = functions[n];
      if (value < covered) continue; // an alias, or a part of the one before
      if (stripped && value > covered) add(`code at 0x${covered.toString(16)}`, covered, value);
      while (functions[n + 1]?.value === value) n++;
      const next = functions[n + 1]?.value ?? end;
      const last = size === 0n ? next : value + size;
      covered = last < end ? last : end;
      add(name, value, covered);
    }
    if (stripped && covered < end) add(`code at 0x${covered.toString(16)}`, covered, end);
  }
  return found;
}

interface Range {
  readonly start: bigint;
  readonly bytes: Uint8Array;
}

/** Sections with instructions, or in a file without sections executable segments; in ascending order, and what overlaps only once. */
function executable(elf: ElfFile): readonly Range[] {
  const { bytes } = elf.file;
  const part = (start: bigint, offset: number, size: number): Range => ({ start, bytes: bytes.subarray(offset, offset + size) });
  const ranges =
    elf.sections.length > 0
      ? elf.sections.filter(({ code }) => code).map(({ address, extent }) => part(address, extent.offset, extent.size))
      : elf.loads
          .filter(({ permissions }) => (permissions & PF.X) !== 0)
          .map(({ virtualAddress, fileOffset, fileSize }) => part(virtualAddress, fileOffset, fileSize));
  let end = 0n;
  return ranges
    .sort((a, b) => (a.start < b.start ? -1 : 1))
    .filter(({ start, bytes: { length } }) => {
      if (start < end) return false;
      end = start + BigInt(length);
      return true;
    });
}

function useIn(bytes: Uint8Array): { readonly offset: number; readonly bytes: number } | undefined {
  const walk = new Walk(bytes);
  walk.from(0, ENTRY_FRAME);
  for (let at = 0; at < bytes.length && walk.use === undefined; at += walk.lengths[at]) {
    if (walk.lengths[at] === 0) walk.from(at, UNKNOWN_FRAME);
    if (walk.lengths[at] === 0) break;
  }
  return walk.use;
}

/** Follows all paths through a function. A place that two paths reach with different frames is walked once more with what they agree on. */
class Walk {
  use: { offset: number; bytes: number } | undefined;
  /** of the instruction at a place; 0: not reached, or none */
  readonly lengths: Uint8Array;
  readonly #bytes: Uint8Array;
  /** frames by place, as far as they are known */
  readonly #rsp: Float64Array;
  readonly #rbp: Float64Array;
  readonly #reached: Uint8Array;
  #open: number[] = [];

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.lengths = new Uint8Array(bytes.length);
    this.#rsp = new Float64Array(bytes.length);
    this.#rbp = new Float64Array(bytes.length);
    this.#reached = new Uint8Array(bytes.length);
  }

  from(start: number, frame: Frame): void {
    this.#reach(start, frame);
    for (let at = this.#open.pop(); at !== undefined && this.use === undefined; at = this.#open.pop()) this.#step(at);
    this.#open = [];
  }

  #reach(at: number, { rsp, rbp }: Frame): void {
    if (at < 0 || at >= this.#bytes.length) return;
    // NaN: not known, and equal to nothing
    const first = this.#reached[at] === 0;
    const forgets = (known: number, now: number | undefined) => !Number.isNaN(known) && known !== now;
    const [noRsp, noRbp] = [forgets(this.#rsp[at], rsp), forgets(this.#rbp[at], rbp)];
    if (!first && !noRsp && !noRbp) return;
    if (first || noRsp) this.#rsp[at] = first ? (rsp ?? Number.NaN) : Number.NaN;
    if (first || noRbp) this.#rbp[at] = first ? (rbp ?? Number.NaN) : Number.NaN;
    this.#reached[at] = 1;
    this.#open.push(at);
  }

  #step(at: number): void {
    const [rsp, rbp] = [this.#rsp[at], this.#rbp[at]];
    const frame = { rsp: Number.isNaN(rsp) ? undefined : rsp, rbp: Number.isNaN(rbp) ? undefined : rbp };
    const i = new Instruction(this.#bytes, at, 64);
    const { entry } = i;
    if (entry === undefined) return;
    const below = bytesBelowStack(i, frame);
    if (below > 0) this.use = { offset: at, bytes: below };
    const next = at + i.length;
    this.lengths[at] = i.length;
    const then = after(i, frame);
    const { mnemonic } = entry.row;
    const target = entry.operands.find(({ method }) => method === "J");
    if (target !== undefined && mnemonic !== "call") this.#reach(next + i.signed(i.immediateAt, next - i.immediateAt), then);
    if (!ENDS.has(mnemonic)) this.#reach(next, then);
  }
}

/** What comes behind these is reached from elsewhere. */
const ENDS = new Set("jmp ret retf iret iretd iretq sysret sysexit ud0 ud1 ud2 hlt".split(" "));
