/**
 * Modules as the driver has them, without the driver: linked by the real loader, placed in a pool, run by execute_entry on a stack with
 * its thread context. Memory is given out in blocks of 64 bytes and never twice, so that what a module uses after it is freed shows.
 */
import { readFileSync } from "node:fs";
import type { Core } from "../../src/core/core.ts";
import { ElfFile } from "../../src/driver/elf/elf-file.ts";
import type { LoadedModule } from "../../src/driver/elf/loaded-module.ts";
import { Loader } from "../../src/driver/elf/loader.ts";
import type { CallOptions, GateFunction } from "../../src/driver/executor.ts";
import { Gates } from "../../src/driver/gates.ts";
import { runtimeGates } from "../../src/driver/runtime-gates.ts";
import { PAGE_SIZE, STACK_BYTES, THREAD_LOCAL_BYTES } from "../../src/vmm/constants.ts";
import { ModuleHost } from "./module-host.ts";

export const RUNTIME = "src/modules/runtime/runtime.so";
const HEAP_BYTES = 1n << 20n;
const EXECUTABLE = 1;
const GATES = "gates.so";

export interface ModulesOptions {
  /** functions of TypeScript besides those of the runtime */
  readonly gates?: Readonly<Record<string, GateFunction>>;
  /** instructions for each call */
  readonly budget?: bigint | undefined;
  /** to be used instead of one whose OS does nothing */
  readonly core?: Core;
  readonly handlesExits?: (entry: bigint, gateVariable: bigint) => void;
}

export class Modules {
  readonly loader = new Loader();
  readonly host: ModuleHost;
  /** blocks that are not free */
  readonly blocks = new Map<bigint, bigint>();
  output = "";
  readonly #heap: bigint;
  #heapUsed = 0n;
  readonly #stackTop: bigint;
  readonly #budget: bigint | undefined;
  readonly #info: bigint;

  /** Files by path, in the order in which they are added; the runtime and the gates are among them. */
  constructor(files: readonly string[] = [RUNTIME], { gates: more = {}, budget, core, handlesExits }: ModulesOptions = {}) {
    this.#budget = budget;
    this.host = new ModuleHost({ nameOf: (address) => this.loader.nameOf(address) }, core);
    const { host } = this;
    this.#heap = host.allocate(HEAP_BYTES);
    this.#info = host.allocate(PAGE_SIZE);
    const gates = new Gates({ ...runtimeGates(host.executor, { ...this.#services(), ...(handlesExits && { handlesExits }) }), ...more });
    for (const [name, bytes] of [...files.map((path) => [path, readFileSync(path)] as const), [GATES, gates.image] as const]) {
      const elf = new ElfFile(name.replace(/.*\//, ""), bytes);
      this.loader.add(elf, elf.image(), host.allocate(BigInt(elf.totalSize)));
    }
    this.loader.relocate();
    for (const module of this.loader.modules) this.#place(module);
    gates.connect(host.executor, this.loader.modules.find(({ module }) => module === GATES)?.base ?? 0n);
    const buffer = host.allocate(2n * STACK_BYTES);
    const top = (buffer + 2n * STACK_BYTES) & ~(STACK_BYTES - 1n);
    host.executor.protect(top - STACK_BYTES - PAGE_SIZE, PAGE_SIZE, "guard");
    host.memory.writeU64(top - 24n, host.allocate(THREAD_LOCAL_BYTES));
    this.#stackTop = top - 1n;
  }

  /** local_init of every module, in the order of adding; the first error ends it. */
  init(): bigint {
    return this.#each("local_init", this.loader.modules);
  }

  fini(): bigint {
    return this.#each("local_fini", [...this.loader.modules].reverse());
  }

  #each(symbol: string, modules: readonly LoadedModule[]): bigint {
    for (const module of modules) {
      const info = Object.values(module.sectionInfo()) as bigint[];
      for (const [i, value] of info.entries()) this.host.memory.writeU64(this.#info + BigInt(8 * i), value);
      const code = this.enter(symbol, this.#info);
      if (code !== 0n) return code;
    }
    return 0n;
  }

  /** Calls a function of a module as the driver does: by execute_entry, with two arguments. */
  enter(symbol: string, first = 0n, second = 0n, options: CallOptions = {}): bigint {
    const args = [this.#stackTop, this.loader.resolve(symbol), first, second];
    return this.host.executor.call(this.loader.resolve("execute_entry"), args, { budget: this.#budget, ...options });
  }

  /** The same, with the result as a signed number of 32 bits. */
  int(symbol: string, first = 0n, second = 0n): number {
    return Number(BigInt.asIntN(32, this.enter(symbol, first, second)));
  }

  /** a text in the VMM's memory */
  text(value: string): bigint {
    const at = this.#alloc(BigInt(value.length + 1));
    this.host.memory.write(at, new TextEncoder().encode(`${value}\0`));
    return at;
  }

  #place({ elf, image, base }: LoadedModule): void {
    this.host.memory.write(base, image);
    for (const { permissions, virtualAddress, memorySize } of elf.loads) {
      const start = (base + virtualAddress) & ~(PAGE_SIZE - 1n);
      const end = (base + virtualAddress + BigInt(memorySize) + PAGE_SIZE - 1n) & ~(PAGE_SIZE - 1n);
      if ((permissions & EXECUTABLE) !== 0) this.host.executor.protect(start, end - start, "code");
    }
  }

  #services() {
    return {
      alloc: (bytes: bigint) => this.#alloc(bytes),
      free: (address: bigint) => {
        if (!this.blocks.delete(address)) throw new Error(`free(0x${address.toString(16)}), which is not allocated`);
      },
      size: (address: bigint) => this.blocks.get(address) ?? 0n,
      write: (_fd: bigint, bytes: Uint8Array) => {
        this.output += new TextDecoder().decode(bytes);
        return BigInt(bytes.length);
      },
    };
  }

  /** whole pages are aligned to pages, as the memory manager's are */
  #alloc(bytes: bigint): bigint {
    const unit = bytes % PAGE_SIZE === 0n ? PAGE_SIZE : 64n;
    const at = (this.#heap + this.#heapUsed + unit - 1n) & ~(unit - 1n);
    const size = (bytes + 63n) & ~63n;
    if (bytes === 0n || at + size > this.#heap + HEAP_BYTES) return 0n;
    this.#heapUsed = at + size - this.#heap;
    this.blocks.set(at, size);
    return at;
  }
}
