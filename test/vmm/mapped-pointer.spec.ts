import { describe, expect, it } from "vitest";
import { BadAlloc, ContractViolation, OutOfRange, RuntimeError } from "../../src/vmm/errors.ts";
import { virtToPhysWithCr3 } from "../../src/vmm/guest-walk.ts";
import { type MapContext, MappedPointer } from "../../src/vmm/mapped-pointer.ts";
import { RE_WB, RW_WB } from "../../src/vmm/memory-attribute.ts";
import { RootPageTable } from "../../src/vmm/root-page-table.ts";
import { failing, type Parts, vmmParts } from "./parts.ts";

const MAP = 0x20_0000n;
const PAGE = 0x1000n;
/** as a guest runs with: entries 0 to 7 are WB WT UC- UC WB WT UC- UC */
const PAT = 0x0007_0406_0007_0406n;
const VIRT = 0x7f12_3456_7000n;

interface Space extends Parts {
  readonly context: MapContext;
  readonly root: RootPageTable;
  readonly flushed: bigint[];
  readonly cacheFlushed: bigint[];
}

function space(parts = vmmParts()): Space {
  const flushed: bigint[] = [];
  const cacheFlushed: bigint[] = [];
  const root = new RootPageTable({ memory: parts.memory, manager: parts.manager, isVmm: true });
  const context = {
    memory: parts.memory,
    manager: parts.manager,
    root,
    invlpg: (virt: bigint) => flushed.push(virt),
    clflush: (virt: bigint) => cacheFlushed.push(virt),
  };
  return { ...parts, context, root, flushed, cacheFlushed };
}

/** Tables of a guest at the start of the spare memory, whose last level (or large page) is the given entry. */
function guestTables({ memory, spare }: Parts, leafLevel: 1 | 2 | 3, leaf: bigint, virt = VIRT): bigint {
  for (let level = 4; level >= leafLevel; level--) {
    const table = spare + BigInt(4 - level) * PAGE;
    const index = (virt >> BigInt(12 + 9 * (level - 1))) & 511n;
    memory.write64(table + index * 8n, level === leafLevel ? leaf : (table + PAGE) | 0x67n);
  }
  return spare;
}

const target = ({ root }: Space, virt: bigint) => root.virtToPte(virt).physicalAddress;

