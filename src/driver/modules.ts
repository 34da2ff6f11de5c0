/**
 * The modules that were added: each has its image in memory from then on; loading links them with each other, gives their pages the access
 * that their segments ask for, and knows the descriptors of these pages.
 */
import { PF } from "../boot/elf.ts";
import { MAX_MODULES, PAGE_SIZE } from "../vmm/constants.ts";
import { ERROR_CODE } from "../vmm/error-codes.ts";
import { DriverError } from "./driver-error.ts";
import { ElfFile } from "./elf/elf-file.ts";
import { hex } from "./elf/file-bytes.ts";
import type { LoadedModule } from "./elf/loaded-module.ts";
import { Loader } from "./elf/loader.ts";
import type { Platform } from "./platform.ts";
import { checkRedZone } from "./red-zone.ts";
import type { Steps } from "./steps.ts";

export interface ModuleOptions {
  /** take modules that write below the stack pointer, where an interrupt or a gate would write as well */
  readonly allowRedZone?: boolean;
  /** take modules with memory that is both writable and executable */
  readonly allowWritableCode?: boolean;
}

export interface AddedModule {
  readonly elf: ElfFile;
  /** of the image */
  readonly address: bigint;
}

/** What the memory manager is told about a page. */
export interface Descriptor {
  readonly virt: bigint;
  readonly type: bigint;
}
export const TYPE = { R: 1n, W: 2n, E: 4n } as const;

export class Modules {
  readonly added: AddedModule[] = [];
  loader = new Loader();
  readonly #platform: Platform;
  readonly #steps: Steps;
  readonly #options: ModuleOptions;

  constructor(platform: Platform, steps: Steps, options: ModuleOptions) {
    this.#platform = platform;
    this.#steps = steps;
    this.#options = options;
  }

  add(name: string, bytes: Uint8Array): void {
    if (this.added.length >= MAX_MODULES) {
      throw new DriverError(ERROR_CODE.BF_ERROR_MAX_MODULES_REACHED, `${name}: there are ${MAX_MODULES} modules already (MAX_MODULES)`);
    }
    const elf = new ElfFile(name, bytes, this.#options);
    this.#check(elf);
    const size = BigInt(elf.totalSize);
    const address = this.#steps.do(`allocate the image of ${name}`, ERROR_CODE.BF_ERROR_OUT_OF_MEMORY, () =>
      this.#platform.allocRwe(size, name),
    );
    try {
      this.#steps.do(`copy ${name}`, ERROR_CODE.BF_ERROR_OUT_OF_MEMORY, () => this.#platform.write(address, elf.image()));
    } catch (error) {
      this.#platform.freeRwe(address, size);
      throw error;
    }
    this.added.push({ elf, address });
  }

  #check(elf: ElfFile): void {
    if (!elf.positionIndependent) {
      const problem = `linked to stand at ${hex(elf.start)}; modules are put where there is room: link with -shared, or -pie`;
      elf.file.fail(ERROR_CODE.BFELF_ERROR_UNSUPPORTED_FILE, problem);
    }
    if (this.#options.allowRedZone !== true) checkRedZone(elf);
  }

  /** Relocates all images and writes them anew. */
  link(): readonly LoadedModule[] {
    this.loader = new Loader();
    for (const { elf, address } of this.added) this.loader.add(elf, elf.image(), address);
    this.#steps.do("relocate", ERROR_CODE.BF_ERROR_UNKNOWN, () => this.loader.relocate());
    for (const { image, base, module } of this.loader.modules) {
      this.#steps.do(`write ${module}`, ERROR_CODE.BF_ERROR_UNKNOWN, () => this.#platform.write(base, image));
    }
    for (const module of this.loader.modules) this.#protect(module);
    return this.loader.modules;
  }

  #protect(module: LoadedModule): void {
    for (const [page, permissions] of permissionsOf(module)) {
      const access = (permissions & PF.X) !== 0 ? "code" : (permissions & PF.W) !== 0 ? "data" : "read-only";
      const step = `protect ${hex(page - module.base)} of ${module.module}`;
      this.#steps.do(step, ERROR_CODE.BF_ERROR_UNKNOWN, () => this.#platform.protect(page, PAGE_SIZE, access));
    }
  }

  /** Pages with code may be read and executed, all others read and written. */
  descriptorsOf(module: LoadedModule): readonly Descriptor[] {
    return [...permissionsOf(module)].map(([virt, permissions]) => ({
      virt,
      type: (permissions & PF.X) !== 0 ? TYPE.R | TYPE.E : TYPE.R | TYPE.W,
    }));
  }

  /** Everything is given back; none is left. */
  clear(): void {
    for (const { elf, address } of this.added.splice(0)) {
      const size = BigInt(elf.totalSize);
      this.#platform.protect(address, size, "data");
      this.#platform.freeRwe(address, size);
    }
    this.loader = new Loader();
  }
}

/** Every page that a segment touches, with the permissions of all segments that do. */
function permissionsOf({ elf, base }: LoadedModule): ReadonlyMap<bigint, number> {
  const pages = new Map<bigint, number>();
  for (const { memoryOffset, memorySize, permissions } of elf.loads) {
    const start = base + BigInt(memoryOffset);
    const end = start + BigInt(memorySize);
    for (let page = (start / PAGE_SIZE) * PAGE_SIZE; page < end; page += PAGE_SIZE) pages.set(page, (pages.get(page) ?? 0) | permissions);
  }
  return pages;
}
