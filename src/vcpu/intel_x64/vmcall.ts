/**
 * The vmcall protocol: r0 in RAX says what is asked for, r1 in RDX carries a magic number and comes back as the result. Data go through two
 * buffers of the caller's, which are reached through the guest's own page tables; a caller that stands outside of the guest, the driver, has
 * them in the VMM's memory.
 */

import { USER_VERSION, VERSION, VMCALL_IN_BYTES, VMCALL_MAGIC, VMCALL_OUT_BYTES, VMCALL_VERSION } from "../../vmm/constants.ts";
import { ERROR_CODE } from "../../vmm/error-codes.ts";
import { BadAlloc, ContractViolation, RuntimeError } from "../../vmm/errors.ts";
import { VMCALL, VMCALL_DATA, VMCALL_VERSIONS } from "../../vmm/vmcall-codes.ts";
import type { SavedRegister } from "./state-save.ts";

/** r0, r1, … in the registers of the CPU; r13 to r15 are carried by none */
export const VMCALL_REGISTERS: readonly SavedRegister[] = [
  "rax",
  "rdx",
  "rcx",
  "rbx",
  "rsi",
  "r8",
  "r9",
  "r10",
  "r11",
  "r12",
  "r13",
  "r14",
  "r15",
];

const OPCODE = 0;
const RESULT = 1;
/** registers that an EVENT carries, and everything else */
const LAST_OF_EVENT = 2;
const LAST = 12;

/** The caller's memory. */
export interface Buffers {
  read(address: bigint, length: number): Uint8Array;
  write(address: bigint, bytes: Uint8Array): void;
}

export interface VmcallContext {
  readonly buffers: Buffers;
  readonly log: (text: string) => void;
}

/** What the caller has in its registers, and gets back in them. */
export interface VmcallFrame {
  get(register: SavedRegister): bigint;
  set(register: SavedRegister, value: bigint): void;
}

/** Answers the VMCALL in the registers of `frame`. Never throws: what goes wrong is the result. */
export function handleVmcall(frame: VmcallFrame, context: VmcallContext, custom: (r: bigint[]) => boolean = () => false): void {
  if (frame.get("rdx") !== VMCALL_MAGIC) {
    frame.set("rdx", ERROR_CODE.BFVMCALL_FAILURE);
    return;
  }
  const isEvent = frame.get("rax") === VMCALL.EVENT;
  const last = isEvent ? LAST_OF_EVENT : LAST;
  const r = Array.from({ length: 16 }, (_, n) => (n <= last ? frame.get(VMCALL_REGISTERS[n]) : 0n));
  r[RESULT] = answer(r, context, custom);
  for (let n = RESULT; n <= last; n++) frame.set(VMCALL_REGISTERS[n], r[n]);
}

function answer(r: bigint[], context: VmcallContext, custom: (r: bigint[]) => boolean): bigint {
  try {
    if (!custom(r)) dispatch(r, context);
    return ERROR_CODE.SUCCESS;
  } catch (error) {
    context.log(`vmcall ${r[OPCODE]}: ${error instanceof Error ? error.message : String(error)}`);
    return error instanceof BadAlloc ? ERROR_CODE.BFBADALLOC : ERROR_CODE.BFVMCALL_FAILURE;
  }
}

const NOTHING_TO_DO: readonly bigint[] = [VMCALL.EVENT, VMCALL.START, VMCALL.STOP, VMCALL.UNITTEST];

function dispatch(r: bigint[], context: VmcallContext): void {
  const opcode = r[OPCODE];
  if (opcode === VMCALL.VERSIONS) versions(r);
  else if (opcode === VMCALL.DATA) data(r, context);
  else if (opcode === VMCALL.REGISTERS) context.log(`vmcall registers: ${textOf(r)}`);
  else if (!NOTHING_TO_DO.includes(opcode)) throw new RuntimeError("unknown vmcall opcode");
}

function textOf(r: readonly bigint[]): string {
  return r
    .slice(2, LAST + 1)
    .map((value, n) => `r${n + 2}=0x${value.toString(16)}`)
    .join(" ");
}

function versions(r: bigint[]): void {
  const { PROTOCOL, BAREFLANK, USER } = VMCALL_VERSIONS;
  if (r[2] === PROTOCOL) [r[3], r[4], r[5]] = [VMCALL_VERSION, 0n, 0n];
  else if (r[2] === BAREFLANK) [r[3], r[4], r[5]] = [VERSION.major, VERSION.minor, VERSION.patch];
  else if (r[2] === USER) [r[3], r[4], r[5]] = [USER_VERSION.major, USER_VERSION.minor, USER_VERSION.patch];
  else throw new RuntimeError(`unknown version ${r[2]}`);
}

/** r4 type, r5 and r6 where data come from and how many bytes, r8 and r9 where the answer goes; r7 its type */
function data(r: bigint[], { buffers, log }: VmcallContext): void {
  const [type, from, inBytes, to, outBytes] = [r[4], r[5], r[6], r[8], r[9]];
  if (from === 0n || to === 0n || inBytes === 0n || outBytes === 0n) throw new ContractViolation("a buffer has no address or no size");
  if (outBytes < inBytes) throw new ContractViolation("the buffer for the answer is smaller than the one for the question");
  if (inBytes > VMCALL_IN_BYTES || outBytes > VMCALL_OUT_BYTES)
    throw new ContractViolation(`a buffer has more than ${VMCALL_IN_BYTES} bytes`);
  const bytes = buffers.read(from, Number(inBytes));
  const reply = replyTo(type, bytes, log);
  if (BigInt(reply.length) > outBytes) throw new RuntimeError(`the answer has ${reply.length} bytes, its buffer ${outBytes}`);
  buffers.write(to, reply);
  [r[7], r[9]] = [type, BigInt(reply.length)];
}

function replyTo(type: bigint, bytes: Uint8Array, log: (text: string) => void): Uint8Array {
  switch (type) {
    case VMCALL_DATA.STRING_UNFORMATTED:
      log(`vmcall string: ${new TextDecoder().decode(bytes)}`);
      return bytes;
    case VMCALL_DATA.STRING_JSON: {
      const text = JSON.stringify(JSON.parse(new TextDecoder().decode(bytes)));
      log(`vmcall JSON: ${text}`);
      return new TextEncoder().encode(text);
    }
    case VMCALL_DATA.BINARY_UNFORMATTED:
      return bytes;
    default:
      throw new RuntimeError(`unknown data type ${type}`);
  }
}
