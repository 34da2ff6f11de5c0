/**
 * The user-mode context of a process in the vCPU: what Linux sets up before it enters a program (psABI "Process Initialization"), and
 * the FXSAVE image of the floating-point state that signal frames hold (SDM 1 "FXSAVE Area").
 */
import type { Vcpu } from "../../core/core.ts";
import type { StateView } from "../../core/views.ts";
import { GPR_NAMES } from "../../spec/state.ts";

/** selectors of x86-64 Linux */
export const USER_CS = 0x33;
export const USER_SS = 0x2b;

/** access rights as State keeps them: descriptor bits 40-47 and 52-55 */
const CODE64_RIGHTS = 0xa0fb;
const DATA_RIGHTS = 0xc0f3;

/** PE, MP, ET, NE, WP, AM, PG */
const CR0 = 0x8005_0033n;
/** PAE, OSFXSR, OSXMMEXCPT */
const CR4 = 0x620n;
/** SCE, LME, LMA, NXE */
const EFER = 0xd01n;
const RFLAGS_START = 0x202;
const FCW_START = 0x37f;
const MXCSR_START = 0x1f80;
const MODE_64 = 2;

/** Registers, segments and modes at the first instruction of a program. */
export function enterProgram(cpu: Vcpu, entry: number, stack: number): void {
  for (const name of GPR_NAMES) cpu.set(name, 0n);
  cpu.set("rip", BigInt(entry));
  cpu.set("rsp", BigInt(stack));
  cpu.set("cr0", CR0);
  cpu.set("cr4", CR4);
  cpu.set("efer", EFER);
  cpu.setNumber("mode", MODE_64);
  cpu.setNumber("cpl", 3);
  cpu.set("stackMask", 0xffff_ffff_ffff_ffffn);
  for (const name of ["es", "cs", "ss", "ds", "fs", "gs"]) {
    const data = name === "cs" ? USER_CS : name === "ss" ? USER_SS : 0;
    cpu.setNumber(name, data);
    cpu.set(`${name}Base`, 0n);
    cpu.setNumber(`${name}Limit`, 0xffff_ffff);
    cpu.setNumber(`${name}Rights`, name === "cs" ? CODE64_RIGHTS : DATA_RIGHTS);
  }
  cpu.rflags = RFLAGS_START;
  resetFloatingPoint(cpu);
}

/** What FNINIT and a fresh MXCSR give; signal handlers start with it too. */
export function resetFloatingPoint(cpu: StateView): void {
  cpu.setNumber("fcw", FCW_START);
  cpu.setNumber("fsw", 0);
  cpu.setNumber("ftw", 0);
  cpu.setNumber("fop", 0);
  cpu.set("fip", 0n);
  cpu.set("fdp", 0n);
  cpu.setNumber("mxcsr", MXCSR_START);
  for (let i = 0; i < 8; i++) cpu.bytesOf("fpr", i).fill(0);
  for (let i = 0; i < 16; i++) cpu.bytesOf("xmm", i).fill(0);
}

export const FXSAVE_SIZE = 512;
const MXCSR_MASK = 0xffff;

/** The 512 bytes FXSAVE64 would store; ST(i) stands in place i, whatever TOP is. */
export function saveFloatingPoint(cpu: StateView): Uint8Array {
  const image = new Uint8Array(FXSAVE_SIZE);
  const view = new DataView(image.buffer);
  const top = (cpu.getNumber("fsw") >> 11) & 7;
  view.setUint16(0, cpu.getNumber("fcw"), true);
  view.setUint16(2, cpu.getNumber("fsw"), true);
  view.setUint8(4, cpu.getNumber("ftw"));
  view.setUint16(6, cpu.getNumber("fop"), true);
  view.setBigUint64(8, cpu.get("fip"), true);
  view.setBigUint64(16, cpu.get("fdp"), true);
  view.setUint32(24, cpu.getNumber("mxcsr"), true);
  view.setUint32(28, MXCSR_MASK, true);
  for (let i = 0; i < 8; i++) image.set(cpu.bytesOf("fpr", (top + i) & 7).subarray(0, 10), 32 + i * 16);
  for (let i = 0; i < 16; i++) image.set(cpu.bytesOf("xmm", i), 160 + i * 16);
  return image;
}

export function restoreFloatingPoint(cpu: StateView, image: Uint8Array): void {
  const view = new DataView(image.buffer, image.byteOffset);
  const top = (view.getUint16(2, true) >> 11) & 7;
  cpu.setNumber("fcw", view.getUint16(0, true));
  cpu.setNumber("fsw", view.getUint16(2, true));
  cpu.setNumber("ftw", view.getUint8(4));
  cpu.setNumber("fop", view.getUint16(6, true));
  cpu.set("fip", view.getBigUint64(8, true));
  cpu.set("fdp", view.getBigUint64(16, true));
  cpu.setNumber("mxcsr", view.getUint32(24, true) & MXCSR_MASK);
  for (let i = 0; i < 8; i++) cpu.bytesOf("fpr", (top + i) & 7).set(image.subarray(32 + i * 16, 42 + i * 16));
  for (let i = 0; i < 16; i++) cpu.bytesOf("xmm", i).set(image.subarray(160 + i * 16, 176 + i * 16));
}
