/** /dev: the devices that every program may expect. null(4), random(4), tty(4) */
import { DEVICES, DeviceFile, deviceStatus, type RandomSource } from "./device-files.ts";
import { fail } from "./errno.ts";
import { madeUpStatus, S_IF } from "./file-status.ts";
import type { OpenFile } from "./open-file.ts";
import type { MadeNode } from "./tree.ts";

/** directory of nodes */
export function directory(ino: number, nodes: ReadonlyMap<string, MadeNode>): MadeNode {
  return {
    status: madeUpStatus(S_IF.DIR | 0o755, ino, { nlink: 2n }),
    names: () => [...nodes.keys()],
    lookup: (name) => nodes.get(name),
  };
}

export function link(ino: number, target: string): MadeNode {
  return { status: madeUpStatus(S_IF.LNK | 0o777, ino, { size: BigInt(target.length) }), target: () => target };
}

export function makeDev(random: RandomSource, terminal: () => OpenFile | undefined): MadeNode {
  const nodes = new Map<string, MadeNode>();
  for (const name of DEVICES) nodes.set(name, { status: deviceStatus(name), open: (_path, flags) => new DeviceFile(name, flags, random) });
  const open = () => {
    const file = terminal() ?? fail("ENXIO");
    file.retain();
    return file;
  };
  nodes.set("tty", { status: madeUpStatus(S_IF.CHR | 0o666, 20, { rdev: 0x500n }), open });
  nodes.set("fd", link(21, "/proc/self/fd"));
  nodes.set("stdin", link(22, "/proc/self/fd/0"));
  nodes.set("stdout", link(23, "/proc/self/fd/1"));
  nodes.set("stderr", link(24, "/proc/self/fd/2"));
  nodes.set("shm", directory(25, new Map()));
  nodes.set("pts", {
    ...directory(26, new Map()),
    names: () => (terminal() === undefined ? [] : ["0"]),
    lookup: (name) => {
      const file = terminal();
      return name === "0" && file !== undefined ? { status: file.status(), open } : undefined;
    },
  });
  return directory(2, nodes);
}
