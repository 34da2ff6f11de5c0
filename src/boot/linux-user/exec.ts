/**
 * execve: finds the program, follows "#!", loads ELF segments and the dynamic loader into a new address space and builds the initial stack.
 * Nothing of the old program is touched before everything has succeeded. psABI "Process Initialization", fs/binfmt_elf.c
 */
import { type Elf, ElfError, isElf, PF, PT, parseElf, type Segment } from "../elf.ts";
import { type AddressSpace, STACK_SIZE, STACK_TOP } from "./address-space.ts";
import { enterProgram } from "./context.ts";
import { type ErrnoName, SystemCallError } from "./errno.ts";
import { isDirectory, kindOf, S_IF } from "./file-status.ts";
import { PAGE } from "./frames.ts";
import { HostFile } from "./host-file.ts";
import { buildStack } from "./initial-stack.ts";
import type { Kernel } from "./kernel.ts";
import { O } from "./open-file.ts";
import type { Process } from "./process.ts";
import { PROT } from "./regions.ts";
import type { Location } from "./tree.ts";
import { UserMemory } from "./user-memory.ts";

/** Why a program cannot be started, in words for a person; a program that called execve gets the number only. */
export class LoadError extends SystemCallError {
  readonly path: string;
  readonly reason: string;

  constructor(errno: ErrnoName, path: string, reason: string) {
    super(errno);
    this.path = path;
    this.reason = reason;
  }
}

export interface Program {
  readonly path: string;
  readonly args: readonly Uint8Array[];
  readonly environment: readonly Uint8Array[];
}

interface Image {
  readonly elf: Elf;
  /** what was added to the addresses in the file */
  readonly bias: number;
  readonly end: number;
}

const MAX_SCRIPTS = 4;
const X_OK = 1;
/** where position-independent programs go when addresses are not randomised */
const PROGRAM_BASE = 0x5555_5555_4000;
const UTF8 = new TextEncoder();

const WHY: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "a part of the path is not a directory",
  EACCES: "a directory of the path may not be entered",
  ELOOP: "symbolic links lead in a circle",
};

/** Replaces the program of a process. The process becomes the current one. */
export function execute(kernel: Kernel, process: Process, program: Program): void {
  const { file, args } = open(kernel, process, program.path, program.args, 0);
  const space = kernel.newAddressSpace();
  let entry: number;
  let stack: number;
  try {
    const memory = new UserMemory(space, kernel.frames);
    const image = loadImage(kernel, space, memory, file, PROGRAM_BASE);
    const loader = loadInterpreter(kernel, process, space, memory, file.path, image.elf);
    space.breakStart = pageUp(image.end);
    space.breakEnd = space.breakStart;
    entry = (loader ?? image).elf.entry + (loader ?? image).bias;
    space.map({
      start: STACK_TOP - STACK_SIZE,
      end: STACK_TOP,
      protection: PROT.READ | PROT.WRITE,
      shared: false,
      page: 0,
      name: "[stack]",
    });
    stack = buildStack(memory, {
      args,
      environment: program.environment,
      path: UTF8.encode(program.path),
      entry: image.elf.entry + image.bias,
      headers: headersAddress(image),
      headerCount: image.elf.headerCount,
      loaderBase: loader?.bias ?? 0,
      identity: kernel.host.identity,
      random: (into) => kernel.random.fill(into),
    });
  } catch (error) {
    space.destroy();
    throw error;
  } finally {
    file.release();
  }
  kernel.makeCurrent(process);
  kernel.leaveMemory(process);
  process.memory = new UserMemory(space, kernel.frames);
  process.descriptors = process.descriptors.unshared();
  process.descriptors.exec();
  process.signals.exec();
  process.clearTid = 0;
  process.executable = file.path;
  process.args = args;
  process.environment = program.environment;
  process.name = (program.path.split("/").pop() ?? "").slice(0, 15);
  enterProgram(kernel.cpu, entry, stack);
  kernel.makeCurrent(process);
}

/** Opens a program, or the interpreter its first line names. */
function open(
  kernel: Kernel,
  process: Process,
  path: string,
  args: readonly Uint8Array[],
  depth: number,
): { file: HostFile; args: readonly Uint8Array[] } {
  if (depth > MAX_SCRIPTS) throw new LoadError("ELOOP", path, "its #! lines lead in a circle");
  const file = openExecutable(kernel, process, path);
  const head = new Uint8Array(256);
  const line = head.subarray(0, file.readAt(0, head));
  if (line[0] !== 0x23 || line[1] !== 0x21) return { file, args };
  file.release();
  const end = line.indexOf(10);
  const words = /^[ \t]*([^ \t]+)[ \t]*(.*?)[ \t]*$/.exec(new TextDecoder().decode(line.subarray(2, end < 0 ? undefined : end)));
  if (words === null) throw new LoadError("ENOEXEC", path, "its #! line names no interpreter");
  const [, interpreter, argument] = words;
  const added = argument === "" ? [interpreter, path] : [interpreter, argument, path];
  return open(kernel, process, interpreter, [...added.map((word) => UTF8.encode(word)), ...args.slice(1)], depth + 1);
}

