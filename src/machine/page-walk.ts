/**
 * The guest's page tables as somebody reads them who looks at the machine from outside: nothing is checked against a privilege level, no
 * accessed bit is set, nothing is cached. SDM Vol. 3 "32-Bit Paging", "PAE Paging", "4-Level Paging and 5-Level Paging".
 */
import type { Memory } from "../bus/device.ts";

export interface PagingRegisters {
  readonly cr0: bigint;
  readonly cr3: bigint;
  readonly cr4: bigint;
  readonly efer: bigint;
}

/** A page, with the rights that all levels grant together. */
export interface Page {
  readonly gva: bigint;
  readonly gpa: number;
  readonly bytes: number;
  readonly writable: boolean;
  readonly user: boolean;
  readonly executable: boolean;
  /** flags of the entry that maps it: global, dirty, accessed and so on */
  readonly entry: bigint;
}

interface Level {
  /** lowest bit of the linear address that selects an entry */
  readonly shift: number;
  readonly bits: number;
  /** whether bit 7 makes an entry of this level map a page */
  readonly large: boolean;
}

interface Form {
  readonly levels: readonly Level[];
  readonly entryBytes: 4 | 8;
  /** addresses above half of this are sign-extended */
  readonly canonicalBits: number | undefined;
}

const CR0_PG = 1n << 31n;
const CR4_PSE = 1n << 4n;
const CR4_PAE = 1n << 5n;
const CR4_LA57 = 1n << 12n;
const EFER_LMA = 1n << 10n;
const P = 1n;
const RW = 2n;
const US = 4n;
const PS = 0x80n;
const XD = 1n << 63n;
const ADDRESS = 0x000f_ffff_ffff_f000n;

const level = (shift: number, bits: number, large = false): Level => ({ shift, bits, large });
const LOW_LEVELS = [level(21, 9, true), level(12, 9)];
const FOUR_LEVELS = [level(39, 9), level(30, 9, true), ...LOW_LEVELS];

/** The paging in force, or undefined when linear addresses are physical ones. */
function form({ cr0, cr4, efer }: PagingRegisters): Form | undefined {
  if ((cr0 & CR0_PG) === 0n) return undefined;
  if ((efer & EFER_LMA) !== 0n) {
    const five = (cr4 & CR4_LA57) !== 0n;
    return { levels: five ? [level(48, 9), ...FOUR_LEVELS] : FOUR_LEVELS, entryBytes: 8, canonicalBits: five ? 57 : 48 };
  }
  if ((cr4 & CR4_PAE) !== 0n) return { levels: [level(30, 2), ...LOW_LEVELS], entryBytes: 8, canonicalBits: undefined };
  return { levels: [level(22, 10, (cr4 & CR4_PSE) !== 0n), level(12, 10)], entryBytes: 4, canonicalBits: undefined };
}

/** The page that holds a linear address. With paging off, the 4 KiB around it. */
export function pageOf(registers: PagingRegisters, memory: Memory, gva: bigint): Page | undefined {
  const paging = form(registers);
  if (paging === undefined) {
    const gpa = Number(gva & 0xffff_f000n);
    return { gva: BigInt(gpa), gpa, bytes: 4096, writable: true, user: true, executable: true, entry: 0n };
  }
  if (paging.canonicalBits === undefined) gva &= 0xffff_ffffn;
  else if (BigInt.asIntN(paging.canonicalBits, gva) !== BigInt.asIntN(64, gva)) return undefined;
  let table: Table = root(registers, paging);
  for (const at of paging.levels) {
    const index = Number((gva >> BigInt(at.shift)) & ((1n << BigInt(at.bits)) - 1n));
    const found = follow(memory, paging, table, at, index);
    if (found === undefined || "bytes" in found) return found;
    table = found;
  }
  return undefined;
}

/** All pages, in the order of their addresses. */
export function* pages(registers: PagingRegisters, memory: Memory): Generator<Page> {
  const paging = form(registers);
  if (paging !== undefined) yield* pagesBelow(memory, paging, root(registers, paging), 0);
}

/** A table on the way, with what has been granted so far. */
interface Table {
  readonly at: number;
  readonly gva: bigint;
  readonly writable: boolean;
  readonly user: boolean;
  readonly executable: boolean;
}

function root({ cr3 }: PagingRegisters, { entryBytes, levels }: Form): Table {
  // PAE's four entries are aligned to 32 bytes only
  const at = levels[0].bits === 2 ? cr3 & 0xffff_ffe0n : entryBytes === 4 ? cr3 & 0xffff_f000n : cr3 & ADDRESS;
  return { at: Number(at), gva: 0n, writable: true, user: true, executable: true };
}

function* pagesBelow(memory: Memory, paging: Form, table: Table, depth: number): Generator<Page> {
  const at = paging.levels[depth];
  for (let index = 0; index < 1 << at.bits; index++) {
    const found = follow(memory, paging, table, at, index);
    if (found === undefined) continue;
    if ("bytes" in found) yield found;
    else yield* pagesBelow(memory, paging, found, depth + 1);
  }
}

/** What an entry leads to. */
function follow(memory: Memory, paging: Form, table: Table, at: Level, index: number): Page | Table | undefined {
  const bytes = memory.view(table.at + index * paging.entryBytes, paging.entryBytes);
  if (bytes === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const entry = paging.entryBytes === 8 ? view.getBigUint64(0, true) : BigInt(view.getUint32(0, true));
  if ((entry & P) === 0n) return undefined;
  // the four entries of PAE's first level grant everything
  const grants = at.bits !== 2;
  const rights = {
    gva: signExtended(table.gva | (BigInt(index) << BigInt(at.shift)), paging.canonicalBits),
    writable: table.writable && (!grants || (entry & RW) !== 0n),
    user: table.user && (!grants || (entry & US) !== 0n),
    executable: table.executable && (entry & XD) === 0n,
  };
  const isPage = at.shift === 12 || (at.large && (entry & PS) !== 0n);
  if (!isPage) return { ...rights, at: Number(entry & ADDRESS) };
  return { ...rights, gpa: frame(entry, at, paging), bytes: 2 ** at.shift, entry };
}

function frame(entry: bigint, { shift }: Level, { entryBytes }: Form): number {
  const base = entry & ADDRESS & ~((1n << BigInt(shift)) - 1n);
  // PSE-36: a 4-MiB page has address bits 32-39 in bits 13-20
  return Number(shift === 22 && entryBytes === 4 ? base | (((entry >> 13n) & 0xffn) << 32n) : base);
}

function signExtended(gva: bigint, bits: number | undefined): bigint {
  return bits === undefined ? gva : BigInt.asUintN(64, BigInt.asIntN(bits, gva));
}
