/** A module that has its place: its file, its image as it will be copied there, and addresses rebased to it. */

import { ERROR_CODE } from "../../vmm/error-codes.ts";
import type { ElfFile } from "./elf-file.ts";
import { hex } from "./file-bytes.ts";
import type { ElfSymbol } from "./symbols.ts";

/** As `local_init` and `local_fini` read it: eight numbers of 64 bits in this order; what a module does not have is 0. */
export interface SectionInfo {
  readonly init: bigint;
  readonly fini: bigint;
  readonly initArray: bigint;
  readonly initArraySize: bigint;
  readonly finiArray: bigint;
  readonly finiArraySize: bigint;
  readonly ehFrame: bigint;
  readonly ehFrameSize: bigint;
}

export class LoadedModule {
  readonly elf: ElfFile;
  readonly image: Uint8Array;
  /** what is added to a linked address; 0 for a file that is linked to its place */
  readonly base: bigint;

  constructor(elf: ElfFile, image: Uint8Array, virtualAddress: bigint) {
    this.elf = elf;
    this.image = image;
    this.base = elf.positionIndependent ? virtualAddress : 0n;
  }

  get module(): string {
    return this.elf.module;
  }
  get entry(): bigint {
    return this.elf.entry + this.base;
  }
  get relro(): { readonly address: bigint; readonly size: bigint } | undefined {
    const { relro } = this.elf;
    return relro === undefined ? undefined : { address: relro.address + this.base, size: relro.size };
  }

  /** Where a symbol of this module is. */
  addressOf(symbol: ElfSymbol): bigint {
    if (symbol.absolute) return symbol.value;
    const { elf } = this;
    // `_end` and its kin stand right behind the last byte
    if (symbol.value < elf.start || symbol.value > elf.start + BigInt(elf.totalSize)) {
      elf.file.fail(ERROR_CODE.BFELF_ERROR_INVALID_FILE, `the symbol ${symbol.name} at ${hex(symbol.value)} is outside of the image`);
    }
    return BigInt.asUintN(64, this.base + symbol.value);
  }

  sectionInfo(): SectionInfo {
    const { init, fini, initArray, finiArray, ehFrame } = this.elf.ranges;
    const rebased = (address: bigint) => (address === 0n ? 0n : address + this.base);
    return {
      init: rebased(init),
      fini: rebased(fini),
      initArray: rebased(initArray.address),
      initArraySize: initArray.size,
      finiArray: rebased(finiArray.address),
      finiArraySize: finiArray.size,
      ehFrame: rebased(ehFrame.address),
      ehFrameSize: ehFrame.size,
    };
  }
}
