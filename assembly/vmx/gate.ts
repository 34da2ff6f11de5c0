/**
 * The gate between VM exits and the TypeScript VMM. Its VMCSs have a host RIP at which no code stands: an exit that loads it leaves the
 * guest's registers in the state-save page, as the exit stub of a VMM in machine code does, and ends the slice. The page's layout is in
 * src/vcpu/intel_x64/state-save.ts:
 *
 *     00 rax  08 rbx  10 rcx  18 rdx  20 rbp  28 rsi  30 rdi  38 r8 … 70 r15  78 rip  80 rsp     c0 ymm0-15, 32 bytes each
 *
 * Where modules handle exits in machine code, the host RIP is their stub (`vmmEntry`). That code calls TypeScript by HLT, as all code of
 * modules does: at the gate's address to hand the exit over, at the stub of a function to call it. Its exceptions go to TypeScript too, and
 * NMIs wait until the guest runs: the VMM needs no handlers of its own.
 */
import { endSlice } from "../clock";
import { RFLAGS_RF, RFLAGS_TF, STOP_VM_EXIT, VMX_ROOT } from "../generated/constants";
import { State } from "../generated/state";
import * as V from "../generated/vmx";
import { BLOCKED_BY_MOV_SS, BLOCKED_BY_STI } from "./check-guest";
import { RIGHTS_LONG } from "./check-segments";
import { field, setField } from "./vmcs";

const RAX: usize = 0x00;
const RBX: usize = 0x08;
const RCX: usize = 0x10;
const RDX: usize = 0x18;
const RBP: usize = 0x20;
const RSI: usize = 0x28;
const RDI: usize = 0x30;
const R8: usize = 0x38;
const R9: usize = 0x40;
const R10: usize = 0x48;
const R11: usize = 0x50;
const R12: usize = 0x58;
const R13: usize = 0x60;
const R14: usize = 0x68;
const R15: usize = 0x70;
const RIP: usize = 0x78;
const RSP: usize = 0x80;
const YMM: usize = 0xc0;
const YMM_BYTES: usize = 32;
const XMM_REGISTERS: usize = 16;

/** IA32_DEBUGCTL: the trap flag steps from branch to branch */
const DEBUGCTL_BTF: u64 = 2;
/** Pending debug exceptions: a single step. */
const BS: u64 = 1 << 14;

/** The exits of the current VMCS are TypeScript's. */
export function isGated(s: State): bool {
  return s.vmmGate != 0 && field(s, V.HOST_RIP) == s.vmmGate;
}

/** They are, or machine code of modules looks at them first. */
export function isVmms(s: State): bool {
  return isGated(s) || (s.vmmEntry != 0 && field(s, V.HOST_RIP) == s.vmmEntry);
}

/** VMX root operation of a VMM some of whose exits are handled in machine code: that is what runs. */
export function isHandler(s: State): bool {
  return s.vmmEntry != 0 && s.vmx == VMX_ROOT;
}

/** HLT of such a handler at `at`, with RIP behind it already. False: anybody else's. */
export function callsOut(s: State, at: u64): bool {
  if (!isHandler(s)) return false;
  if (at == s.vmmGate) {
    s.rip = at;
    saveRegisters(s, <usize>s.vmmSave);
  }
  s.stop = STOP_VM_EXIT;
  endSlice(s);
  return true;
}

/** Such a handler has raised an exception; RIP is on the instruction. */
export function faultsOut(s: State): bool {
  if (!isHandler(s)) return false;
  s.vmmFault = 1 + s.vector;
  s.stop = STOP_VM_EXIT;
  return true;
}

/** A VM exit has loaded the host's state. */
export function arrive(s: State): void {
  if (s.vmmGate == 0 || s.rip != s.vmmGate) return;
  saveRegisters(s, <usize>s.vmmSave);
  s.stop = STOP_VM_EXIT;
  endSlice(s);
}

