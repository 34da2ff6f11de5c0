/** `info mem` and `info tlb`: what the guest's page tables map. Both list the tables, not the core's cache of them, as QEMU's do. */
import type { Memory } from "../../bus/device.ts";
import { type Page, type PagingRegisters, pages } from "../../machine/page-walk.ts";

const MAX_LINES = 2000;
const OFF = "paging is off";
const FLAGS: readonly (readonly [bigint, string])[] = [
  [1n << 63n, "X"],
  [0x100n, "G"],
  [0x80n, "P"],
  [0x40n, "D"],
  [0x20n, "A"],
  [0x10n, "C"],
  [0x08n, "T"],
  [0x04n, "U"],
  [0x02n, "W"],
];

const hex = (value: bigint | number, digits = 16) => value.toString(16).padStart(digits, "0");

/** Runs of pages with the same rights: start-end, size, rights. */
export function memoryMapText(registers: PagingRegisters, memory: Memory): string {
  const runs: { start: bigint; end: bigint; rights: string }[] = [];
  for (const page of pages(registers, memory)) {
    const rights = rightsOf(page);
    const last = runs.at(-1);
    const end = page.gva + BigInt(page.bytes);
    if (last !== undefined && last.end === page.gva && last.rights === rights) last.end = end;
    else runs.push({ start: page.gva, end, rights });
  }
  if (runs.length === 0) return OFF;
  return capped(runs.map(({ start, end, rights }) => `${hex(start)}-${hex(end)} ${hex(end - start)} ${rights}`));
}

/** Page by page: linear address, physical address, flags of the entry. */
export function translationsText(registers: PagingRegisters, memory: Memory): string {
  const lines: string[] = [];
  for (const { gva, gpa, bytes, entry } of pages(registers, memory)) {
    // bit 7 is PAT in an entry for 4 KiB
    const flags = FLAGS.map(([bit, letter]) => ((entry & bit) !== 0n && !(letter === "P" && bytes === 4096) ? letter : "-")).join("");
    lines.push(`${hex(gva)}: ${hex(gpa)} ${flags}`);
    if (lines.length > MAX_LINES) break;
  }
  return lines.length === 0 ? OFF : capped(lines);
}

function rightsOf({ user, writable, executable }: Page): string {
  return `${user ? "u" : "-"}r${writable ? "w" : "-"}${executable ? "x" : "-"}`;
}

function capped(lines: readonly string[]): string {
  return lines.length <= MAX_LINES ? lines.join("\n") : `${lines.slice(0, MAX_LINES).join("\n")}\n… and more`;
}
