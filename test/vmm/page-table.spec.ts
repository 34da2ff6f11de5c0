/** Entries, tables and address spaces. SDM Vol. 3 "4-Level Paging and 5-Level Paging". */
import { describe, expect, it } from "vitest";
import { lower, upper } from "../../src/vmm/address.ts";
import { BadAlloc, ContractViolation, LogicError, OutOfRange, RuntimeError } from "../../src/vmm/errors.ts";
import {
  CACHE,
  memoryTypeToAttribute,
  PERMISSION,
  PT_WB,
  patIndex,
  patIndexOf,
  patType,
  RE_WB,
  RW_WB,
  VMM_PAT,
} from "../../src/vmm/memory-attribute.ts";
import { MEMORY_TYPE } from "../../src/vmm/memory-manager.ts";
import { LEVEL, PageTable, tableIndex } from "../../src/vmm/page-table.ts";
import { PageTableEntry } from "../../src/vmm/page-table-entry.ts";
import { PAGE_1G, PAGE_2M, PAGE_4K, RootPageTable, vmmRootPageTable } from "../../src/vmm/root-page-table.ts";
import { failing, type Parts, PHYSICAL, VIRTUAL, vmmParts } from "./parts.ts";

const { R, W, E } = MEMORY_TYPE;
const VIRT = 0x0000_1111_4000_0000n;

function makeEntry() {
  const { memory, spare } = vmmParts();
  return new PageTableEntry(memory, spare);
}

describe("page-table entry", () => {
  it("PT-1 each accessor is its bit, and changes no other", () => {
    const entry = makeEntry();
    const bits = [
      ["present", 0],
      ["rw", 1],
      ["us", 2],
      ["pwt", 3],
      ["pcd", 4],
      ["accessed", 5],
      ["dirty", 6],
      ["ps", 7],
      ["pat4k", 7],
      ["global", 8],
      ["patLarge", 12],
      ["nx", 63],
    ] as const;
    for (const [name, bit] of bits) {
      const mask = 1n << BigInt(bit);
      entry.raw = 0n;
      entry[name] = true;
      expect([name, entry.raw, entry[name]]).toEqual([name, mask, true]);
      entry.raw = (1n << 64n) - 1n;
      entry[name] = false;
      expect([name, entry.raw, entry[name]]).toEqual([name, (1n << 64n) - 1n - mask, false]);
    }
  });

  it("PT-1 the physical address is bits 47:12; clear makes all zero", () => {
    const entry = makeEntry();
    entry.raw = (1n << 64n) - 1n;
    expect(entry.physicalAddress).toBe(0x0000_ffff_ffff_f000n);
    entry.physicalAddress = 0xabcd_ef12_3456_7fffn;
    expect(entry.raw).toBe(0xffff_ef12_3456_7fffn);
    entry.clear();
    expect(entry.raw).toBe(0n);
    entry.physicalAddress = 0x1234_5678n;
    expect(entry.raw).toBe(0x1234_5000n);
  });

  it("PT-2 the PAT index is PWT + 2 PCD + 4 PAT; there are eight", () => {
    const entry = makeEntry();
    for (let index = 0n; index < 8n; index++) {
      entry.raw = 0n;
      entry.patIndex4k = index;
      expect([entry.pwt, entry.pcd, entry.pat4k]).toEqual([1n, 2n, 4n].map((bit) => (index & bit) !== 0n));
      expect(entry.patIndex4k).toBe(index);
      entry.raw = (1n << 64n) - 1n;
      entry.patIndexLarge = index;
      expect([entry.pwt, entry.pcd, entry.patLarge, entry.ps]).toEqual([...[1n, 2n, 4n].map((bit) => (index & bit) !== 0n), true]);
      expect(entry.patIndexLarge).toBe(index);
    }
    for (const index of [8n, -1n]) {
      expect(() => {
        entry.patIndex4k = index;
      }).toThrow(ContractViolation);
      expect(() => {
        entry.patIndexLarge = index;
      }).toThrow(ContractViolation);
    }
  });
});

