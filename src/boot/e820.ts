/**
 * The memory map that a PC's firmware reports (INT 15h AX=E820h; ACPI "System Address Map Interfaces"): RAM as the physical map of the
 * machine has it, without the EBDA and the firmware's area below 1 MiB, and without what the caller wants hidden from the OS.
 */
export const E820 = { RAM: 1, RESERVED: 2, ACPI: 3, NVS: 4 } as const;

export interface Range {
  readonly start: number;
  readonly length: number;
}

export interface E820Entry extends Range {
  readonly type: number;
}

/** RAM below 4 GiB ends here at the latest; the rest stands above 4 GiB. */
export const LOW_RAM_MAX = 0xc000_0000;
const HIGH_RAM = 0x1_0000_0000;

/** where conventional memory ends and the extended BIOS data area begins */
export const EBDA = 0x9_fc00;
export const VIDEO = 0xa_0000;
/** firmware tables; reserved up to 1 MiB */
export const FIRMWARE = 0xe_0000;
export const EXTENDED = 0x10_0000;

/** RAM as the processor reaches it, whatever uses it. */
export function ramRanges(memoryBytes: number): readonly Range[] {
  const low = { start: 0, length: Math.min(memoryBytes, LOW_RAM_MAX) };
  return memoryBytes > LOW_RAM_MAX ? [low, { start: HIGH_RAM, length: memoryBytes - LOW_RAM_MAX }] : [low];
}

/** The map, sorted; `reserved` ranges are cut out of RAM. */
export function e820(memoryBytes: number, reserved: readonly Range[] = []): readonly E820Entry[] {
  const holes = [...reserved, { start: VIDEO, length: FIRMWARE - VIDEO }];
  const kept = [...reserved, { start: EBDA, length: VIDEO - EBDA }, { start: FIRMWARE, length: EXTENDED - FIRMWARE }];
  const cut = [...holes, ...kept];
  const ram = ramRanges(memoryBytes).flatMap((range) => cut.reduce(without, [range] as readonly Range[]));
  return [...ram.map((r) => ({ ...r, type: E820.RAM })), ...kept.map((r) => ({ ...r, type: E820.RESERVED }))]
    .filter((r) => r.length > 0)
    .sort((a, b) => a.start - b.start);
}

function without(ranges: readonly Range[], hole: Range): readonly Range[] {
  const end = hole.start + hole.length;
  return ranges.flatMap((r) => {
    const before = { start: r.start, length: Math.min(r.length, Math.max(0, hole.start - r.start)) };
    const from = Math.max(r.start, Math.min(end, r.start + r.length));
    const after = { start: from, length: r.start + r.length - from };
    if (end <= r.start || hole.start >= r.start + r.length) return [r];
    return [before, after].filter((part) => part.length > 0);
  });
}
