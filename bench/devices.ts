/**
 * `npm run bench:devices`: a polled serial port, timer interrupts that are waited for by HLT, sequential reads of a virtio disk; and the same
 * image under QEMU, where it is installed. The guest is bench/devices/guest.c, so what is measured is the way from an instruction to a device
 * and back rather than anybody's drivers. QEMU's timer keeps to real time, so its interrupts are not compared.
 */
import { spawn, spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CopyOnWrite } from "../src/devices/backends/copy-on-write.ts";
import { Machine } from "../src/machine/machine.ts";
import { WASM } from "./machine.ts";

const IMAGE = fileURLToPath(new URL("devices/guest", import.meta.url));
const QEMU = "qemu-system-x86_64";
const ROUNDS = 3;
const DISK_MIB = 64;

interface Path {
  readonly name: string;
  readonly amount: number;
  readonly unit: string;
  readonly onQemu: boolean;
}

/** amounts as in guest.c */
const PATHS: readonly Path[] = [
  { name: "serial", amount: 2 ** 20 / 1e6, unit: "million bytes", onQemu: true },
  { name: "timer", amount: 0.2, unit: "million interrupts", onQemu: false },
  { name: "disk", amount: 4 * DISK_MIB, unit: "MiB", onQemu: true },
];

const folder = mkdtempSync(join(tmpdir(), "bench-"));
try {
  const disk = join(folder, "disk");
  writeFileSync(
    disk,
    Uint8Array.from({ length: DISK_MIB << 20 }, (_, i) => i >>> 3),
  );
  const module = new WebAssembly.Module(readFileSync(WASM));
  const hasQemu = spawnSync(QEMU, ["--version"]).status === 0;
  for (const path of PATHS) {
    const ours = await best(() => onMachine(module, path.name, disk));
    const theirs = hasQemu && path.onQemu ? await best(() => onQemu(path.name, disk)) : undefined;
    const compared = theirs === undefined ? "" : `, QEMU ${rate(path, theirs)}: ${(ours / theirs).toFixed(2)} times its time`;
    console.log(`${path.name.padEnd(7)} ${rate(path, ours)} ${path.unit} a second${compared}`);
  }
} finally {
  rmSync(folder, { recursive: true });
}

async function best(measure: () => Promise<number>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < ROUNDS; i++) times.push(await measure());
  return Math.min(...times);
}

function rate({ amount }: Path, seconds: number): string {
  return (amount / seconds).toPrecision(3);
}

/** Seconds from the guest's B to its E. */
async function onMachine(module: WebAssembly.Module, name: string, disk: string): Promise<number> {
  const file = openSync(disk, "r");
  const backend = new CopyOnWrite(DISK_MIB << 20, (at, into) => readSync(file, into, 0, into.length, at));
  const machine = await Machine.create({ module, memory: 64, kernel: readFileSync(IMAGE), append: name, drives: [{ backend }] });
  let start = 0;
  let end = 0;
  machine.serial.watch("B\n", () => {
    start = performance.now();
  });
  machine.serial.watch("E\n", () => {
    end = performance.now();
  });
  const stop = await machine.run();
  machine.destroy();
  closeSync(file);
  if (end === 0) throw new Error(`${name} ended with ${JSON.stringify(stop)}`);
  return (end - start) / 1e3;
}

async function onQemu(name: string, disk: string): Promise<number> {
  const machine = "-machine pc -accel tcg -m 64 -display none -serial stdio -no-reboot".split(" ");
  const drive = `-drive file=${disk},if=none,id=d,format=raw,snapshot=on -device virtio-blk-pci,drive=d,disable-legacy=on`.split(" ");
  const child = spawn(QEMU, [...machine, ...drive, "-kernel", IMAGE, "-append", name], { stdio: ["ignore", "pipe", "inherit"] });
  let start = 0;
  let end = 0;
  let text = "";
  child.stdout.on("data", (bytes: Buffer) => {
    if (start === 0 && bytes.includes("B")) start = performance.now();
    text = (text + bytes.toString("latin1")).slice(-3).replaceAll("\r", "");
    if (text.endsWith("E\n")) end = performance.now();
  });
  await new Promise((resolve) => child.on("close", resolve));
  if (end === 0) throw new Error(`${name} failed on QEMU`);
  return (end - start) / 1e3;
}
