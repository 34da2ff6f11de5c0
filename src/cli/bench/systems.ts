/**
 * The systems that may run the kernels on this machine, what each needs, and how much work each gets so that a run takes seconds:
 * ratios are taken per repetition of a kernel.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { argumentsFor, type Kernel } from "./kernels.ts";

export interface System {
  readonly name: string;
  readonly version: string;
  /** percent of the work that the kernels' table calls 100 */
  readonly scale: number;
  /** what to run, in a folder it may write to; `output` if the kernels' lines go to a file instead of standard output */
  start(kernels: readonly Kernel[], scale: number, folder: string): { readonly command: readonly string[]; readonly output?: string };
}

/** A system, or why it is not there. */
export type Candidate = System | { readonly name: string; readonly absent: string };

const PACKAGE = fileURLToPath(new URL("../../../", import.meta.url));
/** all kernels as a static Linux program; committed, so that everybody measures the same code */
const PROGRAM = join(PACKAGE, "bench/kernels/bench64");
/** the same machine code for kernels without an operating system: a multiboot image that prints on COM1; committed as well */
const IMAGE = join(PACKAGE, "bench/kernels/bare64");
const BUILT = join(PACKAGE, "build/kernels");
const COMMAND_LINE_OFFSET = 512;

export function candidates(): readonly Candidate[] {
  return [native(), minusone(), minusoneRun(), qemuUser(), qemuSystem(), bochs(), v86("v86", 100, "on"), v86("v86-nojit", 4, "off")];
}

/** long enough that the JavaScript engine has compiled the core when a kernel starts to count */
const OWN_SCALE = 40;

function native(): Candidate {
  const name = "native";
  if (process.platform !== "linux" || process.arch !== "x64") return { name, absent: "needs Linux on x86-64" };
  return { name, version: "", scale: 200, start: (kernels, scale) => ({ command: [PROGRAM, ...argumentsFor(kernels, scale)] }) };
}

function minusone(): Candidate {
  const start: System["start"] = (kernels, scale) => ({ command: [...MINUSONE, "exec", PROGRAM, ...argumentsFor(kernels, scale)] });
  return { name: "minusone", version: ownVersion(), scale: OWN_SCALE, start };
}

/** the whole machine instead of a program alone */
function minusoneRun(): Candidate {
  const start: System["start"] = (kernels, scale) => ({ command: [...MINUSONE, "run", ...machineOptions(kernels, scale)] });
  return { name: "minusone-run", version: ownVersion(), scale: OWN_SCALE, start };
}

function qemuUser(): Candidate {
  const name = "qemu-user";
  const path = findProgram("qemu-x86_64") ?? findProgram("qemu-x86_64-static");
  if (path === undefined) return { name, absent: "no qemu-x86_64 in PATH (Debian: qemu-user)" };
  const start: System["start"] = (kernels, scale) => ({ command: [path, PROGRAM, ...argumentsFor(kernels, scale)] });
  return { name, version: version(textOf(path, "--version")), scale: 50, start };
}

function qemuSystem(): Candidate {
  const name = "qemu-system";
  const path = findProgram("qemu-system-x86_64");
  if (path === undefined) return { name, absent: "no qemu-system-x86_64 in PATH (Debian: qemu-system-x86)" };
  const start: System["start"] = (kernels, scale) => ({
    command: [path, "-accel", "tcg", "-display", "none", ...machineOptions(kernels, scale)],
  });
  return { name, version: version(textOf(path, "--version")), scale: 50, start };
}

