/** vmcalls of the manager: which registers and buffers a command sends, and how what comes back is printed. */
import { VMCALL_MAGIC, VMCALL_OUT_BYTES } from "../../vmm/constants.ts";
import { OutOfRange } from "../../vmm/errors.ts";
import { VMCALL, VMCALL_DATA, VMCALL_VERSIONS } from "../../vmm/vmcall-codes.ts";
import { VMCALL_REGISTERS } from "../platform.ts";
import type { VmcallCommand } from "./command.ts";

const OPCODE: Readonly<Record<VmcallCommand["kind"], bigint>> = {
  versions: VMCALL.VERSIONS,
  registers: VMCALL.REGISTERS,
  string: VMCALL.DATA,
  data: VMCALL.DATA,
  event: VMCALL.EVENT,
  unittest: VMCALL.UNITTEST,
};
const VERSION_NAMES: ReadonlyMap<bigint, string> = new Map([
  [VMCALL_VERSIONS.PROTOCOL, "vmcall version"],
  [VMCALL_VERSIONS.BAREFLANK, "vmm version"],
  [VMCALL_VERSIONS.USER, "user version"],
]);

export function registersOf(call: VmcallCommand): BigUint64Array {
  const registers = new BigUint64Array(VMCALL_REGISTERS);
  registers[0] = OPCODE[call.kind];
  registers[1] = VMCALL_MAGIC;
  if (call.kind === "registers") registers.set(call.values, 2);
  // for strings and data r2 and r3 are the id of whom they are for, who is nobody
  else if (call.kind === "string") registers[4] = call.format === "json" ? VMCALL_DATA.STRING_JSON : VMCALL_DATA.STRING_UNFORMATTED;
  else if (call.kind === "data") registers[4] = VMCALL_DATA.BINARY_UNFORMATTED;
  else registers[2] = call.index;
  return registers;
}

/** What is printed for registers that came back. */
export function printed(call: VmcallCommand, registers: BigUint64Array): string {
  if (call.kind === "versions") {
    const name = VERSION_NAMES.get(call.index) ?? `version ${call.index}`;
    return `${name}: ${registers[3]}.${registers[4]}.${registers[5]}`;
  }
  if (call.kind === "event") return `success: vmcall event 0x${call.index.toString(16)}`;
  if (call.kind === "unittest") return `0x${call.index.toString(16)}: passed`;
  return [...registers.subarray(2, 13)].map((value, i) => `r${String(i + 2).padStart(2, "0")}: 0x${value.toString(16)}`).join("\n");
}

/** As much of the buffer as the VMM says it has filled. */
export function received(registers: BigUint64Array, output: Uint8Array): Uint8Array {
  const size = registers[9];
  if (size >= VMCALL_OUT_BYTES) throw new OutOfRange(`the VMM answers ${size} bytes; the buffer has ${VMCALL_OUT_BYTES}`);
  return output.subarray(0, Number(size));
}

export function printedText(registers: BigUint64Array, output: Uint8Array): string {
  const text = new TextDecoder().decode(output);
  const pretty = registers[7] === VMCALL_DATA.STRING_JSON ? JSON.stringify(JSON.parse(text), undefined, 4) : text;
  return `received from vmm:\n${pretty}`;
}
