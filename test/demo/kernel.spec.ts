/**
 * The bundled operating system: its committed image is what its sources say, and does what it did on QEMU 7.2 (TCG) on 22 November 2026
 * (test/fixtures/demo.txt, made by test/demo/record.ts).
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { expect, test } from "vitest";
import { Machine } from "../../src/machine/machine.ts";
import { CAN_REBUILD, rebuild } from "../lib/rebuild.ts";
import { comparable, HAS_QEMU, IMAGE, runQemu } from "./kernel-text.ts";

const recorded = readFileSync("test/fixtures/demo.txt", "utf8");

test("the image is small", () => {
  expect(statSync(IMAGE).size).toBeLessThanOrEqual(65536);
});

// skipped without a C compiler: the committed image is compared with what its source makes
test.skipIf(!CAN_REBUILD)("the image is built from src/demo/kernel", () => {
  mkdirSync("build", { recursive: true });
  const built = `${process.cwd()}/build/kernel`;
  const { sameCompiler, sameBytes } = rebuild("src/demo/kernel/build.sh", [built], IMAGE, built);
  if (sameCompiler) expect(sameBytes).toBe(true);
  if (HAS_QEMU) expect(runQemu(built, "selftest")).toMatch(/^selftest: (\d+) of \1 ok\r?$/m);
});

// skipped without QEMU: the fixture recorded from it stands in for it
test.skipIf(!HAS_QEMU)("QEMU runs the demonstration as recorded", () => {
  expect(comparable(runQemu(IMAGE, "demo"))).toBe(recorded);
});

const module = new WebAssembly.Module(readFileSync("build/core.wasm"));

async function boot(
  append: string,
  kernel: Uint8Array = readFileSync(IMAGE),
): Promise<{ readonly machine: Machine; readonly text: () => string }> {
  const machine = await Machine.create({ module, memory: 16, kernel, append });
  let text = "";
  machine.on("serial", (bytes) => {
    text += Buffer.from(bytes).toString("latin1");
  });
  return { machine, text: () => text };
}

/** what a command prints before it switches the machine off */
async function outputOf(command: string, kernel?: Uint8Array): Promise<string> {
  const { machine, text } = await boot(command, kernel);
  expect(await machine.run({ cycles: 10e9 })).toEqual({ reason: "power off" });
  return text();
}

/** On QEMU there is no VMM; ours answers a VMCALL without its magic number by its failure code in RDX. */
const ALONE = "vmcall ended by #UD invalid opcode: error code 0x0\nVMCALL is an invalid opcode: nobody is underneath\n";
const UNDERNEATH = "VMCALL came back: rax 0x0, rbx 0x0, rcx 0x0, rdx 0x8000001000000000\na hypervisor is underneath\n";

test("npm start boots it, with a VMM underneath for a while", () => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [".scripts/start.mjs"], { encoding: "utf8" });
  expect(stderr).toBe("");
  expect(stdout).toMatch(/^processor {2}minusone/m);
  const own = stdout.replace(/^\| .*\n/gm, "");
  expect(recorded).toContain(ALONE);
  expect(comparable(own)).toContain(recorded.replace(ALONE, UNDERNEATH));
  expect(stdout).toMatch(/^[\d,]+ instructions in [\d.]+ s of processor time: \d+ million a second$/m);
  expect(status).toBe(0);
});

/** what QEMU's own processor does not do as real ones: SDM 3A "Exception and Interrupt Reference" */
test.each([
  ["ss", "#SS stack fault: error code 0x0"],
  ["xm", "#XM SIMD floating-point exception: error code 0x0"],
  ["int80", "#GP general protection: error code 0x402"],
])("fault %s ends a process by %s", async (kind, text) => {
  expect(await outputOf(`fault ${kind}`)).toContain(`fault ended by ${text}\r\n`);
});

test.each([
  ["ud", "#UD invalid opcode in the kernel: vector 6, error code 0x0"],
  ["pf", "#PF page fault in the kernel: vector 14, error code 0x2"],
  ["df", "#DF double fault in the kernel: vector 8, error code 0x0"],
])("crash %s: the kernel says what happened and switches off", async (kind, text) => {
  const output = await outputOf(`crash ${kind}`);
  expect(output).toContain(`panic: ${text}\r\nSwitching off`);
  expect(output).toMatch(/^rip ffffffff801[\da-f]{5} {2}rfl /m);
});

test("the shell answers what is typed", async () => {
  const { machine, text } = await boot("");
  const prompt = { until: () => text().endsWith("\n> "), cycles: 1e9 };
  for (const line of ["primes 1000", "nonsense", "priX\x7fmes 100; pi", "spin 30 &", "exit"]) {
    expect(await machine.run(prompt)).toEqual({ reason: "until" });
    machine.serial.write(Buffer.from(`${line}\r`));
    await machine.run({ cycles: 1e6 });
  }
  expect(await machine.run({ cycles: 1e9 })).toEqual({ reason: "power off" });
  expect(text()).toContain("> primes 1000\r\n168 primes below 1000\r\n");
  expect(text()).toContain("> nonsense\r\nnonsense: there is no such program; try help\r\n");
  expect(text()).toContain("> priX\b \bmes 100; pi\r\n25 primes below 100\r\n4 arctan 1 = 3.14159265358979324\r\n");
  expect(text()).toMatch(/> exit\r\nSwitching off after \d+ ms\.\r\n$/);
});

test("where a loader knows no multiboot, it starts by its PVH note", async () => {
  const kernel = readFileSync(IMAGE);
  const header = kernel.indexOf(Buffer.of(0x02, 0xb0, 0xad, 0x1b));
  kernel.fill(0, header, header + 4);
  expect(await outputOf("pi", kernel)).toContain("\n4 arctan 1 = 3.14159265358979324\r\nSwitching off");
});

test("an NMI is reported, in a program and while everybody sleeps", async () => {
  for (const command of ["spin 20", "sh"]) {
    const { machine, text } = await boot(command);
    await machine.run({ cycles: 20e6 });
    machine.pc.vcpu.raiseNmi();
    await machine.run({ cycles: 3e6 });
    expect(text().match(/NMI/g)).toEqual(["NMI"]);
    expect(machine.ended).toBeUndefined();
  }
});
