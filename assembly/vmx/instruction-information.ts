/**
 * What a VM exit tells about the instruction's operands. SDM Vol. 3 "VM-Exit Instruction-Information Field": registers, scale, address size,
 * segment, base and index, laid out alike for all instructions with a memory operand.
 *
 *     0-1 scale · 3-6 register 1 · 7-9 address size · 10 register form · 11-12 operand size · 15-17 segment
 *     18-21 index · 22 no index · 23-26 base · 27 no base · 28-31 register 2
 */
import { FS, segmentBase } from "../cpu/segments";
import { MEM, Op } from "../decode/op";
import { State } from "../generated/state";
import * as V from "../generated/vmx";
import { setField } from "./vmcs";

const REGISTER_FORM: u32 = 1 << 10;
const NO_INDEX: u32 = 1 << 22;
const NO_BASE: u32 = 1 << 27;

/** Number of the general register at an address in the state, or 16. */
export function registerNumber(s: State, at: u32): u32 {
  const n = (at - <u32>changetype<usize>(s)) >> 3;
  return n < 16 ? n : 16;
}

/** Linear address of the record's memory operand, without any check. */
export function linearOf(s: State, op: Op): u64 {
  const offset = load<u64>(<usize>op.base) + (load<u64>(<usize>op.index) << (op.scale & 3)) + <u64>op.disp;
  const base = s.mode == 2 && op.segment < FS ? 0 : segmentBase(s, op.segment);
  const cut = op.addressSize == 2 ? offset : op.addressSize == 1 ? offset & 0xffffffff : offset & 0xffff;
  return s.mode == 2 ? base + cut : (base + cut) & 0xffffffff;
}

/** The record's memory operand, without registers 1 and 2. */
export function memoryInformation(s: State, op: Op): u32 {
  const base = registerNumber(s, op.base);
  const index = registerNumber(s, op.index);
  let v = (<u32>op.scale & 3) | (op.addressSize << 7) | (op.segment << 15);
  v |= index < 16 ? index << 18 : NO_INDEX;
  v |= base < 16 ? base << 23 : NO_BASE;
  return v;
}

/** Of instructions with one memory operand or two registers; `op` has the memory operand, `main` the registers. */
export function noteInstruction(s: State, op: Op, main: Op): void {
  const inMemory = main.dk == MEM || main.sk == MEM;
  const first = main.dk == MEM ? main.s : main.d;
  const second = main.dk == MEM ? main.d : main.s;
  const r1 = registerNumber(s, first) & 15;
  let v = (r1 << 3) | (main.operandSize << 11);
  if (inMemory) v |= memoryInformation(s, op) | (r1 << 28);
  else v |= REGISTER_FORM | ((registerNumber(s, second) & 15) << 28);
  setField(s, V.VM_EXIT_INSTRUCTION_INFORMATION, <u64>v);
}
