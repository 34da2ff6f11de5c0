/**
 * Writes ELF shared objects to the letter, so that a test can say what is in one and damage exactly one thing. "Tool Interface Standard
 * ELF Specification". Layout of the image:
 *
 *     0x0000  R   header, program headers, hash table, symbols, strings, relocations, dynamic section
 *     CODE    RX  `code`
 *     DATA    RW  `data`, then zeros
 */
export const CODE = 0x10_000;
export const DATA = 0x20_000;

export interface SymbolText {
  readonly name: string;
  /** 0: not defined here */
  readonly value?: number;
  readonly size?: number;
  /** 0 local, 1 global, 2 weak */
  readonly binding?: number;
  /** 1 object, 2 function, 6 thread-local, 10 indirect function */
  readonly type?: number;
  readonly section?: number;
}

export interface RelocationText {
  readonly at: number | bigint;
  readonly type: number;
  /** name of a symbol, or its number */
  readonly symbol?: string | number;
  readonly addend?: bigint;
}

export interface SegmentText {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly address: number | bigint;
  readonly fileSize: number | bigint;
  readonly memorySize: number | bigint;
}

export interface ModuleText {
  readonly type?: number;
  readonly base?: number;
  readonly entry?: number;
  readonly code?: Uint8Array;
  readonly data?: Uint8Array;
  readonly dataMemory?: number;
  readonly symbols?: readonly SymbolText[];
  readonly relocations?: readonly RelocationText[];
  readonly pltRelocations?: readonly RelocationText[];
  readonly relr?: readonly bigint[];
  readonly needed?: readonly string[];
  /** [buckets] with this many; none: no hash table */
  readonly buckets?: number;
  /** more entries of the dynamic section, which win over those before them */
  readonly dynamic?: readonly (readonly [tag: number, value: number | bigint])[];
  readonly sections?: readonly {
    name: string;
    type: number;
    address: number;
    offset: number;
    size: number;
    link?: number;
    align?: number;
    flags?: number;
  }[];
  /** replaces the program headers that follow from the rest */
  readonly segments?: (usual: readonly SegmentText[]) => readonly SegmentText[];
}

