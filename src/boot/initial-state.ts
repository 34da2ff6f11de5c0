/**
 * How a boot loader leaves the processor: flat segments in protected mode without paging, or 64-bit mode with the first GiBs mapped to
 * themselves. SDM Vol. 3 "Initializing Protected-Mode Operation", "Initializing IA-32e Mode". What is not named stays as after reset.
 */
import { Structure } from "./bytes.ts";
import type { Placement } from "./placement.ts";

/** Fields of src/spec/state.ts: bigint where they have 64 bits, number where they are narrower. */
export type Registers = Readonly<Record<string, bigint | number>>;

/** Low memory while an image is entered; from 0x10000 on it is free for the loader of each format. */
const GDT = 0x500;
/** top of a page of stack for entries that want one */
export const BOOT_STACK = 0x8ff0;
const STACK_PAGE = 0x8000;
const PML4 = 0x9000;
const PDPT = 0xa000;
const DIRECTORIES = 0xb000;
/** all RAM that a machine can have, the hole below 4 GiB included */
const MAPPED_GIB = 5;
const PAGE = 0x1000;
const PAGE_2M = 0x20_0000;

/** accessed, flat, 4 GiB */
const CODE64 = 0x00af_9b00_0000_ffffn;
const CODE32 = 0x00cf_9b00_0000_ffffn;
const DATA = 0x00cf_9300_0000_ffffn;

const DATA_RIGHTS = 0xc093;
const BUSY_TSS_RIGHTS = 0x8b;
const CR0_PE_ET = 0x11n;
const CR0_PG = 0x8000_0000n;
const CR4_PAE = 0x20n;
const EFER_LME_LMA = 0x500n;
/** MTRRs enabled, all memory write-back but for what page tables say: as firmware leaves it, roughly. SDM Vol. 3 "IA32_MTRR_DEF_TYPE MSR" */
const MTRR_WRITE_BACK = 0x806n;

interface Flat {
  readonly code: number;
  readonly data: number;
  readonly codeDescriptor: bigint;
  readonly codeRights: number;
}

/** Multiboot and PVH leave the selectors open; these are what QEMU has. */
const FLAT32: Flat = { code: 0x08, data: 0x10, codeDescriptor: CODE32, codeRights: 0xc09b };
/** __BOOT_CS and __BOOT_DS of the Linux boot protocol */
const FLAT64: Flat = { code: 0x10, data: 0x18, codeDescriptor: CODE64, codeRights: 0xa09b };
const GDT_BYTES = 32;

/** 32-bit protected mode, paging off: what multiboot and PVH ask for. */
export function protectedMode(place: Placement, entry: number, registers: Registers): Registers {
  writeGdt(place, FLAT32);
  return {
    mode: 1,
    cpl: 0,
    cr0: CR0_PE_ET,
    cr3: 0n,
    cr4: 0n,
    efer: 0n,
    mtrrDefault: MTRR_WRITE_BACK,
    stackMask: 0xffff_ffffn,
    ...segments(FLAT32),
    rip: BigInt(entry),
    ...registers,
  };
}

/** 64-bit mode with identity page tables for everything below 5 GiB. */
export function longMode(place: Placement, entry: number, registers: Registers): Registers {
  writeGdt(place, FLAT64);
  writePageTables(place);
  return {
    mode: 2,
    cpl: 0,
    cr0: CR0_PE_ET | CR0_PG,
    cr3: BigInt(PML4),
    cr4: CR4_PAE,
    efer: EFER_LME_LMA,
    mtrrDefault: MTRR_WRITE_BACK,
    stackMask: 0xffff_ffff_ffff_ffffn,
    ...segments(FLAT64),
    rip: BigInt(entry),
    rsp: BigInt(BOOT_STACK),
    ...registers,
  };
}

function writeGdt(place: Placement, flat: Flat): void {
  place.claim("the boot GDT", GDT, GDT_BYTES);
  place.write(GDT, new Structure(GDT_BYTES).u64(flat.code, flat.codeDescriptor).u64(flat.data, DATA).bytes);
}

/** 4 levels, 2-MiB pages, writable. */
function writePageTables(place: Placement): void {
  const tables = new Structure((2 + MAPPED_GIB) * PAGE);
  tables.u64(0, PDPT | 3);
  for (let g = 0; g < MAPPED_GIB; g++) tables.u64(PDPT - PML4 + g * 8, (DIRECTORIES + g * PAGE) | 3);
  for (let i = 0; i < MAPPED_GIB * 512; i++) tables.u64(DIRECTORIES - PML4 + i * 8, i * PAGE_2M + 0x83);
  place.claim("the boot stack", STACK_PAGE, PAGE);
  place.claim("the boot page tables", PML4, tables.bytes.length);
  place.write(PML4, tables.bytes);
}

function segments(flat: Flat): Registers {
  const data = ["ss", "ds", "es", "fs", "gs"].flatMap((name) => Object.entries(segment(name, flat.data, DATA_RIGHTS)));
  return {
    ...segment("cs", flat.code, flat.codeRights),
    ...Object.fromEntries(data),
    tr: 0,
    trBase: 0n,
    trLimit: 0x67,
    trRights: BUSY_TSS_RIGHTS,
    gdtrBase: BigInt(GDT),
    gdtrLimit: GDT_BYTES - 1,
    idtrBase: 0n,
    idtrLimit: 0,
  };
}

function segment(name: string, selector: number, rights: number): Registers {
  return { [name]: selector, [`${name}Base`]: 0n, [`${name}Limit`]: 0xffff_ffff, [`${name}Rights`]: rights };
}
