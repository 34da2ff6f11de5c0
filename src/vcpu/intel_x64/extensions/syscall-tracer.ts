/**
 * Sees every SYSCALL: with IA32_EFER.SCE off the instruction is an invalid opcode, which exits; it is noted and done here, as is SYSRET. The
 * OS reads its SCE as it has set it. SDM Vol. 2 "SYSCALL", "SYSRET".
 */
import { EFER, RFLAGS } from "../../../spec/registers.ts";
import type { Guest } from "../guest.ts";
import { ACCESS_RIGHTS } from "../intrinsics.ts";
import type { Extension } from "../vm-api.ts";

export interface SyscallNote {
  /** RAX, RDI, RSI, RDX, R10, R8, R9 */
  readonly number: bigint;
  readonly parameters: readonly bigint[];
  readonly rip: bigint;
}

export interface SyscallTracer {
  readonly extension: Extension;
  readonly notes: readonly SyscallNote[];
}

const UD = 6;
const EFER_MSR = 0xc000_0080;
const STAR = 0xc000_0081;
const LSTAR = 0xc000_0082;
const FMASK = 0xc000_0084;
const SCE = BigInt(EFER.SCE);
const RF = BigInt(RFLAGS.RF);
const PARAMETERS = ["rdi", "rsi", "rdx", "r10", "r8", "r9"] as const;
const LENGTH = 2n;
const RING3 = 3n << 5n;
const MAX_LIMIT = 0xffff_ffffn;
const USER_FLAGS = 0x3c_7fd7n;
const L = 1n << 13n;
const DB = 1n << 14n;

export function syscallTracer(keep = 10_000): SyscallTracer {
  const notes: SyscallNote[] = [];
  const extension: Extension = (vm) => {
    let isOn = false;
    vm.set((fields) => {
      const efer = fields.get("guestIa32Efer");
      isOn = (efer & SCE) !== 0n;
      fields.set("guestIa32Efer", efer & ~SCE);
    });
    vm.onPromote((guest) => setSce(guest, isOn));
    vm.onRdmsr(EFER_MSR, (_msr, { fields }) => fields.get("guestIa32Efer") | (isOn ? SCE : 0n));
    vm.onWrmsr(EFER_MSR, (_msr, value, guest) => {
      guest.writeMsr(EFER_MSR, value & ~SCE);
      isOn = (value & SCE) !== 0n;
      return "ignore";
    });
    vm.onException(UD, (_event, guest) => {
      if (!isOn || !guest.isIn64BitCode) return false;
      const code = instruction(guest);
      if (code === "syscall") {
        notes.push({ number: guest.save.get("rax"), parameters: PARAMETERS.map((name) => guest.save.get(name)), rip: guest.rip });
        if (notes.length > keep) notes.shift();
        syscall(guest);
        return true;
      }
      if (code === "sysretq" && guest.cpl === 0) return sysret(guest);
      return false;
    });
  };
  return { extension, notes };
}

function setSce({ fields }: Guest, on: boolean): void {
  const efer = fields.get("guestIa32Efer");
  fields.set("guestIa32Efer", on ? efer | SCE : efer & ~SCE);
}

function instruction(guest: Guest): "syscall" | "sysretq" | undefined {
  const bytes = guest.readCode(3);
  if (bytes[0] === 0x0f && bytes[1] === 0x05) return "syscall";
  return bytes[0] === 0x48 && bytes[1] === 0x0f && bytes[2] === 0x07 ? "sysretq" : undefined;
}

function setCsAndSs({ fields }: Guest, cs: bigint, csRights: bigint, ss: bigint, ssRights: bigint): void {
  for (const [name, selector, rights] of [
    ["Cs", cs, csRights],
    ["Ss", ss, ssRights],
  ] as const) {
    fields.set(`guest${name}Selector`, selector);
    fields.set(`guest${name}Base`, 0n);
    fields.set(`guest${name}Limit`, MAX_LIMIT);
    fields.set(`guest${name}AccessRights`, rights);
  }
}

function syscall(guest: Guest): void {
  const { save, fields, cpu } = guest;
  const flags = fields.get("guestRflags");
  const selector = (cpu.rdmsr(STAR) >> 32n) & 0xfffcn;
  save.set("rcx", guest.rip + LENGTH);
  save.set("r11", flags & ~RF);
  guest.rip = cpu.rdmsr(LSTAR);
  guest.endShadow();
  fields.set("guestRflags", (flags & ~cpu.rdmsr(FMASK) & ~RF) | BigInt(RFLAGS.FIXED));
  setCsAndSs(guest, selector, BigInt(ACCESS_RIGHTS.RING0_CS), selector + 8n, BigInt(ACCESS_RIGHTS.RING0_SS));
}

/** To 64-bit code; the CPU itself raises #GP for an address that is not canonical, which is left to it. */
function sysret(guest: Guest): boolean {
  const { save, fields, cpu } = guest;
  const target = save.get("rcx");
  if (BigInt.asUintN(64, BigInt.asIntN(48, target)) !== target) {
    guest.raiseGeneralProtection();
    return true;
  }
  const selector = (cpu.rdmsr(STAR) >> 48n) & 0xffffn;
  guest.rip = target;
  guest.endShadow();
  fields.set("guestRflags", (save.get("r11") & USER_FLAGS & ~RF) | BigInt(RFLAGS.FIXED));
  const code = (BigInt(ACCESS_RIGHTS.RING0_CS) & ~DB) | L | RING3;
  setCsAndSs(guest, (selector + 16n) | 3n, code, (selector + 8n) | 3n, BigInt(ACCESS_RIGHTS.RING0_SS) | RING3);
  return true;
}