export function elfModule(text: ModuleText): Uint8Array {
  const base = text.base ?? 0;
  const code = text.code ?? Uint8Array.of(0xc3);
  const data = text.data ?? new Uint8Array(64);
  const sections = text.sections ?? [];
  const file = new Uint8Array(DATA + data.length + 64 * 40);
  const view = new DataView(file.buffer);
  const symbols: readonly SymbolText[] = [{ name: "" }, ...(text.symbols ?? [])];
  let at = 64 + 56 * 12;
  const strings = ["", ...(text.needed ?? []), ...symbols.slice(1).map((s) => s.name), ...sections.map((s) => s.name), ".shstrtab"];
  const place = (bytes: number) => {
    const here = (at + 7) & ~7;
    at = here + bytes;
    return here;
  };
  const u64 = (where: number, value: number | bigint) => view.setBigUint64(where, BigInt.asUintN(64, BigInt(value)), true);

  const offsets = new Map<string, number>();
  let stringBytes = 0;
  for (const string of strings) {
    if (offsets.has(string)) continue;
    offsets.set(string, stringBytes);
    stringBytes += Buffer.byteLength(string) + 1;
  }
  const hash = text.buckets === undefined ? 0 : place(8 + 4 * (text.buckets + symbols.length));
  if (text.buckets !== undefined) writeHash(view, hash, text.buckets, symbols);
  const symtab = place(symbols.length * 24);
  const strtab = place(stringBytes);
  for (const [string, offset] of offsets) file.set(Buffer.from(string), strtab + offset);
  symbols.forEach((symbol, i) => {
    const where = symtab + i * 24;
    view.setUint32(where, offsets.get(symbol.name) as number, true);
    file[where + 4] = i === 0 ? 0 : ((symbol.binding ?? 1) << 4) | (symbol.type ?? 2);
    view.setUint16(where + 6, symbol.section ?? (symbol.value === undefined ? 0 : 7), true);
    u64(where + 8, symbol.value === undefined ? 0 : symbol.value + base);
    u64(where + 16, symbol.size ?? 0);
  });
  const table = (relocations: readonly RelocationText[]) => {
    const start = place(relocations.length * 24);
    relocations.forEach(({ at: target, type, symbol, addend }, i) => {
      const index = typeof symbol === "string" ? symbols.findIndex(({ name }) => name === symbol) : (symbol ?? 0);
      u64(start + i * 24, BigInt(target) + BigInt(base));
      u64(start + i * 24 + 8, (BigInt(index) << 32n) | BigInt(type));
      u64(start + i * 24 + 16, addend ?? 0n);
    });
    return start;
  };
  const rela = table(text.relocations ?? []);
  const jmprel = table(text.pltRelocations ?? []);
  const relr = place((text.relr?.length ?? 0) * 8);
  for (const [i, entry] of (text.relr ?? []).entries()) u64(relr + i * 8, entry);
  const tags: [number, number | bigint][] = [
    ...(text.needed ?? []).map((name): [number, number] => [1, offsets.get(name) as number]),
    [5, strtab + base],
    [10, stringBytes],
    [6, symtab + base],
    ...(hash === 0 ? [] : ([[4, hash + base]] as [number, number][])),
    [7, rela + base],
    [8, (text.relocations?.length ?? 0) * 24],
    [23, jmprel + base],
    [2, (text.pltRelocations?.length ?? 0) * 24],
    [20, 7],
    ...(text.relr === undefined
      ? []
      : ([
          [36, relr],
          [35, text.relr.length * 8],
        ] as [number, number][])),
    ...((text.dynamic ?? []) as [number, number | bigint][]),
    [0, 0],
  ];
  const dynamic = place(tags.length * 16);
  tags.forEach(([tag, value], i) => {
    u64(dynamic + i * 16, tag);
    u64(dynamic + i * 16 + 8, value);
  });
  if (at > CODE) throw new Error("the tables do not fit below the code");
  file.set(code, CODE);
  file.set(data, DATA);

  const usual: readonly SegmentText[] = [
    { type: 1, flags: 4, offset: 0, address: base, fileSize: at, memorySize: at },
    { type: 1, flags: 5, offset: CODE, address: base + CODE, fileSize: code.length, memorySize: code.length },
    { type: 1, flags: 6, offset: DATA, address: base + DATA, fileSize: data.length, memorySize: text.dataMemory ?? data.length + 32 },
    { type: 2, flags: 4, offset: dynamic, address: base + dynamic, fileSize: tags.length * 16, memorySize: tags.length * 16 },
    { type: 0x6474e551, flags: 6, offset: 0, address: 0, fileSize: 0, memorySize: 0 },
  ];
  const segments = text.segments?.(usual) ?? usual;
  segments.forEach((segment, i) => {
    const where = 64 + i * 56;
    view.setUint32(where, segment.type, true);
    view.setUint32(where + 4, segment.flags, true);
    const { offset, address, fileSize, memorySize } = segment;
    for (const [n, value] of [offset, address, address, fileSize, memorySize].entries()) u64(where + 8 + n * 8, value);
    u64(where + 48, 0x1000);
  });

  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, text.type ?? 3, true);
  view.setUint16(18, 62, true);
  view.setUint32(20, 1, true);
  u64(24, (text.entry ?? 0) + base);
  u64(32, 64);
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, segments.length, true);
  if (sections.length > 0) {
    const headers = DATA + data.length;
    u64(40, headers);
    view.setUint16(58, 64, true);
    view.setUint16(60, sections.length + 2, true);
    view.setUint16(62, sections.length + 1, true);
    [...sections, { name: ".shstrtab", type: 3, address: 0, offset: strtab, size: stringBytes }].forEach((section, i) => {
      const where = headers + (i + 1) * 64;
      const { link, align, flags } = { link: 0, align: 1, flags: 0, ...section };
      view.setUint32(where, offsets.get(section.name) as number, true);
      view.setUint32(where + 4, section.type, true);
      u64(where + 8, flags);
      u64(where + 16, section.address);
      u64(where + 24, section.offset);
      u64(where + 32, section.size);
      view.setUint32(where + 40, link, true);
      u64(where + 48, align);
    });
  }
  return file;
}

/** The SysV hash table as the specification draws it; the hash function is its reference code, with unsigned characters. */
function writeHash(view: DataView, at: number, buckets: number, symbols: readonly SymbolText[]): void {
  view.setUint32(at, buckets, true);
  view.setUint32(at + 4, symbols.length, true);
  symbols.forEach(({ name }, i) => {
    if (i === 0) return;
    let h = 0n;
    for (const c of Buffer.from(name)) {
      h = ((h << 4n) + BigInt(c)) & 0xffff_ffffn;
      const g = h & 0xf000_0000n;
      if (g !== 0n) h ^= g >> 24n;
      h &= ~g;
    }
    let slot = at + 8 + Number(h % BigInt(buckets)) * 4;
    while (view.getUint32(slot, true) !== 0) slot = at + 8 + buckets * 4 + view.getUint32(slot, true) * 4;
    view.setUint32(slot, i, true);
  });
}
