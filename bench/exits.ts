/**
 * `npm run bench:exits`: round trips of CPUID from a guest to its hypervisor and back, by who answers: the core by the VMM's policy, the VMM's
 * handler in TypeScript, a module's handler in C, a hypervisor in machine code that does nothing else. Beside them CPUID without a VM, and a
 * plain instruction; the ratios are of this run. Times are the process's own, so that what else runs on the machine counts less.
 */
import { readFileSync } from "node:fs";
import { Core, type Vcpu } from "../src/core/core.ts";
import { max } from "../src/cpus/max.ts";
import { Vmm } from "../src/driver/vmm.ts";
import { GuestMemory } from "../src/machine/guest-memory.ts";
import { EXIT_REASON } from "../src/spec/exits.ts";
import { encodingOf } from "../src/vcpu/intel_x64/vmx.ts";
import { imageFigures } from "./exits/image.ts";

const MIB = 64;
const POOL = { physical: 16n << 20n, bytes: 48n << 20n };
const MODULE = new WebAssembly.Module(readFileSync(new URL("../dist/core.wasm", import.meta.url)));
const RUNTIME = new Uint8Array(readFileSync(new URL("../dist/modules/runtime.so", import.meta.url)));
const COUNTER = new Uint8Array(readFileSync(new URL("../src/modules/examples/cpuid-counter.so", import.meta.url)));
const TABLES = 0x1000;
const GDT = 0x4000;
const TSS = 0x4100;
const CODE = 0x10_0000;
/** of the hypervisor in machine code: its instructions, and the end of its stack */
const HOST = 0x18_0000;
const HOST_STACK = 0x19_0000;
/** copies of the measured code in the loop */
const COPIES = 64;
const SECONDS = 1;
const ROUNDS = 3;

const XOR_EAX = "31c0";
const XOR_ECX = "31c9";
const CPUID = "0fa2";
const MOV = "89d8";
/**
 * CPUID for the guest, in its own registers; guest RIP += 2; VMRESUME.
 * cpuid; push rax; push rdx; mov edx, 681Eh; vmread rax, rdx; add rax, 2; vmwrite rdx, rax; pop rdx; pop rax; vmresume
 */
const HYPERVISOR = "0fa2 50 52 ba1e680000 0f78d0 4883c002 0f79d0 5a 58 0f01c3";

const bytes = (hex: string): Uint8Array => Buffer.from(hex.replaceAll(" ", ""), "hex");

interface Bench {
  readonly core: Core;
  readonly vcpu: Vcpu;
  readonly vmm: Vmm;
}

/** A loop of `code` in ring 0 of a bare machine, its memory mapped to itself. */
function os(code: string): Bench {
  const core = new Core(MODULE, MIB, { ...max, features: [...max.features, "vmx"] });
  const quads = new BigUint64Array(core.ram.buffer, core.ram.byteOffset, core.ram.length / 8);
  quads[TABLES / 8] = BigInt(TABLES + 0x1000) | 3n;
  quads[TABLES / 8 + 512] = BigInt(TABLES + 0x2000) | 3n;
  for (let i = 0; i < MIB / 2; i++) quads[TABLES / 8 + 1024 + i] = (BigInt(i) << 21n) | 0x83n;
  quads.set([0n, 0x00af_9b00_0000_ffffn, 0x00cf_9300_0000_ffffn, 0x0000_8900_0000_0067n | (BigInt(TSS) << 16n), 0n], GDT / 8);
  const loop = bytes(code.repeat(COPIES));
  core.ram.set(loop, CODE);
  core.ram.set([0xe9], CODE + loop.length);
  new DataView(core.ram.buffer, core.ram.byteOffset).setInt32(CODE + loop.length + 1, -loop.length - 5, true);
  core.ram.set(bytes(HYPERVISOR), HOST);
  const vcpu = core.vcpu(0);
  vcpu.reset();
  const wide = { cr0: 0x8001_0033n, cr3: BigInt(TABLES), cr4: 0x620n, efer: 0xd01n, rip: BigInt(CODE), rsp: 0x17_0000n };
  for (const [name, value] of Object.entries({
    ...wide,
    gdtrBase: BigInt(GDT),
    stackMask: ~0n & 0xffff_ffff_ffff_ffffn,
    trBase: BigInt(TSS),
  }))
    vcpu.set(name, value);
  for (const [name, value] of Object.entries({ gdtrLimit: 0x27, tr: 0x18, trLimit: 0x67, trRights: 0x8b, ldtrRights: 0, mode: 2 }))
    vcpu.setNumber(name, value);
  for (const [name, selector, rights] of [
    ["cs", 8, 0xa09b],
    ["ss", 16, 0xc093],
    ["ds", 16, 0xc093],
    ["es", 16, 0xc093],
  ] as const) {
    vcpu.setNumber(name, selector);
    vcpu.setNumber(`${name}Limit`, 0xffff_ffff);
    vcpu.setNumber(`${name}Rights`, rights);
    vcpu.set(`${name}Base`, 0n);
  }
  vcpu.rflags = 2;
  vcpu.refresh();
  return { core, vcpu, vmm: new Vmm({ core, memory: new GuestMemory(core), pool: POOL, runtime: RUNTIME }) };
}

