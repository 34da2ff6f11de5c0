/** `info ept`: what the extended page tables of the running guest map. SDM Vol. 3 "The Extended Page Table Mechanism (EPT)". */
import type { Memory } from "../../bus/device.ts";

const MAX_LINES = 2000;
const ADDRESS = 0x000f_ffff_ffff_f000n;
const RIGHTS = 7n;
const LARGE = 0x80n;
const TOP = 39n;
const TYPES: Readonly<Record<number, string>> = { 0: "UC", 1: "WC", 4: "WT", 5: "WP", 6: "WB" };

interface Run {
  readonly start: bigint;
  end: bigint;
  readonly to: bigint;
  readonly rights: string;
}

const hex = (value: bigint) => value.toString(16).padStart(12, "0");

/** Runs of guest-physical memory that are mapped to physical memory in one piece with the same rights and type. */
export function eptText(pointer: bigint, memory: Memory): string {
  if (pointer === 0n) return "EPT is not in use: no guest runs, or its VMCS does not enable it";
  const runs: Run[] = [];
  walk(pointer & ADDRESS, TOP, 0n, memory, (start, bytes, entry) => {
    const to = entry & ADDRESS & ~(bytes - 1n);
    const rights = rightsOf(entry, bytes);
    const last = runs.at(-1);
    if (last !== undefined && last.end === start && last.rights === rights && last.to + (last.end - last.start) === to) last.end += bytes;
    else runs.push({ start, end: start + bytes, to, rights });
    return runs.length <= MAX_LINES;
  });
  const lines = runs.slice(0, MAX_LINES).map(({ start, end, to, rights }) => `${hex(start)}-${hex(end)} -> ${hex(to)} ${rights}`);
  return [`EPTP ${hex(pointer)}`, ...lines, ...(runs.length > MAX_LINES ? ["… and more"] : [])].join("\n");
}

/** Calls `page` for each; false ends the walk. */
function walk(
  table: bigint,
  shift: bigint,
  base: bigint,
  memory: Memory,
  page: (start: bigint, bytes: bigint, entry: bigint) => boolean,
): boolean {
  const bytes = memory.view(Number(table), 4096);
  if (bytes === undefined) return true;
  const entries = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let i = 0n; i < 512n; i++) {
    const entry = entries.getBigUint64(Number(i) * 8, true);
    if ((entry & RIGHTS) === 0n) continue;
    const start = base + (i << shift);
    const isPage = shift === 12n || ((entry & LARGE) !== 0n && shift !== TOP);
    const on = isPage ? page(start, 1n << shift, entry) : walk(entry & ADDRESS, shift - 9n, start, memory, page);
    if (!on) return false;
  }
  return true;
}

/** "rwx WB 2M" */
function rightsOf(entry: bigint, bytes: bigint): string {
  const rights = [..."rwx"].map((letter, bit) => (((entry >> BigInt(bit)) & 1n) === 1n ? letter : "-")).join("");
  const type = TYPES[Number((entry >> 3n) & 7n)] ?? "reserved";
  return `${rights} ${type} ${bytes === 4096n ? "4K" : bytes === 1n << 21n ? "2M" : "1G"}`;
}
