/**
 * The disassembler: instruction rows in, Intel syntax out, letter for letter what `objdump -d -M intel,intel64` prints (without
 * symbols). Prefixes that had no meaning for the instruction are printed before it, as objdump does.
 */

import { Instruction } from "../decode/instruction.ts";
import type { Mode } from "../decode/row-index.ts";
import type { Row } from "../spec/isa/row.ts";
import { mnemonicOf, showsSize } from "./mnemonic.ts";
import { OperandWriter } from "./operand-text.ts";
import { prefixText } from "./prefix-text.ts";

export type { Mode } from "../decode/row-index.ts";

export interface Disassembly {
  readonly length: number;
  readonly text: string;
  /** absent: the bytes are no instruction */
  readonly row?: Row;
}

export function disassemble(bytes: Uint8Array, offset: number, options: { mode: Mode; address: bigint }): Disassembly {
  const instruction = new Instruction(bytes, offset, options.mode);
  const { entry } = instruction;
  if (entry === undefined) return { length: 1, text: "(bad)" };
  const { name, hidesImmediate } = mnemonicOf(instruction);
  const writer = new OperandWriter(instruction, options.address);
  if (entry.row.operandSize !== undefined || showsSize(entry.row)) writer.useOperandSize(true);
  if (entry.row.addressSize !== undefined) writer.used.address = true;
  if (entry.row.w !== undefined) writer.used.rex |= 8;
  const operands: string[] = [];
  for (const code of entry.operands) {
    const text = hidesImmediate && code.method === "I" ? "" : writer.text(code);
    if (text !== "") operands.push(text);
  }
  const head = prefixText(instruction, writer.used) + name;
  const text = operands.length === 0 ? head : `${head.padEnd(6)} ${operands.join(",")}`;
  return { length: instruction.length, text, row: entry.row };
}
