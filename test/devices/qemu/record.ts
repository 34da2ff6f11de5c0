/**
 * Records what QEMU's devices answer to the sequences, with the guest's exact time of each access:
 *
 *     node .scripts/ts.mjs test/devices/qemu/record.ts [--seed S] [NAME…]
 *
 * Needs qemu-system-x86_64 and gcc. QEMU counts instructions (-icount), so its time is the number of instructions executed.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Random } from "../../lib/random.ts";
import { type Recorded, writeRecorded } from "./fixture.ts";
import { type Access, SEQUENCES } from "./sequences.ts";

/** as in guest.S */
const KIND = { out: 0, in: 1, in32: 2, out16: 3, wait: 4 };
/** instructions from reading the time to the access */
const LATENCY = { out: 7, in: 8, in32: 10, out16: 10 };
const EXIT = 1;
export const RTC_BASE = "2026-11-22T23:59:58";

const { values, positionals } = parseArgs({ options: { seed: { type: "string", default: "1" } }, allowPositionals: true });
const folder = mkdtempSync(join(tmpdir(), "devices-"));
const version = execFileSync("qemu-system-x86_64", ["--version"], { encoding: "utf8" }).split("\n")[0];
try {
  const guest = join(folder, "guest");
  const source = fileURLToPath(new URL("guest.S", import.meta.url));
  execFileSync("gcc", ["-m32", "-nostdlib", "-static", "-Wl,-Ttext=0x100000,--build-id=none,-n", "-o", guest, source]);
  mkdirSync(new URL("../../fixtures/devices/", import.meta.url), { recursive: true });
  for (const { name, shift, accesses } of SEQUENCES.filter((s) => positionals.length === 0 || positionals.includes(s.name))) {
    const sequence = accesses(new Random(Number(values.seed)));
    const recorded = run(guest, shift, sequence);
    writeRecorded(name, `${version}, recorded ${new Date().toISOString().slice(0, 10)}, seed ${values.seed}`, recorded);
    console.log(`${name}: ${recorded.length} accesses in ${(recorded.at(-1)!.at / 1e9).toFixed(3)} s of guest time`);
  }
} finally {
  rmSync(folder, { recursive: true });
}

function run(guest: string, shift: number, sequence: readonly Access[]): readonly Recorded[] {
  const [program, output] = [join(folder, "accesses"), join(folder, "output")];
  writeFileSync(program, encode(sequence));
  const machine = "-machine pc,accel=tcg -m 32 -nodefaults -display none -no-reboot -serial null -device pc-testdev".split(" ");
  const time = ["-icount", `shift=${shift},sleep=off`, "-rtc", `base=${RTC_BASE},clock=vm`];
  const ends = ["-debugcon", `file:${output}`, "-device", "isa-debug-exit,iobase=0xf4,iosize=4"];
  const { status, stderr } = spawnSync("qemu-system-x86_64", [...machine, ...time, ...ends, "-kernel", guest, "-initrd", program], {
    encoding: "utf8",
    timeout: 120_000,
  });
  if (status === null || (status & EXIT) === 0) throw new Error(`QEMU ended with ${status}: ${stderr}`);
  const done = sequence.filter((a) => a.kind !== "wait") as Exclude<Access, { kind: "wait" }>[];
  const bytes = readFileSync(output);
  const results = bytes.subarray(bytes.length - 16 * done.length);
  return done.map(({ kind, port }, i) => ({
    at: Number(results.readBigUInt64LE(16 * i)) + LATENCY[kind] * 2 ** shift,
    kind,
    port,
    value: results.readUInt32LE(16 * i + 8),
  }));
}

function encode(sequence: readonly Access[]): Uint8Array {
  const bytes = Buffer.alloc(8 * sequence.length);
  for (const [i, access] of sequence.entries()) {
    bytes.writeUInt8(KIND[access.kind], 8 * i);
    bytes.writeUInt16LE("port" in access ? access.port : 0, 8 * i + 2);
    bytes.writeUInt32LE("value" in access ? access.value : 0, 8 * i + 4);
  }
  return bytes;
}