function resolve(kernel: Kernel, process: Process, path: string): Location {
  try {
    return kernel.tree.resolve(process.directory, path);
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
    throw new LoadError(error.message as ErrnoName, path, WHY[error.message] ?? `the path leads nowhere (${error.message})`);
  }
}

function openExecutable(kernel: Kernel, process: Process, path: string): HostFile {
  const { tree } = kernel;
  const location = resolve(kernel, process, path);
  const { node } = location;
  if (node === undefined) throw new LoadError("ENOENT", path, WHY.ENOENT);
  if (isDirectory(node.status)) throw new LoadError("EACCES", path, "it is a directory");
  if (node.made !== undefined || kindOf(node.status) !== S_IF.REG) throw new LoadError("EACCES", path, "it is not a regular file");
  try {
    tree.files.access(node.hostPath, X_OK);
  } catch {
    throw new LoadError("EACCES", path, "it is not executable; make it so with chmod +x");
  }
  return new HostFile(tree.files, tree.files.open(node.hostPath, O.RDONLY, 0), location.path, O.RDONLY, kernel.cache);
}

function parse(file: HostFile): Elf {
  const read = (offset: number, length: number) => {
    const bytes = new Uint8Array(length);
    return bytes.subarray(0, file.readAt(offset, bytes));
  };
  try {
    return parseElf(read, Number(file.status().size));
  } catch (error) {
    if (!(error instanceof ElfError)) throw error;
    const head = read(0, 4);
    const hint = head.length > 0 && !isElf(head) ? "; a script needs #! in its first line" : "";
    throw new LoadError("ENOEXEC", file.path, error.message + hint);
  }
}

function loadImage(kernel: Kernel, space: AddressSpace, memory: UserMemory, file: HostFile, base: number | undefined): Image {
  const elf = parse(file);
  const loadable = elf.segments.filter((s) => s.type === PT.LOAD);
  const low = pageDown(Math.min(...loadable.map((s) => s.address)));
  const end = Math.max(...loadable.map((s) => s.address + s.memorySize));
  let bias = 0;
  if (elf.relocatable) {
    const at = base ?? space.place(pageUp(end) - low);
    if (at === undefined) throw new LoadError("ENOMEM", file.path, "there is no room for it in the address space");
    bias = at - low;
  }
  for (const segment of loadable) mapSegment(kernel, space, memory, file, segment, bias);
  return { elf, bias, end: end + bias };
}

/** The dynamic loader of a dynamically linked program. */
function loadInterpreter(
  kernel: Kernel,
  process: Process,
  space: AddressSpace,
  memory: UserMemory,
  program: string,
  elf: Elf,
): Image | undefined {
  if (elf.interpreter === undefined) return undefined;
  let file: HostFile;
  try {
    file = openExecutable(kernel, process, elf.interpreter);
  } catch (error) {
    if (!(error instanceof LoadError) || error.message !== "ENOENT") throw error;
    const advice = "link the program statically, or give a --root that holds it";
    throw new LoadError("ENOENT", program, `it is dynamically linked and its loader ${elf.interpreter} is not there; ${advice}`);
  }
  try {
    return loadImage(kernel, space, memory, file, undefined);
  } finally {
    file.release();
  }
}

function mapSegment(kernel: Kernel, space: AddressSpace, memory: UserMemory, file: HostFile, segment: Segment, bias: number): void {
  const start = pageDown(segment.address + bias);
  const fileEnd = segment.address + bias + segment.fileSize;
  const end = segment.address + bias + segment.memorySize;
  const protection = protectionOf(segment.flags);
  const shared = false;
  let mapped = start;
  if (segment.fileSize > 0) {
    mapped = pageUp(fileEnd);
    space.map({ start, end: mapped, protection, shared, source: kernel.cache.source(file), page: pageDown(segment.offset) / PAGE });
    // the rest of the last page is zero up to its end: the dynamic loader allocates from there
    if (end > fileEnd && (protection & PROT.WRITE) !== 0) memory.write(fileEnd, new Uint8Array(mapped - fileEnd));
  }
  if (pageUp(end) > mapped) space.map({ start: mapped, end: pageUp(end), protection, shared, page: 0 });
}

function headersAddress({ elf, bias }: Image): number {
  const own = elf.segments.find((s) => s.type === PT.PHDR);
  if (own !== undefined) return own.address + bias;
  const holder = elf.segments.find((s) => s.type === PT.LOAD && s.offset <= elf.headersOffset && elf.headersOffset < s.offset + s.fileSize);
  return holder === undefined ? 0 : holder.address + bias + elf.headersOffset - holder.offset;
}

function protectionOf(flags: number): number {
  return ((flags & PF.R) !== 0 ? PROT.READ : 0) | ((flags & PF.W) !== 0 ? PROT.WRITE : 0) | ((flags & PF.X) !== 0 ? PROT.EXEC : 0);
}

export function pageDown(value: number): number {
  return value - (value % PAGE);
}

export function pageUp(value: number): number {
  return pageDown(value + PAGE - 1);
}
