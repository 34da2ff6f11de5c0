/** Translation of an address through a guest's own page tables, as they stand in memory. SDM Vol. 3 "4-Level Paging and 5-Level Paging". */
import { lower, upper } from "./address.ts";
import { ContractViolation } from "./errors.ts";
import { LEVEL, tableIndex } from "./page-table.ts";
import { PageTableEntry } from "./page-table-entry.ts";
import type { PhysicalMemory } from "./physical-memory.ts";

export interface Translation {
  /** with the offset in the page */
  readonly phys: bigint;
  /** index into the guest's PAT */
  readonly patIndex: bigint;
}

export function walkGuest(memory: PhysicalMemory, virt: bigint, cr3: bigint): Translation {
  if (virt === 0n) throw new ContractViolation("virtual address 0 is not translated");
  if (cr3 === 0n || lower(cr3) !== 0n) throw new ContractViolation(`0x${cr3.toString(16)} is no page that tables start at`);
  let table = cr3;
  for (const from of [LEVEL.PML4, LEVEL.PDPT, LEVEL.PD]) {
    const entry = entryOf(memory, table, virt, from);
    if (entry.ps && from !== LEVEL.PML4)
      return { phys: upper(entry.physicalAddress, from) | lower(virt, from), patIndex: entry.patIndexLarge };
    table = entry.physicalAddress;
  }
  const entry = entryOf(memory, table, virt, LEVEL.PT);
  return { phys: entry.physicalAddress | lower(virt), patIndex: entry.patIndex4k };
}

export function virtToPhysWithCr3(memory: PhysicalMemory, virt: bigint, cr3: bigint): bigint {
  return walkGuest(memory, virt, cr3).phys;
}

function entryOf(memory: PhysicalMemory, table: bigint, virt: bigint, from: bigint): PageTableEntry {
  const entry = new PageTableEntry(memory, table + tableIndex(virt, from) * 8n);
  if (!entry.present || entry.physicalAddress === 0n)
    throw new ContractViolation(
      `0x${virt.toString(16)} is not mapped: entry 0x${entry.raw.toString(16)} of the table at 0x${table.toString(16)}`,
    );
  return entry;
}
