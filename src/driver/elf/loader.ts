/**
 * Links modules with one another: each is added with the image it has and the address it will have; then all are relocated at once, so
 * that the order of adding decides only between definitions of the same name.
 */
import { MAX_MODULES } from "../../vmm/constants.ts";
import { ERROR_CODE } from "../../vmm/error-codes.ts";
import { DriverError } from "../driver-error.ts";
import type { ElfFile } from "./elf-file.ts";
import { LoadedModule } from "./loaded-module.ts";
import { relocate } from "./relocate.ts";
import { BINDING, type ElfSymbol } from "./symbols.ts";

/** A symbol where it is defined. */
export interface Definition {
  readonly module: LoadedModule;
  readonly symbol: ElfSymbol;
}

export class Loader {
  readonly modules: LoadedModule[] = [];
  private relocated = false;
  /** all definitions of a name, in the order of adding */
  private readonly definitions = new Map<string, readonly Definition[]>();

  /** `virtualAddress` counts only for files that may stand anywhere. */
  add(elf: ElfFile, image: Uint8Array, virtualAddress: bigint): LoadedModule {
    if (this.modules.length >= MAX_MODULES) {
      throw new DriverError(ERROR_CODE.BFELF_ERROR_LOADER_FULL, `${elf.module}: there are ${MAX_MODULES} modules already (MAX_MODULES)`);
    }
    if (elf.added) throw new DriverError(ERROR_CODE.BFELF_ERROR_INVALID_ARG, `${elf.module}: is in a loader already`);
    const module = new LoadedModule(elf, image, virtualAddress);
    elf.added = true;
    this.modules.push(module);
    this.definitions.clear();
    return module;
  }

  /** Writes every relocation into the images; once. */
  relocate(): void {
    if (this.relocated) return;
    for (const module of this.modules) relocate(module, this);
    this.relocated = true;
  }

  /** The address of a symbol that some module defines. */
  resolve(name: string): bigint {
    const found = this.choose(name);
    if (found !== undefined) return found.module.addressOf(found.symbol);
    throw new DriverError(ERROR_CODE.BFELF_ERROR_NO_SUCH_SYMBOL, `no module defines ${name}`);
  }

  /** The first strong definition, else the last weak one; not one of the module `except`. */
  choose(name: string, except?: LoadedModule): Definition | undefined {
    const all = this.definitionsOf(name).filter(({ module }) => module !== except);
    return all.find(({ symbol }) => symbol.binding !== BINDING.WEAK) ?? all.at(-1);
  }

  private definitionsOf(name: string): readonly Definition[] {
    let found = this.definitions.get(name);
    if (found === undefined) {
      found = this.modules.flatMap((module) => {
        const symbol = module.elf.symbols.find(name);
        return symbol === undefined ? [] : [{ module, symbol }];
      });
      this.definitions.set(name, found);
    }
    return found;
  }

  /** The function that an address is in, as messages name it: `module.so: function+0x12`. */
  nameOf(address: bigint): string | undefined {
    for (const { elf, base, module } of this.modules) {
      const linked = address - base;
      if (elf.segmentOf(linked, 1n) === undefined) continue;
      const at = elf.functions.findLast(({ value }) => value <= linked);
      return at === undefined ? `${module}: 0x${linked.toString(16)}` : `${module}: ${at.name}+0x${(linked - at.value).toString(16)}`;
    }
    return undefined;
  }
}
