/**
 * What one instruction does to the stack pointer and the frame pointer, and whether it touches memory below the stack pointer. Both are
 * followed as distances from the stack pointer at the start of the function, as long as they are known. SDM Vol. 1 "Procedure Calls,
 * Interrupts, and Exceptions".
 */
import type { Instruction } from "../decode/instruction.ts";
import type { Row } from "../spec/isa/row.ts";

const RSP = 4;
const RBP = 5;

export interface Frame {
  /** bytes from the stack pointer at the function's entry; undefined: not known */
  readonly rsp: number | undefined;
  readonly rbp: number | undefined;
}

export const ENTRY_FRAME: Frame = { rsp: 0, rbp: undefined };
export const UNKNOWN_FRAME: Frame = { rsp: undefined, rbp: undefined };

/** How many bytes below the stack pointer the instruction reads, writes or takes the address of something; 0: it does not. */
export function bytesBelowStack(i: Instruction, frame: Frame): number {
  const base = memoryBase(i);
  const { displacement, entry } = i;
  const row = entry?.row;
  if (base === undefined || row === undefined || isHint(row) || movesStackPointer(i, row)) return 0;
  if (base === RSP) return Math.max(0, -displacement);
  if (base !== RBP || frame.rsp === undefined || frame.rbp === undefined) return 0;
  return Math.max(0, frame.rsp - (frame.rbp + displacement));
}

const isHint = (row: Row) => row.mnemonic === "nop" || row.mnemonic.startsWith("prefetch");
/** LEA RSP, [RSP - n] makes room, it does not use what is there. */
const movesStackPointer = (i: Instruction, row: Row) => row.mnemonic === "lea" && register(i, "G") === RSP;

/** RSP or RBP if the memory operand's address starts from it. */
function memoryBase(i: Instruction): number | undefined {
  if (i.modrm < 0 || !i.isMemory || i.addressSize !== 64) return undefined;
  const base = i.rm === 4 ? i.sib & 7 : i.rm;
  if ((i.rex & 1) !== 0 || (base === RBP && i.mod === 0)) return undefined;
  return base === RSP || base === RBP ? base : undefined;
}

export function after(i: Instruction, frame: Frame): Frame {
  const row = i.entry?.row;
  if (row === undefined) return UNKNOWN_FRAME;
  const bytes = i.operandSize === 16 ? 2 : 8;
  switch (row.mnemonic) {
    case "push":
    case "pushf":
      return moved(frame, -bytes);
    case "popf":
      return moved(frame, bytes);
    case "pop":
      return written(i, moved(frame, bytes));
    case "leave":
      return { rsp: plus(frame.rbp, 8), rbp: undefined };
    case "add":
    case "sub":
      return arithmetic(i, frame, row.mnemonic === "add" ? 1 : -1);
    case "mov":
      return moveOf(i, frame) ?? written(i, frame);
    case "lea":
      return addressOf(i, frame) ?? written(i, frame);
    case "cmp":
    case "test":
    case "call":
    case "jmp":
      return frame;
    default:
      return written(i, frame);
  }
}

/** ADD or SUB of an immediate. */
function arithmetic(i: Instruction, frame: Frame, sign: 1 | -1): Frame {
  const immediate = i.entry?.operands[1];
  if (register(i, "E") !== RSP || immediate?.method !== "I" || i.operandSize !== 64) return written(i, frame);
  return moved(frame, sign * i.signed(i.immediateAt, i.length - (i.immediateAt - i.start)));
}

/** MOV RBP, RSP and back. */
function moveOf(i: Instruction, frame: Frame): Frame | undefined {
  const [to, from] = i.entry?.operands[0].method === "E" ? [register(i, "E"), register(i, "G")] : [register(i, "G"), register(i, "E")];
  if (i.operandSize !== 64) return undefined;
  if (to === RBP && from === RSP) return { ...frame, rbp: frame.rsp };
  return to === RSP && from === RBP ? { ...frame, rsp: frame.rbp } : undefined;
}

/** LEA RSP, [RSP + n] and the like. */
function addressOf(i: Instruction, frame: Frame): Frame | undefined {
  const to = register(i, "G");
  const base = memoryBase(i);
  const indexed = i.rm === 4 && ((i.sib & 0x38) !== 0x20 || (i.rex & 2) !== 0);
  if ((to !== RSP && to !== RBP) || base === undefined || indexed) return undefined;
  const address = plus(base === RSP ? frame.rsp : frame.rbp, i.displacement);
  return to === RSP ? { ...frame, rsp: address } : { ...frame, rbp: address };
}

/** What an instruction writes to other than in a way that is followed is not known any more. Compared operands count as written, too. */
function written(i: Instruction, frame: Frame): Frame {
  const operands = i.entry?.operands ?? [];
  const touched = operands.map(({ method }) => (method === undefined ? undefined : register(i, method)));
  return { rsp: touched.includes(RSP) ? undefined : frame.rsp, rbp: touched.includes(RBP) ? undefined : frame.rbp };
}

/** The number of the general register that an operand is; undefined if it is none. */
function register(i: Instruction, method: string): number | undefined {
  if (method === "G") return i.reg | ((i.rex & 4) << 1);
  if (method === "Z") return (i.opcode & 7) | ((i.rex & 1) << 3);
  if ((method === "E" || method === "R") && !i.isMemory) return i.rm | ((i.rex & 1) << 3);
  return undefined;
}

const plus = (value: number | undefined, by: number) => (value === undefined ? undefined : value + by);
const moved = (frame: Frame, by: number): Frame => ({ ...frame, rsp: plus(frame.rsp, by) });