describe("tables", () => {
  const make = (parts: Parts) => new PageTable(parts.memory, parts.manager);
  const present = (entry: PageTableEntry) => {
    entry.present = true;
  };

  it("PT-3 an index is nine bits of the address", () => {
    const virt = (1n << 39n) | (2n << 30n) | (3n << 21n) | (511n << 12n) | (0xffffn << 48n);
    expect([LEVEL.PML4, LEVEL.PDPT, LEVEL.PD, LEVEL.PT].map((from) => tableIndex(virt, from))).toEqual([1n, 2n, 3n, 511n]);
    expect([LEVEL.PML4, LEVEL.PDPT, LEVEL.PD, LEVEL.PT]).toEqual([39n, 30n, 21n, 12n]);
  });

  it("PT-3 an entry that leads to a table is present, writable, with PAT index 3 and the table's physical address", () => {
    const parts = vmmParts();
    const table = make(parts);
    table.addPage4k(VIRT);
    const [root, next] = table.descriptors();
    const raw = parts.memory.read64(root.phys + tableIndex(VIRT, LEVEL.PML4) * 8n);
    expect(raw).toBe(next.phys | 1n | 2n | 0x18n);
    expect(next.phys).toBe(next.virt - VIRTUAL + PHYSICAL);
  });

  it("PT-3 a table whose physical address nobody knows is not made, and its page is given back", () => {
    const parts = vmmParts();
    const table = make(parts);
    const used = parts.manager.pages.usedBytes;
    for (const { virt } of parts.manager.descriptors()) parts.manager.removeMd(virt);
    expect(() => table.addPage4k(VIRT)).toThrow(OutOfRange);
    expect(parts.manager.pages.usedBytes).toBe(used);
  });

  it("PT-3 PT-4 each table that cannot be had leaves nothing behind", () => {
    for (let n = 1; n <= 4; n++) {
      const parts = vmmParts(failing(/^alloc page pool 4096$/, n));
      if (n === 1) {
        expect(() => make(parts)).toThrow(BadAlloc);
        expect(parts.manager.pages.usedBytes).toBe(0n);
        continue;
      }
      const table = make(parts);
      expect(() => table.addPage4k(VIRT)).toThrow(BadAlloc);
      expect(table.isEmpty).toBe(true);
      expect(parts.manager.pages.usedBytes).toBe(4096n);
    }
  });

  it.each([
    ["1g", 1n << 30n, 2],
    ["2m", 1n << 21n, 3],
    ["4k", 1n << 12n, 4],
  ] as const)("PT-4 PT-5 pages of %s: tables come with the first page and go with the last", (size, bytes, depth) => {
    const parts = vmmParts();
    const table = make(parts);
    const add = (virt: bigint) => {
      const entry = { "1g": () => table.addPage1g(virt), "2m": () => table.addPage2m(virt), "4k": () => table.addPage4k(virt) }[size]();
      present(entry);
      return table.globalSize;
    };
    const remove = (virt: bigint) => {
      table.removePage(virt);
      return table.globalSize;
    };
    expect([add(VIRT), add(VIRT + 0x100n), add(VIRT + bytes), add(VIRT + 16n * bytes)]).toEqual([depth, depth, depth + 1, depth + 2]);
    expect([remove(VIRT), remove(VIRT + bytes), remove(VIRT + 16n * bytes)]).toEqual([depth + 1, depth, 0]);
    expect(parts.manager.pages.usedBytes).toBe(4096n);
  });

  it("PT-4 a page of another size takes the place of what was there", () => {
    const parts = vmmParts();
    const table = make(parts);
    const size = () => table.globalSize;
    present(table.addPage4k(VIRT));
    const sizes = [size()];
    present(table.addPage2m(VIRT));
    sizes.push(size());
    present(table.addPage4k(VIRT));
    sizes.push(size());
    present(table.addPage1g(VIRT));
    sizes.push(size());
    table.removePage(VIRT);
    sizes.push(size());
    expect(sizes).toEqual([4, 3, 4, 2, 0]);
    expect(parts.manager.pages.usedBytes).toBe(4096n);
  });

  it("PT-4 a large page replaces the table at its own place; the tables of its neighbours stay as they are", () => {
    const table = make(vmmParts());
    present(table.addPage4k(VIRT));
    present(table.addPage4k(VIRT + PAGE_2M));
    const entry = table.addPage2m(VIRT);
    expect(entry.raw).toBe(0n);
    expect(table.virtToPte(VIRT + PAGE_2M).present).toBe(true);
  });

  it("PT-5 what is not mapped, and what was unmapped already, is unmapped without harm", () => {
    const table = make(vmmParts());
    table.removePage(VIRT);
    present(table.addPage4k(VIRT));
    present(table.addPage4k(VIRT + PAGE_4K));
    table.removePage(VIRT);
    table.removePage(VIRT);
    expect(table.globalSize).toBe(4);
    table.removePage(VIRT + PAGE_4K);
    expect(table.globalSize).toBe(0);
  });

  it("PT-6 virt_to_pte: the entry if tables lead to it, present or not; an error if none do", () => {
    const table = make(vmmParts());
    present(table.addPage4k(VIRT));
    expect(table.virtToPte(VIRT + 0x123n).present).toBe(true);
    expect(table.virtToPte(VIRT + PAGE_4K).present).toBe(false);
    for (const far of [PAGE_2M, PAGE_1G, 1n << 39n]) expect(() => table.virtToPte(VIRT + far)).toThrow(RuntimeError);
    const large = table.addPage2m(VIRT + PAGE_2M);
    large.raw = 0x81n;
    expect(table.virtToPte(VIRT + PAGE_2M + 0x1_2345n).raw).toBe(0x81n);
  });

  it("PT-7 one descriptor for each table, readable and writable", () => {
    const parts = vmmParts();
    const table = make(parts);
    present(table.addPage4k(VIRT));
    present(table.addPage4k(VIRT + PAGE_2M));
    const list = table.descriptors();
    expect(list).toHaveLength(5);
    expect(new Set(list.map(({ virt }) => virt)).size).toBe(5);
    for (const { virt, phys, type } of list) expect([phys, type]).toEqual([parts.manager.virtToPhys(virt), R | W]);
  });
});