function underVmm(bench: Bench): Bench {
  bench.vmm.load();
  bench.vmm.start();
  return bench;
}

/** Millions of what `count` counts in each second of the process's own time, for a while. */
function rate({ vcpu }: Bench, count: () => number): number {
  const before = count();
  const start = process.cpuUsage().user;
  for (const end = performance.now() + SECONDS * 1000; performance.now() < end; ) for (let n = 0; n < 10; n++) vcpu.run(1_000_000n);
  return (count() - before) / (process.cpuUsage().user - start);
}

const instructions = ({ vcpu }: Bench) => Number(vcpu.get("instructions"));
const exits = ({ core }: Bench) => core.exitStats().find(({ reason }) => reason === EXIT_REASON.CPUID)?.count ?? 0;
const ASK = `${XOR_EAX}${XOR_ECX}${CPUID}`;

const plain = os(MOV);
const bare = os(ASK);
const fast = underVmm(os(ASK));
fast.core.fastPath.passPlain();
const typescript = underVmm(os(ASK));
typescript.core.fastPath.clear();
const machineCode = underVmm(os(ASK));
machineCode.core.fastPath.clear();
machineCode.vmm.cpu.inRoot(() => {
  const set = { hostRip: BigInt(HOST), hostRsp: BigInt(HOST_STACK), hostCr3: BigInt(TABLES) };
  for (const [field, value] of Object.entries(set)) machineCode.vmm.cpu.vmwrite(encodingOf(field), value);
});
const elf = os(ASK);
elf.vmm.addModule("cpuid-counter.so", COUNTER);
underVmm(elf);

const rows: readonly { readonly what: string; readonly bench: Bench; readonly count: () => number }[] = [
  { what: "mov, a plain instruction", bench: plain, count: () => instructions(plain) },
  { what: "cpuid without a VM", bench: bare, count: () => instructions(bare) / 3 },
  { what: "cpuid exit, answered by policy in the core", bench: fast, count: () => exits(fast) },
  { what: "cpuid exit, handler in TypeScript", bench: typescript, count: () => exits(typescript) },
  { what: "cpuid exit, handler in C of an ELF module", bench: elf, count: () => exits(elf) },
  { what: "cpuid exit, hypervisor in machine code", bench: machineCode, count: () => exits(machineCode) },
];
// the first rounds are the engine's, to compile
const rounds = Array.from({ length: ROUNDS }, () => rows.map(({ bench, count }) => rate(bench, count)));
const best = rows.map((_, n) => Math.max(...rounds.map((round) => round[n])));
for (const [n, { what }] of rows.entries())
  console.log(
    `${what.padEnd(44)} ${best[n].toFixed(2).padStart(8)} million a second   ${(best[0] / best[n]).toFixed(1).padStart(6)} plain ones`,
  );
const image = await imageFigures();
for (const [name, figure] of Object.entries(image))
  console.log(
    `${`cpuid exit, hypervisor image on ${name}`.padEnd(44)} ${typeof figure === "string" ? `no figure: ${figure}` : `${figure.toFixed(2).padStart(8)} million a second, wall-clock`}`,
  );
if (typeof image.minusone === "number" && typeof image.bochs === "number")
  console.log(`${(image.minusone / image.bochs).toFixed(2)} times as many as Bochs`);
