/**
 * The service vCPU at the start of a call: 64-bit mode, ring 0, interrupts off, flat segments that stand in a GDT of its own, so that code
 * may load them again, and FS at a small block with the stack protector's canary where compilers look for it. SDM Vol. 3 "Segment
 * Descriptors", "Task Management in 64-bit Mode"; System V ABI AMD64 "Thread-Local Storage".
 *
 *     system page   0 GDT · 80h TSS · 100h FS block: pointer to itself, canary at +28h
 */
import type { Vcpu } from "../core/core.ts";
import { OPTION } from "../spec/events.ts";
import { STACK_CANARY } from "../vmm/constants.ts";
import type { VmmMemory } from "./vmm-memory.ts";

const SEGMENTS = { CODE: 0x08, DATA: 0x10, TSS: 0x18 } as const;
const GDT = 0n;
const GDT_LIMIT = 0x27;
const TSS = 0x80n;
const TSS_LIMIT = 0x67n;
const FS_BLOCK = 0x100n;
const CANARY = 0x28n;

const CODE_DESCRIPTOR = 0x00af_9b00_0000_ffffn;
const DATA_DESCRIPTOR = 0x00cf_9300_0000_ffffn;
const CODE_RIGHTS = 0xa09b;
const DATA_RIGHTS = 0xc093;
const BUSY_TSS = 0x8b;
const FLAT = 0xffff_ffff;

/** PE MP ET NE WP PG */
const CR0 = 0x8001_0033n;
/** PAE OSFXSR OSXMMEXCPT */
const CR4 = 0x620n;
/** LME LMA NXE */
const EFER = 0xd00n;
const XCR0 = 3n;

export function writeSystemPage(memory: VmmMemory, at: bigint): void {
  memory.zero(at, 0x1000n);
  memory.writeU64(at + GDT + BigInt(SEGMENTS.CODE), CODE_DESCRIPTOR);
  memory.writeU64(at + GDT + BigInt(SEGMENTS.DATA), DATA_DESCRIPTOR);
  const tss = at + TSS;
  const low = TSS_LIMIT | ((tss & 0xff_ffffn) << 16n) | (BigInt(BUSY_TSS) << 40n) | (((tss >> 24n) & 0xffn) << 56n);
  memory.writeU64(at + GDT + BigInt(SEGMENTS.TSS), low);
  memory.writeU64(at + GDT + BigInt(SEGMENTS.TSS) + 8n, tss >> 32n);
  memory.writeU64(at + FS_BLOCK, at + FS_BLOCK);
  memory.writeU64(at + FS_BLOCK + CANARY, STACK_CANARY);
}

/** Puts the vCPU into this state and returns a copy of it. */
export function serviceState(vcpu: Vcpu, { cr3, system }: { readonly cr3: bigint; readonly system: bigint }): Uint8Array {
  vcpu.reset();
  vcpu.set("apicBase", 0n);
  vcpu.set("cr0", CR0);
  vcpu.set("cr3", cr3);
  vcpu.set("cr4", CR4);
  vcpu.set("efer", EFER);
  vcpu.set("xcr0", XCR0);
  vcpu.setNumber("mode", 2);
  vcpu.set("stackMask", 0xffff_ffff_ffff_ffffn);
  vcpu.setNumber("options", OPTION.HOST_EXCEPTIONS);
  vcpu.set("gdtrBase", system + GDT);
  vcpu.setNumber("gdtrLimit", GDT_LIMIT);
  vcpu.set("idtrBase", 0n);
  vcpu.setNumber("idtrLimit", 0);
  segment(vcpu, "cs", SEGMENTS.CODE, CODE_RIGHTS);
  for (const name of ["ss", "ds", "es", "fs", "gs"]) segment(vcpu, name, SEGMENTS.DATA, DATA_RIGHTS);
  vcpu.set("fsBase", system + FS_BLOCK);
  vcpu.setNumber("tr", SEGMENTS.TSS);
  vcpu.set("trBase", system + TSS);
  vcpu.setNumber("trLimit", Number(TSS_LIMIT));
  vcpu.setNumber("trRights", BUSY_TSS);
  for (const name of ["rax", "rbx", "rcx", "rdx", "rbp", "rsi", "rdi"]) vcpu.set(name, 0n);
  vcpu.rflags = 2;
  return vcpu.bytes.slice();
}

function segment(vcpu: Vcpu, name: string, selector: number, rights: number): void {
  vcpu.setNumber(name, selector);
  vcpu.set(`${name}Base`, 0n);
  vcpu.setNumber(`${name}Limit`, FLAT);
  vcpu.setNumber(`${name}Rights`, rights);
}
