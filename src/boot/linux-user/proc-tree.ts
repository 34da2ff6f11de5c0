/** /proc: the files that programs look into for themselves and for the machine; made of the processes of this run, not the host's. proc(5) */

import { directory, link } from "./dev-tree.ts";
import { TextFile } from "./device-files.ts";
import { madeUpStatus, S_IF } from "./file-status.ts";
import { PAGE } from "./frames.ts";
import type { Kernel } from "./kernel.ts";
import type { Process } from "./process.ts";
import { PROT, type Region } from "./regions.ts";
import type { MadeNode } from "./tree.ts";
import { concatenate } from "./user-memory.ts";

/** nanoseconds of one clock tick: USER_HZ is 100 */
export const TICK = 10_000_000;
const CPUINFO = "processor\t: 0\nvendor_id\t: minusone\nmodel name\t: x86-64 in WebAssembly\ncpu MHz\t\t: 1000.000\n\n";

export function makeProc(kernel: Kernel): MadeNode {
  const { clock } = kernel;
  const seconds = () => (clock.now() / 1e9).toFixed(2);
  const files: Record<string, () => string> = {
    cpuinfo: () => CPUINFO,
    filesystems: () => "nodev\tproc\nnodev\tdevtmpfs\n\text4\n",
    loadavg: () => `0.00 0.00 0.00 1/${kernel.processes.size} ${Math.max(...kernel.processes.keys())}\n`,
    meminfo: () => memoryInformation(kernel),
    stat: () => `cpu  ${Math.floor(clock.now() / TICK)} 0 0 0 0 0 0 0 0 0\nbtime 0\nprocesses ${kernel.statistics.processes}\n`,
    uptime: () => `${seconds()} 0.00\n`,
    version: () => "Linux version 6.1.0 (minusone) #1\n",
  };
  const nodes = new Map(Object.entries(files).map(([name, make]) => [name, text(make, 0o444)]));
  nodes.set("self", link(4, String(kernel.current?.pid)));
  nodes.set("mounts", link(5, "self/mounts"));
  const root = directory(1, nodes);
  const pids = () => [...kernel.processes.keys()].map(String);
  return {
    status: root.status,
    names: () => [...nodes.keys(), ...pids()],
    lookup: (name) => nodes.get(name) ?? processNode(kernel, name),
  };
}

function processNode(kernel: Kernel, name: string): MadeNode | undefined {
  const process = /^\d+$/.test(name) ? kernel.processes.get(Number(name)) : undefined;
  if (process === undefined) return undefined;
  const join = (parts: readonly Uint8Array[]) => new TextDecoder().decode(concatenate(parts.flatMap((p) => [p, new Uint8Array(1)])));
  return directory(
    process.pid,
    new Map([
      ["cmdline", text(() => join(process.args), 0o444)],
      ["comm", text(() => `${process.name}\n`, 0o644)],
      ["cwd", link(6, process.directory)],
      ["environ", text(() => join(process.environment), 0o400)],
      ["exe", link(7, process.executable)],
      ["fd", descriptorDirectory(process)],
      ["maps", text(() => mappings(process), 0o444)],
      ["mounts", text(() => "rootfs / rootfs rw 0 0\nproc /proc proc rw 0 0\ndevtmpfs /dev devtmpfs rw 0 0\n", 0o444)],
      ["root", link(8, "/")],
      ["stat", text(() => statLine(kernel, process), 0o444)],
      ["statm", text(() => `${process.memory.space.size / PAGE} 0 0 0 0 0 0\n`, 0o444)],
      ["status", text(() => statusText(kernel, process), 0o444)],
    ]),
  );
}

function text(make: () => string, mode: number): MadeNode {
  const status = madeUpStatus(S_IF.REG | mode, 3);
  return { status, open: (path, flags) => new TextFile(path, make(), status, flags) };
}

function descriptorDirectory(process: Process): MadeNode {
  const nodes = new Map<string, MadeNode>();
  for (const fd of process.descriptors.numbers()) {
    const file = process.descriptors.get(fd);
    const node = link(9 + fd, file.path);
    // what has a path is opened anew, as on Linux; the rest is shared
    nodes.set(
      String(fd),
      file.path.startsWith("/") && file.input === undefined && !file.path.startsWith("/dev/pts/") ? node : { ...node, file },
    );
  }
  return directory(8, nodes);
}

/** The lines of /proc/PID/maps. */
export function mappings(process: Process): string {
  return [...process.memory.space.regions].map((r) => `${mappingLine(r)}\n`).join("");
}

export function mappingLine(r: Region): string {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0");
  const letter = (bit: number, name: string) => ((r.protection & bit) !== 0 ? name : "-");
  const rights = letter(PROT.READ, "r") + letter(PROT.WRITE, "w") + letter(PROT.EXEC, "x") + (r.shared ? "s" : "p");
  const head = `${hex(r.start, 8)}-${hex(r.end, 8)} ${rights} ${hex(r.source === undefined ? 0 : r.page * PAGE, 8)} 00:00 0`;
  const name = r.name ?? r.source?.name ?? "";
  return name === "" ? `${head} ` : `${head.padEnd(72)} ${name}`;
}

function memoryInformation(kernel: Kernel): string {
  const { frames } = kernel;
  const row = (name: string, pages: number) => `${`${name}:`.padEnd(16)}${String(pages * 4).padStart(8)} kB\n`;
  const free = frames.total - frames.used;
  return (
    row("MemTotal", frames.total) +
    row("MemFree", free) +
    row("MemAvailable", free) +
    row("Buffers", 0) +
    row("Cached", 0) +
    row("SwapTotal", 0)
  );
}

function letterOf(process: Process): string {
  if (!process.isAlive) return "Z";
  if (process.stopped !== 0) return "T";
  return process.pending === undefined ? "R" : "S";
}

function statLine(kernel: Kernel, process: Process): string {
  const ticks = Math.floor(process.instructions / TICK);
  const head = `${process.pid} (${process.name}) ${letterOf(process)} ${kernel.parentPid(process)} ${process.group} ${process.session}`;
  const terminal = kernel.terminal === undefined ? "0 -1" : `1280 ${kernel.terminal.foreground}`;
  return `${head} ${terminal} 0 0 0 0 0 ${ticks} 0 0 0 20 ${process.niceness} 1 0 0 ${process.memory.space.size} 0 ${"0 ".repeat(27)}0\n`;
}

function statusText(kernel: Kernel, process: Process): string {
  const { uid, gid } = kernel.host.identity;
  const ids = (id: number) => `${id}\t${id}\t${id}\t${id}`;
  const size = `VmSize:\t${String(process.memory.space.size / 1024).padStart(8)} kB`;
  return `Name:\t${process.name}\nState:\t${letterOf(process)}\nPid:\t${process.pid}\nPPid:\t${kernel.parentPid(process)}\nUid:\t${ids(uid)}\nGid:\t${ids(gid)}\n${size}\nThreads:\t1\n`;
}
