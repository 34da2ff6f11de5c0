/**
 * The hypervisor of hypervisor.c, the same image under minusone and under Bochs: wall-clock time between what it prints first and last.
 * Needs gcc for the image and Debian's Bochs with its BIOS images; says what is missing otherwise.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const FOLDER = "build/exits";
const BIOS = "/usr/share/bochs/BIOS-bochs-latest";
const VGA = "/usr/share/bochs/VGABIOS-lgpl-latest";
const SECTOR = 512;
const LIMIT_MS = 120_000;
const POLL_MS = 5;

/** Millions of exits a second, or why there is no figure. */
export type Figure = number | string;

export async function imageFigures(): Promise<{ readonly minusone: Figure; readonly bochs: Figure }> {
  const built = spawnSync("sh", ["bench/exits/build.sh", join(process.cwd(), FOLDER)], { encoding: "utf8" });
  if (built.status !== 0) return { minusone: "the image is built by gcc", bochs: "the image is built by gcc" };
  return { minusone: await minusone(4_000_000), bochs: await bochs(4_000_000) };
}

async function minusone(count: number): Promise<Figure> {
  const args = ["dist/cli/main.js", "run", "-kernel", join(FOLDER, "hypervisor"), "-append", `count=${count}`, "-nographic"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
  let text = "";
  child.stdout.on("data", (bytes: Buffer) => {
    text += bytes.toString("latin1");
  });
  return timed(child, count, () => text);
}

async function bochs(count: number): Promise<Figure> {
  const help = spawnSync("bochs", ["--help"], { encoding: "utf8" });
  if (help.error !== undefined) return "there is no bochs";
  if (!existsSync(BIOS) || !existsSync(VGA)) return "its BIOS images are not there (Debian: bochsbios, vgabios)";
  const folder = mkdtempSync(join(tmpdir(), "exits-"));
  try {
    const disk = readFileSync(join(FOLDER, "hypervisor.img"));
    disk.write(`count=${count}\0`, SECTOR, "latin1");
    writeFileSync(join(folder, "disk"), disk);
    writeFileSync(join(folder, "bochsrc"), settings(folder).join("\n"));
    writeFileSync(join(folder, "commands"), "continue\n");
    const debuggerCommands = help.stdout.includes("-rc ") || help.stderr.includes("-rc ") ? ["-rc", join(folder, "commands")] : [];
    const child = spawn("bochs", ["-q", "-f", join(folder, "bochsrc"), ...debuggerCommands], { stdio: "ignore" });
    const output = join(folder, "serial");
    return await timed(child, count, () => (existsSync(output) ? readFileSync(output, "latin1") : ""));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function settings(folder: string): readonly string[] {
  return [
    "megs: 128",
    `romimage: file=${BIOS}`,
    `vgaromimage: file=${VGA}`,
    `ata0-master: type=disk, path=${join(folder, "disk")}, mode=flat, cylinders=1, heads=16, spt=63`,
    "boot: disk",
    `com1: enabled=1, mode=file, dev=${join(folder, "serial")}`,
    // the only display of Debian's package that needs no screen
    'display_library: rfb, options="timeout=0"',
    "sound: driver=dummy, waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy",
    "cpu: model=corei7_skylake_x, ips=1000000000",
    `log: ${join(folder, "log")}`,
    "",
  ];
}

/** Exits a second between "S" and "E count" of the text. */
async function timed(child: ChildProcess, count: number, text: () => string): Promise<Figure> {
  const limit = performance.now() + LIMIT_MS;
  let begun: number | undefined;
  try {
    while (performance.now() < limit) {
      const said = text();
      const now = performance.now();
      if (said.includes(`E ${count}`)) return begun === undefined ? "too fast to be timed" : count / (now - begun) / 1000;
      if (said.includes("S\r\n") || said.includes("S\n")) begun ??= now;
      const failed = /failed: .*/.exec(said);
      if (failed !== null) return failed[0];
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return `nothing after ${LIMIT_MS / 1000} s`;
  } finally {
    child.kill("SIGKILL");
  }
}