describe("mapped pointers", () => {
  it("MAP-1 an empty one is not mapped and has size 0", () => {
    const pointer = MappedPointer.empty();
    expect([pointer.isMapped, pointer.address, pointer.size]).toEqual([false, 0n, 0n]);
    pointer.reset();
    expect(() => pointer.read(0n, 1)).toThrow(ContractViolation);
  });

  it("MAP-1 MAP-2 MAP-5 one page: mapped, flushed, readable, and gone with reset", () => {
    const s = space();
    const pointer = MappedPointer.page(s.context, s.spare);
    expect([pointer.isMapped, pointer.address, pointer.size]).toEqual([true, MAP, PAGE]);
    expect([target(s, MAP), s.root.virtToPte(MAP).rw, s.root.virtToPte(MAP).nx]).toEqual([s.spare, true, true]);
    expect(s.flushed).toEqual([MAP]);
    pointer.write(0xffcn, Uint8Array.of(1, 2, 3, 4));
    expect(s.memory.read32(s.spare + 0xffcn)).toBe(0x0403_0201);
    expect([...pointer.read(0xffdn, 2)]).toEqual([2, 3]);
    expect(() => pointer.read(0xffdn, 4)).toThrow(OutOfRange);
    pointer.reset();
    expect([pointer.isMapped, pointer.size, s.manager.sizeMap(MAP)]).toEqual([false, 0n, 0n]);
    expect(() => s.root.virtToPte(MAP)).toThrow(RuntimeError);
    expect(() => s.manager.virtToPhys(MAP)).toThrow(OutOfRange);
  });

  it("MAP-2 one page: what is null or no page is refused, and with it what the manager gives for addresses", () => {
    const s = space();
    for (const phys of [0n, s.spare + 0x10n]) expect(() => MappedPointer.page(s.context, phys)).toThrow(ContractViolation);
    for (const start of [0n, MAP + 0x10n]) {
      const manager = { allocMap: () => start, freeMap: () => {}, virtToPhys: () => 0n };
      expect(() => MappedPointer.page({ ...s.context, manager }, s.spare)).toThrow(ContractViolation);
    }
    expect(s.manager.maps.usedBytes).toBe(0n);
  });

  it("MAP-1 MAP-2 MAP-5 ranges are mapped one behind the other; the address has the first one's offset", () => {
    const s = space();
    const list = [0x10n, 0x4000n, 0x8000n].map((at) => ({ phys: s.spare + at, size: 2n * PAGE }));
    const pointer = MappedPointer.ranges(s.context, list, RE_WB);
    expect([pointer.address, pointer.size]).toEqual([MAP + 0x10n, 6n * PAGE]);
    const pages = [0n, 1n, 2n, 3n, 4n, 5n].map((n) => MAP + n * PAGE);
    expect(pages.map((page) => target(s, page) - s.spare)).toEqual([0n, 0x1000n, 0x4000n, 0x5000n, 0x8000n, 0x9000n]);
    expect(s.root.virtToPte(MAP).nx).toBe(false);
    expect(s.flushed).toEqual(pages);
    s.memory.write64(s.spare + 0x3ff8n, 0x1111n);
    s.memory.write64(s.spare + 0x4000n, 0x2222n);
    expect([...pointer.read(2n * PAGE - 0x10n, 2)]).toEqual([0x22, 0x22]);
    pointer.reset();
    for (const page of pages) expect(() => s.manager.virtToPhys(page)).toThrow(OutOfRange);
    expect(s.manager.maps.usedBytes).toBe(0n);
  });

  it("MAP-2 ranges: none, and null, empty or partial ones are refused", () => {
    const s = space();
    const good = { phys: s.spare, size: PAGE };
    expect(() => MappedPointer.ranges(s.context, [])).toThrow(ContractViolation);
    for (const bad of [
      { phys: 0n, size: PAGE },
      { phys: s.spare, size: 0n },
      { phys: s.spare, size: 2n },
    ])
      expect(() => MappedPointer.ranges(s.context, [good, bad, good])).toThrow(ContractViolation);
    expect(s.manager.maps.usedBytes).toBe(0n);
  });

  it("MAP-1 MAP-2 a guest's range: as many pages as its bytes touch, the address has its offset, the size is what was asked for", () => {
    for (const [offset, size, pages] of [
      [0n, 2n * PAGE, 2],
      [0x10n, 2n * PAGE, 3],
      [0x10n, 2n * PAGE - 0x10n, 2],
      [0xfffn, 2n, 2],
    ] as const) {
      const s = space();
      const cr3 = guestTables(s, 2, (s.spare & ~0x1f_ffffn) | 0xe7n);
      const phys = (s.spare & ~0x1f_ffffn) | (VIRT & 0x1f_f000n);
      const pointer = MappedPointer.guest(s.context, VIRT + offset, cr3, size, PAT);
      expect([pointer.address, pointer.size, s.flushed.length]).toEqual([MAP + offset, size, pages]);
      expect(s.flushed.map((page) => target(s, page))).toEqual(s.flushed.map((page) => phys + page - MAP));
      pointer.reset();
      expect(s.manager.maps.usedBytes).toBe(0n);
    }
  });

  it("MAP-2 MAP-4 a guest's range: null address, table or size, and a table inside of a page are refused", () => {
    const s = space();
    const cr3 = guestTables(s, 1, s.spare | 1n);
    expect(() => MappedPointer.guest(s.context, 0n, cr3, PAGE, PAT)).toThrow(ContractViolation);
    expect(() => MappedPointer.guest(s.context, VIRT, 0n, PAGE, PAT)).toThrow(ContractViolation);
    expect(() => MappedPointer.guest(s.context, VIRT, cr3 + 0x10n, PAGE, PAT)).toThrow(ContractViolation);
    expect(() => MappedPointer.guest(s.context, VIRT, cr3, 0n, PAT)).toThrow(ContractViolation);
    expect(s.manager.maps.usedBytes).toBe(0n);
  });

  it("MAP-3 addresses are exhausted: a contract is broken, and it is told what to raise", () => {
    const s = space();
    const held = Array.from({ length: 16 }, () => MappedPointer.page(s.context, s.spare));
    expect(() => MappedPointer.page(s.context, s.spare)).toThrow(ContractViolation);
    expect(s.printed.at(-1)).toContain("raise MAP_POOL_BYTES (option mapPoolBytes)");
    for (const pointer of held) pointer.reset();
    expect(s.manager.maps.usedBytes).toBe(0n);
  });

  it("MAP-3 whatever fails while pages are mapped is told, and what was mapped already is unmapped", () => {
    // the root table and three for the first page; a second range of 2 MiB needs one more
    const s = space(vmmParts(failing(/^alloc page pool/, 5), 0x40_0000n));
    const pages = s.manager.pages.usedBytes;
    const list = [{ phys: s.spare, size: 0x20_1000n }];
    expect(() => MappedPointer.ranges(s.context, list)).toThrow(BadAlloc);
    expect([s.manager.maps.usedBytes, s.manager.pages.usedBytes]).toEqual([0n, pages]);
    expect(() => s.manager.virtToPhys(MAP)).toThrow(OutOfRange);
  });

  it("MAP-4 MAP-6 the walk: pages of 4k, 2m and 1g", () => {
    for (const [level, leaf, mask] of [
      [1, 0x0000_0012_3456_7067n, 0xfffn],
      [2, 0x0000_0012_3440_00e7n, 0x1f_ffffn],
      [3, 0x0000_0012_0000_00e7n, 0x3fff_ffffn],
    ] as const) {
      const s = space();
      const cr3 = guestTables(s, level, leaf);
      const virt = VIRT + 0x123n;
      const phys = (leaf & ~0xfffn) | (virt & mask);
      expect(virtToPhysWithCr3(s.memory, virt, cr3)).toBe(phys);
      const pointer = MappedPointer.guest(s.context, virt, cr3, 8n, PAT);
      expect(target(s, MAP)).toBe(phys & ~0xfffn);
      pointer.reset();
    }
  });

  it("MAP-4 MAP-6 every level has to be present and not at 0", () => {
    for (const broken of [4n, 3n, 2n, 1n]) {
      for (const entry of [0x7000_0000n, 0x67n]) {
        const s = space();
        const cr3 = guestTables(s, 1, s.spare | 0x67n);
        s.memory.write64(s.spare + (4n - broken) * PAGE + ((VIRT >> (12n + 9n * (broken - 1n))) & 511n) * 8n, entry);
        expect(() => MappedPointer.guest(s.context, VIRT, cr3, PAGE, PAT)).toThrow(ContractViolation);
        expect(() => virtToPhysWithCr3(s.memory, VIRT, cr3)).toThrow(ContractViolation);
      }
    }
  });

  it("MAP-4 the mapping has the type that the guest's PAT has for the leaf's index, and is writable", () => {
    // index of the leaf in the guest's PAT → type there → index in the VMM's PAT
    const pat = 0x0007_0106_0504_0006n;
    const expected = [3n, 0n, 2n, 5n, 3n, 1n, 7n, 0n];
    for (const [index, own] of expected.entries()) {
      const [low, high] = [BigInt(index) & 3n, BigInt(index) >> 2n];
      for (const [level, patBit] of [
        [1, 7n],
        [2, 12n],
      ] as const) {
        const s = space();
        const leaf = 0x0000_0012_3440_0061n | (low << 3n) | (high << patBit) | (level === 2 ? 0x80n : 0n);
        const pointer = MappedPointer.guest(s.context, VIRT, guestTables(s, level, leaf), 8n, pat);
        const entry = s.root.virtToPte(MAP);
        expect([index, level, entry.patIndex4k, entry.rw, entry.nx]).toEqual([index, level, own, true, true]);
        pointer.reset();
      }
    }
    const s = space();
    const cr3 = guestTables(s, 1, s.spare | 0x67n);
    expect(() => MappedPointer.guest(s.context, VIRT, cr3, 8n, 0x0202_0202_0202_0202n)).toThrow(RuntimeError);
    expect(s.manager.maps.usedBytes).toBe(0n);
  });

  it("MAP-6 the walk refuses what the mapping refuses", () => {
    const s = space();
    const cr3 = guestTables(s, 1, s.spare | 1n);
    for (const [virt, table] of [
      [0n, cr3],
      [VIRT, 0n],
      [VIRT, cr3 + 0x10n],
    ])
      expect(() => virtToPhysWithCr3(s.memory, virt, table)).toThrow(ContractViolation);
  });

  it("MAP-5 release gives the mapping away", () => {
    const s = space();
    const cr3 = guestTables(s, 2, (s.spare & ~0x1f_ffffn) | 0xe7n);
    const pointer = MappedPointer.guest(s.context, VIRT + 0x10n, cr3, PAGE, PAT);
    expect(pointer.release()).toEqual({ address: MAP + 0x10n, size: PAGE, unalignedSize: PAGE + 0x10n });
    expect([pointer.isMapped, pointer.size]).toEqual([false, 0n]);
    pointer.reset();
    expect(s.manager.sizeMap(MAP)).toBe(2n * PAGE);
    expect(s.root.virtToPte(MAP + PAGE).present).toBe(true);
  });

  it("MAP-5 move leaves the source empty, swap exchanges, comparison is by address", () => {
    const s = space();
    const first = MappedPointer.page(s.context, s.spare);
    const moved = first.move();
    expect([first.isMapped, first.size, moved.address, moved.size]).toEqual([false, 0n, MAP, PAGE]);
    const second = MappedPointer.page(s.context, s.spare, RW_WB);
    expect([moved.compare(second), second.compare(moved), moved.compare(moved), first.compare(MappedPointer.empty())]).toEqual([
      -1, 1, 0, 0,
    ]);
    moved.swap(second);
    expect([moved.address, second.address]).toEqual([MAP + PAGE, MAP]);
    moved.swap(first);
    expect([moved.isMapped, first.address]).toEqual([false, MAP + PAGE]);
    first.reset();
    second.reset();
    expect(s.manager.maps.usedBytes).toBe(0n);
  });

  it("MAP-5 the end of a block disposes", () => {
    const s = space();
    const pointer = MappedPointer.page(s.context, s.spare);
    pointer[Symbol.dispose]();
    expect([pointer.isMapped, s.manager.maps.usedBytes]).toEqual([false, 0n]);
  });

  it("MAP-5 cache_flush flushes every 64 bytes", () => {
    const s = space();
    MappedPointer.page(s.context, s.spare).cacheFlush();
    expect(s.cacheFlushed).toEqual(Array.from({ length: 64 }, (_, i) => MAP + BigInt(64 * i)));
  });
});
