/** What the Linux guests boot from: Debian's kernels, an initial file system around busybox, and a disk with an ext4 file system. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type CpioEntry, characterDevice, cpio, directory, file, link } from "../lib/cpio.ts";
import { dependencyOf, run, Unavailable, unpacked, withDependencies } from "./debian.ts";

const FOLDER = "build/linux";
const DISK_MIB = 16;
const DEBIAN_MIB = 400;

export const KERNELS = ["linux-image-cloud-amd64", "linux-image-amd64"] as const;
export type KernelPackage = (typeof KERNELS)[number];

export interface Guest {
  readonly kernel: string;
  readonly initrd: string;
  readonly disk: string;
  /** "6.1.0-56-amd64" */
  readonly release: string;
}

/** crc32c is asked for by name when ext4 starts, which the module files do not say. */
const WANTED = ["virtio_pci", "virtio_blk", "crc32c_generic", "ext4"];
const KVM = ["kvm_intel"];
const MODULES = ["virtio*", "ext4", "jbd2", "mbcache", "crc*", "libcrc32c", "irqbypass", "kvm", "kvm-intel"];
const GLOBS = ["./boot/vmlinuz-*", ...MODULES.map((name) => `*/${name}.ko`)];
const APPLETS =
  "awk cat cmp cp cut echo grep gunzip gzip insmod mount poweroff rmmod sh sha256sum sleep sort switch_root sync tr umount uname wc";

/** Throws `Unavailable` where packages or tools cannot be had. */
export function linuxGuest(name: KernelPackage): Guest {
  return { ...made(name, "initrd", WANTED, []), disk: diskImage() };
}

/** A Linux that has KVM, and /kvm, which runs a guest with it. */
export function kvmHost(): Omit<Guest, "disk"> {
  return made("linux-image-amd64", "kvm", KVM, [
    file("init-kvm", readFileSync("test/linux/init-kvm.sh")),
    file("kvm", readFileSync("test/linux/kvm/kvm")),
  ]);
}

/** A Linux whose only program, its init, calls the VMM. */
export function hypercaller(): Omit<Guest, "disk"> {
  const image = dependencyOf("linux-image-cloud-amd64");
  const release = image.replace("linux-image-", "");
  mkdirSync(FOLDER, { recursive: true });
  const initrd = join(FOLDER, `hypercall-${release}.cpio`);
  const program = file("init", readFileSync("test/linux/hypercall/hypercall"));
  writeFileSync(initrd, cpio([directory("dev"), characterDevice("dev/console", 5, 1), program]));
  return { kernel: join(unpacked(image, GLOBS), "boot", `vmlinuz-${release}`), initrd, release };
}

function made(name: KernelPackage, kind: string, modules: readonly string[], more: readonly CpioEntry[]): Omit<Guest, "disk"> {
  const image = dependencyOf(name);
  const packageFolder = unpacked(image, GLOBS);
  const release = image.replace("linux-image-", "");
  mkdirSync(FOLDER, { recursive: true });
  const initrd = join(FOLDER, `${kind}-${release}.cpio`);
  writeFileSync(initrd, cpio([...initialFiles(modulesOf(packageFolder, modules)), ...more]));
  return { kernel: join(packageFolder, "boot", `vmlinuz-${release}`), initrd, release };
}

function initialFiles(modules: readonly string[]): readonly CpioEntry[] {
  const busybox = readFileSync(join(unpacked("busybox-static"), "bin/busybox"));
  return [
    ...["bin", "dev", "proc", "sys", "tmp", "mnt", "modules"].map(directory),
    characterDevice("dev/console", 5, 1),
    characterDevice("dev/null", 1, 3),
    file("init", readFileSync("test/linux/init.sh")),
    file("init-root", readFileSync("test/linux/init-root.sh")),
    file("bin/busybox", busybox),
    ...APPLETS.split(" ").map((applet) => link(`bin/${applet}`, "busybox")),
    file("modules/order", modules.map((path) => `${basename(path)}\n`).join("")),
    ...modules.map((path) => file(`modules/${basename(path)}`, readFileSync(path))),
  ];
}

/** The files of the modules wanted, each behind those it depends on; what is not a file is built into the kernel. */
function modulesOf(packageFolder: string, wanted: readonly string[]): readonly string[] {
  const all = readdirSync(packageFolder, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ko"));
  const byName = new Map(all.map((path) => [moduleName(path), join(packageFolder, path)]));
  const ordered: string[] = [];
  const add = (name: string): void => {
    const path = byName.get(name);
    if (path === undefined || ordered.includes(path)) return;
    const info = /\0depends=([^\0]*)\0/.exec(readFileSync(path, "latin1"))?.[1] ?? "";
    for (const dependency of info.split(",").filter(Boolean)) add(dependency.replaceAll("-", "_"));
    ordered.push(path);
  };
  wanted.forEach(add);
  return ordered;
}

function moduleName(path: string): string {
  return basename(path, ".ko").replaceAll("-", "_");
}

/** What the disk's one file has in it: easy to make here and there, and not all zeros. */
export function diskData(): Uint8Array {
  return Uint8Array.from({ length: 300_000 }, (_, i) => (i * i) >>> 7);
}

function diskImage(): string {
  const root = join(FOLDER, "disk");
  mkdirSync(root, { recursive: true });
  writeFileSync(join(root, "data"), diskData());
  return fileSystem(root, "disk.img", DISK_MIB);
}

/** A disk with what a Debian needs to run bash, perl and python3: the packages and all they depend on, unpacked over each other. */
export function debianDisk(): string {
  const root = join(FOLDER, "debian");
  mkdirSync(root, { recursive: true });
  if (!existsSync(join(root, "usr/bin/perl")))
    for (const name of withDependencies([
      "base-files",
      "bash",
      "busybox-static",
      "coreutils",
      "grep",
      "sed",
      "perl-base",
      "python3-minimal",
    ]))
      run("cp", ["-a", `${unpacked(name)}/.`, root]);
  return fileSystem(root, "debian.img", DEBIAN_MIB);
}

/** An ext4 image with the contents of a folder, unless it has been made before. */
function fileSystem(root: string, name: string, mib: number): string {
  const image = join(FOLDER, name);
  if (existsSync(image)) return image;
  const mke2fs = ["/sbin/mke2fs", "/usr/sbin/mke2fs"].find((path) => existsSync(path));
  if (mke2fs === undefined) throw new Unavailable("there is no mke2fs (e2fsprogs) to make a disk with");
  const uuid = "00000000-0000-4000-8000-000000000001";
  run(mke2fs, ["-q", "-F", "-t", "ext4", "-U", uuid, "-E", `hash_seed=${uuid},root_owner=0:0`, "-d", root, `${image}.part`, `${mib}M`]);
  renameSync(`${image}.part`, image);
  return image;
}
