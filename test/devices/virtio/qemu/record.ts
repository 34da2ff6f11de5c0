/**
 * Asks QEMU: `node .scripts/ts.mjs test/devices/virtio/qemu/record.ts`. It runs without firmware, with a ROM that only halts, so that nothing
 * but the questions, which go through its test interface, touches its devices.
 */
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ask } from "./program.ts";
import { DISK_BYTES, diskByte, type Target } from "./target.ts";

const SEED = 1;
const ROM_BYTES = 65536;
const LETTERS: Readonly<Record<number, string>> = { 1: "b", 2: "w", 4: "l" };

class Qemu implements Target {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #waiting: ((line: string) => void)[] = [];

  constructor(args: readonly string[]) {
    this.#process = spawn("qemu-system-x86_64", args);
    this.#process.stderr.pipe(process.stderr);
    createInterface(this.#process.stdout).on("line", (line) => this.#waiting.shift()?.(line));
  }

  async in(port: number, size: number): Promise<number> {
    return Number((await this.#say(`in${LETTERS[size]} 0x${port.toString(16)}`))[1]);
  }

  async out(port: number, size: number, value: number): Promise<void> {
    await this.#say(`out${LETTERS[size]} 0x${port.toString(16)} 0x${value.toString(16)}`);
  }

  async read(address: number, size: number): Promise<number> {
    return Number((await this.#say(`read${LETTERS[size]} 0x${address.toString(16)}`))[1]);
  }

  async write(address: number, size: number, value: number): Promise<void> {
    await this.#say(`write${LETTERS[size]} 0x${address.toString(16)} 0x${value.toString(16)}`);
  }

  async get(gpa: number, length: number): Promise<Uint8Array> {
    return Buffer.from((await this.#say(`read 0x${gpa.toString(16)} ${length}`))[1].slice(2), "hex");
  }

  async put(gpa: number, bytes: Uint8Array): Promise<void> {
    await this.#say(`write 0x${gpa.toString(16)} ${bytes.length} 0x${Buffer.from(bytes).toString("hex")}`);
  }

  end(): void {
    this.#process.kill();
  }

  async #say(line: string): Promise<string[]> {
    const answer = new Promise<string>((resolve) => this.#waiting.push(resolve));
    this.#process.stdin.write(`${line}\n`);
    const words = (await answer).split(" ");
    if (words[0] !== "OK") throw new Error(`${line}: ${words.join(" ")}`);
    return words;
  }
}

const folder = mkdtempSync(join(tmpdir(), "virtio-"));
try {
  const [rom, disk] = [join(folder, "rom"), join(folder, "disk")];
  // cli; hlt; jmp to the hlt, at the reset vector
  const code = Uint8Array.of(0xfa, 0xf4, 0xeb, 0xfd);
  const romBytes = new Uint8Array(ROM_BYTES);
  romBytes.set(code, ROM_BYTES - 16);
  writeFileSync(rom, romBytes);
  writeFileSync(
    disk,
    Uint8Array.from({ length: DISK_BYTES }, (_, i) => diskByte(i)),
  );
  const machine = `-machine pc,accel=tcg -m 64 -nodefaults -display none -bios ${rom} -qtest stdio -qtest-log none`.split(" ");
  const drive = ["-drive", `if=none,id=d,file=${disk},format=raw,snapshot=on`];
  const block = "virtio-blk-pci,drive=d,addr=2,disable-legacy=on,ioeventfd=off,num-queues=1,queue-size=256,logical_block_size=512";
  const rng = "virtio-rng-pci,addr=3,disable-legacy=on,ioeventfd=off";
  const qemu = new Qemu([...machine, ...drive, "-device", block, "-device", rng]);
  const notes = await ask(qemu, SEED);
  qemu.end();
  const version = execFileSync("qemu-system-x86_64", ["--version"], { encoding: "utf8" }).split("\n")[0];
  const recorded = { by: version, date: new Date().toISOString().slice(0, 10), seed: SEED };
  const fixtures = new URL("../../../fixtures/devices/", import.meta.url);
  mkdirSync(fixtures, { recursive: true });
  const lines = notes.map((note) => `  ${JSON.stringify(note)}`).join(",\n");
  writeFileSync(new URL("virtio.json", fixtures), `{ "recorded": ${JSON.stringify(recorded)}, "notes": [\n${lines}\n] }\n`);
  console.log(`${notes.length} answers`);
} finally {
  rmSync(folder, { recursive: true });
}