function bochs(): Candidate {
  const name = "bochs";
  const path = findProgram("bochs");
  if (path === undefined) return { name, absent: "no bochs in PATH (Debian: bochs)" };
  const bios = firstExisting(["/usr/share/bochs/BIOS-bochs-latest"]);
  const vga = firstExisting(["/usr/share/bochs/VGABIOS-lgpl-latest"]);
  if (bios === undefined || vga === undefined) return { name, absent: "no BIOS images for it (Debian: bochsbios vgabios)" };
  const image = join(BUILT, "bare64.img");
  if (!existsSync(image)) return { name, absent: NOT_BUILT };
  const help = textOf(path, "--help");
  // a Bochs built with its debugger stops before the first instruction and waits for "continue"
  const hasDebugger = help.includes("-rc ");
  return {
    name,
    version: version(help),
    scale: 4,
    start(kernels, scale, folder) {
      const output = join(folder, "serial");
      writeFileSync(join(folder, "disk"), diskImage(image, argumentsFor(kernels, scale)));
      const settings = [
        "megs: 128",
        `romimage: file=${bios}`,
        `vgaromimage: file=${vga}`,
        `ata0-master: type=disk, path=${join(folder, "disk")}, mode=flat, cylinders=1, heads=16, spt=63`,
        "boot: disk",
        `com1: enabled=1, mode=file, dev=${output}`,
        // the only display of Debian's package that needs no screen
        'display_library: rfb, options="timeout=0"',
        "sound: driver=dummy, waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy",
        "cpu: model=corei7_sandy_bridge_2600k, ips=1000000000",
        `log: ${join(folder, "log")}`,
      ];
      writeFileSync(join(folder, "bochsrc"), `${settings.join("\n")}\n`);
      writeFileSync(join(folder, "commands"), "continue\n");
      return { command: [path, "-q", "-f", join(folder, "bochsrc"), ...(hasDebugger ? ["-rc", join(folder, "commands")] : [])], output };
    },
  };
}

/** v86 runs the kernels' 32-bit form: it has no 64-bit mode. */
function v86(name: string, scale: number, jit: "on" | "off"): Candidate {
  const library = findV86();
  if (library === undefined) return { name, absent: "npm package v86 not found (npm install --no-save v86, or MINUSONE_V86=its folder)" };
  const bios = firstExisting(["/usr/share/seabios/bios.bin", "/usr/share/bochs/BIOS-bochs-latest"]);
  const vga = firstExisting(["/usr/share/seabios/vgabios-stdvga.bin", "/usr/share/bochs/VGABIOS-lgpl-latest"]);
  if (bios === undefined || vga === undefined) return { name, absent: "no BIOS images for it (Debian: seabios, or bochsbios and vgabios)" };
  const image = join(BUILT, "bare32.img");
  if (!existsSync(image)) return { name, absent: NOT_BUILT };
  return {
    name,
    version: library.version,
    scale,
    start(kernels, scale, folder) {
      const disk = join(folder, "disk");
      writeFileSync(disk, diskImage(image, argumentsFor(kernels, scale)));
      const script = join(PACKAGE, "dist/cli/bench/v86-child.js");
      return { command: [process.execPath, script, library.main, bios, vga, disk, jit] };
    },
  };
}

/** what QEMU and minusone both understand */
function machineOptions(kernels: readonly Kernel[], scale: number): readonly string[] {
  return ["-m", "128M", "-kernel", IMAGE, "-append", argumentsFor(kernels, scale).join(" "), "-serial", "stdio"];
}

const MINUSONE = [process.execPath, join(PACKAGE, "dist/cli/main.js")];

function ownVersion(): string {
  return (JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8")) as { version: string }).version;
}

const NOT_BUILT = "its disk image is not built (npm run bench builds it where gcc is installed)";

function diskImage(path: string, words: readonly string[]): Buffer {
  const image = readFileSync(path);
  image.fill(0, COMMAND_LINE_OFFSET, 2 * COMMAND_LINE_OFFSET);
  image.write(words.join(" "), COMMAND_LINE_OFFSET, "latin1");
  return image;
}

function findV86(): { main: string; version: string } | undefined {
  try {
    const from = createRequire(join(PACKAGE, "package.json"));
    const main = from.resolve(process.env.MINUSONE_V86 ?? "v86");
    const about = JSON.parse(readFileSync(join(main, "../../package.json"), "utf8")) as { version: string };
    return { main, version: about.version };
  } catch {
    return undefined;
  }
}

function findProgram(name: string): string | undefined {
  return (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

function textOf(path: string, flag: string): string {
  const { stdout, stderr } = spawnSync(path, [flag], { encoding: "utf8" });
  return stdout + stderr;
}

function version(text: string): string {
  return /\d+\.\d+(\.\d+)?/.exec(text)?.[0] ?? "unknown";
}

function firstExisting(paths: readonly string[]): string | undefined {
  return paths.find((path) => existsSync(path));
}
