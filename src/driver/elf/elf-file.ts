/**
 * A module's file, taken apart and checked: everything that can be said about it before it has an address. Nothing here trusts the file:
 * what would be read from outside of it is refused with Bareflank 1.0's codes, which 1.1 dropped.
 */
import { ERROR_CODE } from "../../vmm/error-codes.ts";
import { type Dynamic, parseDynamic, type Range } from "./dynamic.ts";
import { type Extent, FileBytes, hex } from "./file-bytes.ts";
import { parseHeader } from "./header.ts";
import { parseSections, type Section } from "./sections.ts";
import { type LoadInstruction, parseSegments, type SegmentOptions, type Segments } from "./segments.ts";
import { DynamicSymbols, type ElfSymbol, functionsOf } from "./symbols.ts";

/** What `local_init` and `local_fini` are told, as linked addresses; nothing is at 0. */
export interface SectionRanges {
  readonly init: bigint;
  readonly fini: bigint;
  readonly initArray: Range;
  readonly finiArray: Range;
  readonly ehFrame: Range;
}

export class ElfFile {
  readonly module: string;
  readonly file: FileBytes;
  readonly entry: bigint;
  readonly dynamic: Dynamic;
  readonly symbols: DynamicSymbols;
  readonly needed: readonly string[];
  readonly ranges: SectionRanges;
  readonly sections: readonly Section[];
  /** a loader has it */
  added = false;
  private readonly segments: Segments;
  private functionList: readonly ElfSymbol[] | undefined;

  constructor(module: string, bytes: Uint8Array, options: SegmentOptions = {}) {
    const file = new FileBytes(module, bytes);
    const header = parseHeader(file);
    this.module = module;
    this.file = file;
    this.entry = header.entry;
    this.segments = parseSegments(file, header, options);
    this.sections = parseSections(file, header);
    this.dynamic = parseDynamic(file, this.segments.dynamic);
    this.symbols = new DynamicSymbols(file, this.dynamic, this.sections, (address, size, what) => this.inFile(address, size, what));
    this.needed = this.dynamic.needed.map((offset) => file.string(this.symbols.strings, Number(offset), "a needed library"));
    this.ranges = this.sectionRanges();
  }

  get start(): bigint {
    return this.segments.start;
  }
  get totalSize(): number {
    return this.segments.totalSize;
  }
  /** linked to address 0: it may stand anywhere */
  get positionIndependent(): boolean {
    return this.segments.start === 0n;
  }
  get stackPermissions(): number {
    return this.segments.stackPermissions;
  }
  get relro(): { readonly address: bigint; readonly size: bigint } | undefined {
    return this.segments.relro;
  }
  get loads(): readonly LoadInstruction[] {
    return this.segments.loads;
  }
  get functions(): readonly ElfSymbol[] {
    this.functionList ??= functionsOf(this.file, this.sections, this.symbols);
    return this.functionList;
  }

  loadInstruction(index: number): LoadInstruction {
    return this.loads[index] ?? this.noSuch("load instruction", index, this.loads.length);
  }
  neededLibrary(index: number): string {
    return this.needed[index] ?? this.noSuch("needed library", index, this.needed.length);
  }

  private noSuch(what: string, index: number, count: number): never {
    return this.file.fail(ERROR_CODE.BFELF_ERROR_INVALID_INDEX, `${what} ${index} is asked for, but there are ${count}`);
  }

  /** The image before relocation: zeros, and the bytes that load instructions copy. */
  image(): Uint8Array {
    const image = new Uint8Array(this.totalSize);
    for (const { memoryOffset, fileOffset, fileSize } of this.loads) {
      image.set(this.file.bytes.subarray(fileOffset, fileOffset + fileSize), memoryOffset);
    }
    return image;
  }

  /** The segment that a range of linked addresses is all in. */
  segmentOf(address: bigint, size: bigint): LoadInstruction | undefined {
    return this.loads.find(
      ({ virtualAddress, memorySize }) => address >= virtualAddress && address + size <= virtualAddress + BigInt(memorySize),
    );
  }

  /** Where a range of linked addresses is in the file. */
  inFile(address: bigint, size: bigint, what: string): Extent {
    const segment = this.segmentOf(address, size);
    const offset = address - (segment?.virtualAddress ?? 0n);
    if (segment !== undefined && offset + size <= BigInt(segment.fileSize)) {
      return { offset: segment.fileOffset + Number(offset), size: Number(size) };
    }
    const problem = `${what} is at ${hex(address)} with ${size} bytes, which no segment has from the file`;
    return this.file.fail(ERROR_CODE.BFELF_ERROR_INVALID_FILE, problem);
  }

  private sectionRanges(): SectionRanges {
    const named = (name: string) => this.sections.find((section) => section.name === name);
    const range = (section: Section | undefined, other: Range) => section ?? other;
    const nothing = { address: 0n, size: 0n };
    const { init, fini, initArray, finiArray } = this.dynamic;
    return {
      init: this.inImage({ address: init, size: 1n }, "the init function").address,
      fini: this.inImage({ address: fini, size: 1n }, "the fini function").address,
      initArray: this.inImage(range(named(".ctors"), initArray), "the array of constructors"),
      finiArray: this.inImage(range(named(".dtors"), finiArray), "the array of destructors"),
      ehFrame: this.inImage(range(named(".eh_frame"), nothing), "the unwind table"),
    };
  }

  private inImage({ address, size }: Range, what: string): Range {
    if (address === 0n) return { address, size: 0n };
    if (this.segmentOf(address, size) === undefined) {
      this.file.fail(ERROR_CODE.BFELF_ERROR_INVALID_SECTION, `${what} at ${hex(address)} with ${size} bytes is outside of the image`);
    }
    return { address, size };
  }
}
