/** Port accesses. SDM Vol. 3 "Exit Qualification for I/O Instructions"; "VM-Exit Instruction-Information Field as Used for INS and OUTS". */
import { checkPort } from "../cpu/ports";
import { ES, segmentBase } from "../cpu/segments";
import { Op } from "../decode/op";
import { State } from "../generated/state";
import * as V from "../generated/vmx";
import { portExits } from "./bitmaps";
import { exitInstruction } from "./exit";
import { answersPort } from "./fast-path";
import { setField } from "./vmcs";

const RSI: u32 = 6;
const RDI: u32 = 7;
const IN: u32 = 1 << 3;
const STRING: u32 = 1 << 4;
const REP: u32 = 1 << 5;
const IMMEDIATE: u32 = 1 << 6;

/** IN and OUT. `register` is the record's operand that names DX, or 0 where the port is an immediate. */
export function interceptPort(s: State, op: Op, main: Op, register: u32, size: u32, direction: u32): bool {
  const port: u32 = register != 0 ? <u32>s.rdx & 0xffff : <u32>main.imm & 0xff;
  checkPort(s, op, port, size);
  if (!portExits(s, port, size)) return false;
  const how = (size - 1) | direction | (register != 0 ? 0 : IMMEDIATE) | (port << 16);
  if (answersPort(s, op, port, size, <u64>how)) return false;
  exitInstruction(s, op, V.EXIT_REASON_IO_INSTRUCTION, <u64>how);
  return true;
}

/** INS and OUTS, before their memory operand is looked at. */
export function interceptStringPort(s: State, op: Op, main: Op, size: u32, direction: u32): bool {
  const port = <u32>s.rdx & 0xffff;
  checkPort(s, op, port, size);
  if (!portExits(s, port, size)) return false;
  const segment = direction == IN ? ES : main.segment;
  const offset = direction == IN ? s.rdi : s.rsi;
  const cut = main.addressSize == 2 ? offset : main.addressSize == 1 ? offset & 0xffffffff : offset & 0xffff;
  const base = s.mode == 2 && segment < 4 ? 0 : segmentBase(s, segment);
  setField(s, V.GUEST_LINEAR_ADDRESS, s.mode == 2 ? base + cut : (base + cut) & 0xffffffff);
  setField(s, V.VM_EXIT_INSTRUCTION_INFORMATION, <u64>((main.addressSize << 7) | (segment << 15)));
  const how = (size - 1) | direction | STRING | (main.rep != 0 ? REP : 0) | (port << 16);
  if (answersPort(s, op, port, size, <u64>how)) return false;
  exitInstruction(s, op, V.EXIT_REASON_IO_INSTRUCTION, <u64>how);
  return true;
}