describe("address spaces", () => {
  const make = (parts: Parts, isVmm = false) => new RootPageTable({ memory: parts.memory, manager: parts.manager, isVmm });
  const PHYS = 0x0000_2222_c040_1000n;
  const NX = 1n << 63n;

  it.each([
    ["rw", RW_WB, 2n | NX],
    ["re", RE_WB, 0n],
    ["pt", PT_WB, 2n],
  ] as const)("PT-8 a page of class %s", (_name, attribute, rights) => {
    const root = make(vmmParts());
    const wb = 0x18n;
    root.map4k(VIRT, PHYS + 0x123n, attribute);
    expect(root.virtToPte(VIRT).raw).toBe(PHYS | 1n | wb | rights);
    root.map2m(VIRT + PAGE_1G, PHYS, attribute);
    expect(root.virtToPte(VIRT + PAGE_1G).raw).toBe(0x0000_2222_c040_0000n | 1n | wb | 0x80n | rights);
    root.map1g(VIRT + 2n * PAGE_1G, PHYS, attribute);
    expect(root.virtToPte(VIRT + 2n * PAGE_1G).raw).toBe(0x0000_2222_c000_0000n | 1n | wb | 0x80n | rights);
  });

  it("PT-8 the memory type is in the PAT index, whose third bit is elsewhere in large pages", () => {
    const root = make(vmmParts());
    for (const [type, index] of [
      [CACHE.UC, 0n],
      [CACHE.WC, 1n],
      [CACHE.WT, 2n],
      [CACHE.WB, 3n],
      [CACHE.WP, 5n],
      [CACHE.UC_MINUS, 7n],
    ]) {
      root.map4k(VIRT, PHYS, PERMISSION.RW | type);
      expect(root.virtToPte(VIRT).patIndex4k).toBe(index);
      root.map2m(VIRT + PAGE_1G, 0n, PERMISSION.RW | type);
      expect(root.virtToPte(VIRT + PAGE_1G).patIndexLarge).toBe(index);
    }
  });

  it("PT-8 other permissions, memory types and sizes fail, and nothing is mapped afterwards", () => {
    const parts = vmmParts();
    const root = make(parts);
    const used = parts.manager.pages.usedBytes;
    for (const [attribute, kind] of [
      [0x406n, LogicError],
      [0x006n, LogicError],
      [0x102n, RuntimeError],
      [0x1ffn, RuntimeError],
    ] as const) {
      expect(() => root.map4k(VIRT, PHYS, attribute)).toThrow(kind);
      expect(parts.manager.pages.usedBytes).toBe(used);
    }
    expect(() => root.map(VIRT, PHYS, RW_WB, 0x8000n)).toThrow("invalid pt size");
    expect(() => root.map(VIRT, PHYS, RW_WB, 0x8000n)).toThrow(LogicError);
    root.map4k(VIRT, PHYS, RW_WB);
    expect(() => root.map4k(VIRT, PHYS, 0x406n)).toThrow(LogicError);
    expect(() => root.virtToPte(VIRT)).toThrow(RuntimeError);
  });

  it("PT-9 the VMM's own tables tell the manager of pages that come and go, others do not", () => {
    const parts = vmmParts();
    const before = parts.manager.descriptors().length;
    const own = make(parts, true);
    own.map4k(0x20_0000n, PHYS, RW_WB);
    expect(parts.manager.virtToPhys(0x20_0123n)).toBe(PHYS + 0x123n);
    expect(parts.manager.virtToAttr(0x20_0000n)).toBe(R | W);
    own.map4k(0x20_1000n, PHYS + 0x1000n, RE_WB);
    own.map4k(0x20_2000n, PHYS + 0x2000n, PT_WB);
    expect([0x20_1000n, 0x20_2000n].map((virt) => parts.manager.virtToAttr(virt))).toEqual([R | E, R | W | E]);
    own.unmap(0x20_0000n);
    expect(() => parts.manager.virtToPhys(0x20_0000n)).toThrow(OutOfRange);
    const other = make(parts);
    other.map4k(0x30_0000n, PHYS, RW_WB);
    other.unmap(0x20_1000n);
    expect(parts.manager.descriptors()).toHaveLength(before + 2);
  });

  it("PT-10 identity maps have whole pages, their end is not in them, and they can be unmapped", () => {
    const parts = vmmParts();
    const root = make(parts);
    const used = parts.manager.pages.usedBytes;
    const kinds = [
      [PAGE_1G, root.setupIdentityMap1g, root.unmapIdentityMap1g],
      [PAGE_2M, root.setupIdentityMap2m, root.unmapIdentityMap2m],
      [PAGE_4K, root.setupIdentityMap4k, root.unmapIdentityMap4k],
    ] as const;
    for (const [size, setup, unmap] of kinds) {
      for (const f of [setup, unmap]) {
        expect(() => f.call(root, 1n, size)).toThrow(ContractViolation);
        expect(() => f.call(root, 0n, size + 1n)).toThrow(ContractViolation);
      }
      setup.call(root, size, 3n * size);
      for (const at of [size, 2n * size]) {
        const entry = root.virtToPte(at);
        expect([entry.present, entry.rw, entry.nx, upper(entry.physicalAddress, 13n)]).toEqual([true, true, false, upper(at, 13n)]);
      }
      const mapped = (at: bigint) => {
        try {
          return root.virtToPte(at).present;
        } catch {
          return false;
        }
      };
      expect([mapped(0n), mapped(3n * size)]).toEqual([false, false]);
      unmap.call(root, size, 3n * size);
      expect(parts.manager.pages.usedBytes).toBe(used);
    }
  });

  it("PT-11 attributes are a class of permissions and a memory type", () => {
    expect([PERMISSION.RW, PERMISSION.RE, PERMISSION.PT]).toEqual([0x100n, 0x200n, 0x300n]);
    expect(CACHE).toEqual({ UC: 0n, WC: 1n, WT: 4n, WP: 5n, WB: 6n, UC_MINUS: 7n });
    expect([RW_WB, RE_WB, PT_WB]).toEqual([0x106n, 0x206n, 0x306n]);
    for (const type of Object.values(CACHE)) {
      expect(memoryTypeToAttribute(PERMISSION.RW, type)).toBe(0x100n | type);
      expect(memoryTypeToAttribute(PERMISSION.RE, type)).toBe(0x200n | type);
    }
    for (const permission of [PERMISSION.PT, 0n, 0x400n]) expect(() => memoryTypeToAttribute(permission, CACHE.WB)).toThrow(RuntimeError);
    for (const type of [2n, 3n, 8n]) expect(() => memoryTypeToAttribute(PERMISSION.RW, type)).toThrow(RuntimeError);
  });

  it("PT-12 the VMM's PAT and the index of each type in it", () => {
    expect(VMM_PAT).toBe(0x0706_0504_0604_0100n);
    const { UC, WC, WT, WB, WP, UC_MINUS } = CACHE;
    expect([UC, WC, WT, WB, WP, UC_MINUS].map(patIndex)).toEqual([0n, 1n, 2n, 3n, 5n, 7n]);
    for (const type of Object.values(CACHE)) expect(patType(VMM_PAT, patIndex(type))).toBe(type);
    expect(patIndexOf(RE_WB)).toBe(3n);
    for (const type of [2n, 3n, 8n]) expect(() => patIndex(type)).toThrow(RuntimeError);
  });

  it("PT-13 the VMM's root table is built once, when first asked for, from the descriptors", () => {
    const parts = vmmParts();
    const root = vmmRootPageTable(parts.memory, parts.manager);
    expect(parts.manager.pages.usedBytes).toBe(0n);
    parts.manager.addMd(VIRT, PHYSICAL, R | E);
    const built = root();
    expect(root()).toBe(built);
    const code = built.virtToPte(VIRT);
    expect([code.physicalAddress, code.rw, code.nx]).toEqual([PHYSICAL, false, false]);
    const data = built.virtToPte(VIRTUAL + 0x3000n);
    expect([data.physicalAddress, data.rw, data.nx]).toEqual([PHYSICAL + 0x3000n, true, true]);
    expect(built.cr3).toBe(built.descriptors()[0].phys | 0x18n);
    built.map4k(0x20_0000n, PHYS, RW_WB);
    expect(parts.manager.virtToPhys(0x20_0000n)).toBe(PHYS);
  });

  it("PT-13 a descriptor that is neither data nor code, or too little memory, is an error that leaves nothing behind", () => {
    const parts = vmmParts();
    const root = vmmRootPageTable(parts.memory, parts.manager);
    parts.manager.addMd(VIRT, PHYSICAL, R | W | E);
    const before = parts.manager.descriptors();
    expect(root).toThrow(LogicError);
    expect(parts.manager.pages.usedBytes).toBe(0n);
    expect(parts.manager.descriptors()).toEqual(before);
    parts.manager.removeMd(VIRT);
    expect(root().virtToPte(VIRTUAL).present).toBe(true);
    const short = vmmParts(failing(/^alloc page pool/, 4));
    expect(vmmRootPageTable(short.memory, short.manager)).toThrow(BadAlloc);
    expect(short.manager.pages.usedBytes).toBe(0n);
  });

  it("PT-14 upper and lower parts of an address, by default of a page", () => {
    expect([upper(0x1234_5678n), lower(0x1234_5678n)]).toEqual([0x1234_5000n, 0x678n]);
    expect([upper(0x1234_5678n, 21n), lower(0x1234_5678n, 21n)]).toEqual([0x1220_0000n, 0x14_5678n]);
    expect([upper(0x1234_5678n, 0n), lower(0x1234_5678n, 0n)]).toEqual([0x1234_5678n, 0n]);
  });
});
