/** A bare 64-bit machine for measurements: one vCPU at ring 3, the first 16 MiB mapped at their own address, exceptions answered by the host. */
import { readFileSync } from "node:fs";
import { Core, type Vcpu } from "../src/core/core.ts";
import { OPTION } from "../src/spec/events.ts";

export const WASM = new URL("../dist/core.wasm", import.meta.url);
export const CODE = 0x10_0000;
export const DATA = 0x80_0000;

const MIB = 32;
const TABLES = 0x1000;
const PRESENT_WRITE_USER = 7n;
const LARGE = 0x80n;
/** CR0: PG WP NE ET MP PE; CR4: PAE OSFXSR OSXMMEXCPT; EFER: NXE LMA LME SCE */
const CONTROL = { cr0: 0x8001_0033n, cr3: BigInt(TABLES), cr4: 0x620n, efer: 0xd01n } as const;

/** Code at CODE, RIP there, RSI at DATA, RSP at the end of the first page of data. */
export function machine(code: Uint8Array, module = new WebAssembly.Module(readFileSync(WASM))): { core: Core; vcpu: Vcpu } {
  const core = new Core(module, MIB);
  const entries = new BigUint64Array(core.ram.buffer, core.ram.byteOffset, core.ram.length / 8);
  entries[TABLES / 8] = BigInt(TABLES + 0x1000) | PRESENT_WRITE_USER;
  entries[TABLES / 8 + 512] = BigInt(TABLES + 0x2000) | PRESENT_WRITE_USER;
  for (let i = 0; i < MIB / 2; i++) entries[TABLES / 8 + 1024 + i] = (BigInt(i) << 21n) | LARGE | PRESENT_WRITE_USER;
  core.ram.set(code, CODE);

  const vcpu = core.vcpu(0);
  for (const [name, value] of Object.entries(CONTROL)) vcpu.set(name, value);
  vcpu.setNumber("mode", 2);
  vcpu.setNumber("cpl", 3);
  vcpu.setNumber("options", OPTION.HOST_EXCEPTIONS | OPTION.HOST_SYSCALLS);
  vcpu.set("stackMask", 0xffff_ffff_ffff_ffffn);
  vcpu.set("rip", BigInt(CODE));
  vcpu.set("rsi", BigInt(DATA));
  vcpu.set("rsp", BigInt(DATA + 4096));
  vcpu.rflags = 0x202;
  vcpu.refresh();
  return { core, vcpu };
}