function saveRegisters(s: State, page: usize): void {
  store<u64>(page, s.rax, RAX);
  store<u64>(page, s.rbx, RBX);
  store<u64>(page, s.rcx, RCX);
  store<u64>(page, s.rdx, RDX);
  store<u64>(page, s.rbp, RBP);
  store<u64>(page, s.rsi, RSI);
  store<u64>(page, s.rdi, RDI);
  store<u64>(page, s.r8, R8);
  store<u64>(page, s.r9, R9);
  store<u64>(page, s.r10, R10);
  store<u64>(page, s.r11, R11);
  store<u64>(page, s.r12, R12);
  store<u64>(page, s.r13, R13);
  store<u64>(page, s.r14, R14);
  store<u64>(page, s.r15, R15);
  store<u64>(page, field(s, V.GUEST_RIP), RIP);
  store<u64>(page, field(s, V.GUEST_RSP), RSP);
  const xmm = changetype<usize>(s) + offsetof<State>("xmm0");
  for (let n: usize = 0; n < XMM_REGISTERS; n++) store<v128>(page + n * YMM_BYTES, load<v128>(xmm + (n << 4)), YMM);
}

/** General-purpose and XMM registers into the processor; RIP and RSP into the VMCS, from where entry takes them. */
export function takeRegisters(s: State): void {
  const page = <usize>s.vmmSave;
  s.rax = load<u64>(page, RAX);
  s.rbx = load<u64>(page, RBX);
  s.rcx = load<u64>(page, RCX);
  s.rdx = load<u64>(page, RDX);
  s.rbp = load<u64>(page, RBP);
  s.rsi = load<u64>(page, RSI);
  s.rdi = load<u64>(page, RDI);
  s.r8 = load<u64>(page, R8);
  s.r9 = load<u64>(page, R9);
  s.r10 = load<u64>(page, R10);
  s.r11 = load<u64>(page, R11);
  s.r12 = load<u64>(page, R12);
  s.r13 = load<u64>(page, R13);
  s.r14 = load<u64>(page, R14);
  s.r15 = load<u64>(page, R15);
  const rip = load<u64>(page, RIP);
  if ((field(s, V.GUEST_RIP) ^ rip) >> 32 != 0) s.vmxClean = 0;
  setField(s, V.GUEST_RIP, rip);
  setField(s, V.GUEST_RSP, load<u64>(page, RSP));
  const xmm = changetype<usize>(s) + offsetof<State>("xmm0");
  for (let n: usize = 0; n < XMM_REGISTERS; n++) store<v128>(xmm + (n << 4), load<v128>(page + n * YMM_BYTES, YMM));
}

/**
 * RIP in the page moves behind the instruction that has exited, which has retired then, with all that an instruction ends: blocking by STI
 * and MOV SS, RF; under the trap flag a single-step trap is due. An exit between instructions has length 0, and nothing changes.
 */
export function advance(s: State): void {
  const length = field(s, V.VM_EXIT_INSTRUCTION_LENGTH);
  if (length == 0) return;
  const page = <usize>s.vmmSave;
  const long = (<u32>field(s, V.VM_ENTRY_CONTROLS) & V.ENTRY_IA32E_MODE_GUEST) != 0;
  const next = load<u64>(page, RIP) + length;
  store<u64>(page, long && (<u32>field(s, V.GUEST_CS_ACCESS_RIGHTS) & RIGHTS_LONG) != 0 ? next : next & 0xffffffff, RIP);
  const blocking = <u32>field(s, V.GUEST_INTERRUPTIBILITY_STATE);
  setField(s, V.GUEST_INTERRUPTIBILITY_STATE, <u64>(blocking & ~(BLOCKED_BY_STI | BLOCKED_BY_MOV_SS)));
  const flags = field(s, V.GUEST_RFLAGS);
  setField(s, V.GUEST_RFLAGS, flags & ~(<u64>RFLAGS_RF));
  const steps = (flags & RFLAGS_TF) != 0 && (field(s, V.GUEST_IA32_DEBUGCTL) & DEBUGCTL_BTF) == 0;
  if (steps) setField(s, V.GUEST_PENDING_DEBUG_EXCEPTIONS, field(s, V.GUEST_PENDING_DEBUG_EXCEPTIONS) | BS);
  s.instructions++;
  s.left--;
}
