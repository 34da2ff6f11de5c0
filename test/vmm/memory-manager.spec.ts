import { describe, expect, it } from "vitest";
import { ERROR_CODE } from "../../src/vmm/error-codes.ts";
import { BadAlloc, ContractViolation, OutOfRange } from "../../src/vmm/errors.ts";
import { addMd, MEMORY_TYPE, MemoryManager } from "../../src/vmm/memory-manager.ts";
import { failing, HEAP_BYTES, PAGES_BYTES, VIRTUAL, vmmParts } from "./parts.ts";

const { R, W, E } = MEMORY_TYPE;
const HUGE = 0xffff_ffff_ffff_ff00n;
const make = () => new MemoryManager({ heapStart: 0x1000_0000n, pagesStart: 0x2000_0000n });

describe("memory manager", () => {
  it("MM-1 alloc: multiples of a page from the page pool, the rest from the heap, 0 for nothing, too much and no room", () => {
    const { manager, printed } = vmmParts();
    expect(manager.alloc(0n)).toBe(0n);
    expect(manager.heap.contains(manager.alloc(1n))).toBe(true);
    expect(manager.heap.contains(manager.alloc(4097n))).toBe(true);
    expect(manager.pages.contains(manager.alloc(4096n))).toBe(true);
    expect(manager.pages.contains(manager.alloc(8192n))).toBe(true);
    expect(manager.alloc(HUGE)).toBe(0n);
    expect(manager.alloc(HEAP_BYTES - 1n)).toBe(0n);
    expect(manager.alloc(PAGES_BYTES)).toBe(0n);
    expect(printed).toHaveLength(3);
    expect(printed[1]).toMatch(/^heap pool: no room .* raise HEAP_POOL_BYTES \(option heapPoolBytes\)$/);
    expect(printed[2]).toMatch(/^page pool: no room .* raise PAGE_POOL_BYTES \(option pagePoolBytes\)$/);
  });

  it("MM-1 each VMM has its own: one's allocations are not another's", () => {
    const [one, other] = [make(), make()];
    expect(one.alloc(64n)).toBe(other.alloc(64n));
    one.addMd(0x1000n, 0x2000n, R);
    expect(other.descriptors()).toEqual([]);
  });

  it("CONST-3 the pools have their sizes unless told otherwise", () => {
    const manager = make();
    expect([manager.heap.bytes, manager.pages.bytes, manager.maps.bytes]).toEqual([8n << 20n, 32n << 20n, 8n << 20n]);
    expect(manager.maps.start).toBe(0x20_0000n);
  });

  it("the VMM's own parts get memory or a BadAlloc that says what to raise", () => {
    const { manager } = vmmParts();
    expect(manager.obtain(64n)).toBe(VIRTUAL);
    expect(() => manager.obtain(HUGE)).toThrow(BadAlloc);
    expect(() => manager.obtain(PAGES_BYTES + 4096n)).toThrow("raise PAGE_POOL_BYTES (option pagePoolBytes)");
  });

  it("every allocation can be made to fail, by name", () => {
    const { manager } = vmmParts(failing(/^alloc (heap pool 128|page pool 4096|map pool 8192)$/));
    expect([manager.alloc(64n) !== 0n, manager.alloc(128n), manager.alloc(4096n), manager.alloc(8192n) !== 0n]).toEqual([
      true,
      0n,
      0n,
      true,
    ]);
    expect([manager.allocMap(4096n) !== 0n, manager.allocMap(8192n)]).toEqual([true, 0n]);
    expect(() => manager.obtain(4096n)).toThrow(BadAlloc);
  });

  it("MM-2 alloc_map: pages of the map pool, 0 for nothing and no room", () => {
    const { manager, printed } = vmmParts();
    expect(manager.allocMap(0n)).toBe(0n);
    expect(manager.allocMap(1n)).toBe(0x20_0000n);
    expect(manager.allocMap(0x2000n)).toBe(0x20_1000n);
    expect(manager.allocMap(HUGE)).toBe(0n);
    expect(manager.allocMap(0x1_0000n)).toBe(0n);
    expect(printed.every((line) => line.endsWith("raise MAP_POOL_BYTES (option mapPoolBytes)"))).toBe(true);
  });

  it("MM-3 free finds the pool; null and what nobody allocated are ignored; free_map frees only mappings", () => {
    const { manager } = vmmParts();
    const [heap, page, map] = [manager.alloc(100n), manager.alloc(4096n), manager.allocMap(4096n)];
    for (const at of [0n, 1n, HUGE, map]) manager.free(at);
    for (const at of [0n, 1n, HUGE, heap, page]) manager.freeMap(at);
    expect([manager.size(heap), manager.size(page), manager.sizeMap(map)]).toEqual([128n, 4096n, 4096n]);
    manager.free(heap);
    manager.free(page);
    manager.freeMap(map);
    expect([manager.heap.usedBytes, manager.pages.usedBytes, manager.maps.usedBytes]).toEqual([0n, 0n, 0n]);
  });

  it("MM-4 size in whole blocks, 0 of what is unknown", () => {
    const { manager } = vmmParts();
    expect(manager.size(manager.alloc(64n))).toBe(64n);
    expect(manager.size(manager.alloc(65n))).toBe(128n);
    expect(manager.size(manager.alloc(4096n))).toBe(4096n);
    expect(manager.sizeMap(manager.allocMap(4097n))).toBe(8192n);
    for (const at of [0n, HUGE]) expect([manager.size(at), manager.sizeMap(at)]).toEqual([0n, 0n]);
  });

  it("MM-5 add_md: no type, a virtual or a physical address inside of a page break the contract, and the pair is not known afterwards", () => {
    const manager = make();
    for (const [virt, phys, type] of [
      [0x1234_5000n, 0x5432_1000n, 0n],
      [0x1234_5000n, 0x5432_1123n, R],
      [0x1234_5123n, 0x5432_1000n, R],
    ]) {
      expect(() => manager.addMd(virt, phys, type)).toThrow(ContractViolation);
      expect(manager.descriptors()).toEqual([]);
    }
    manager.addMd(0x1234_5000n, 0x5432_1000n, R);
    expect(() => manager.addMd(0x1234_5000n, 0x5432_1000n, 0n)).toThrow(ContractViolation);
    expect(manager.descriptors()).toEqual([]);
    expect(() => manager.physToVirt(0x5432_1000n)).toThrow(OutOfRange);
  });

  it("MM-5 adding again overwrites", () => {
    const manager = make();
    manager.addMd(0x1000n, 0x5000n, R);
    manager.addMd(0x1000n, 0x6000n, R | W);
    expect(manager.descriptors()).toEqual([{ virt: 0x1000n, phys: 0x6000n, type: R | W }]);
    expect(() => manager.physToVirt(0x5000n)).toThrow(OutOfRange);
    expect(manager.physToVirt(0x6000n)).toBe(0x1000n);
  });

  it("MM-6 remove_md: 0 and what is no page are told and ignored, unknown pages are ignored, known ones are gone from all three maps", () => {
    const { manager, printed } = vmmParts();
    const count = manager.descriptors().length;
    manager.removeMd(0n);
    manager.removeMd(VIRTUAL + 16n);
    expect(printed).toHaveLength(2);
    manager.removeMd(0x7000n);
    expect(manager.descriptors()).toHaveLength(count);
    const phys = manager.virtToPhys(VIRTUAL);
    manager.removeMd(VIRTUAL);
    expect(manager.descriptors()).toHaveLength(count - 1);
    expect(() => manager.virtToPhys(VIRTUAL)).toThrow(OutOfRange);
    expect(() => manager.virtToAttr(VIRTUAL)).toThrow(OutOfRange);
    expect(() => manager.physToVirt(phys)).toThrow(OutOfRange);
  });

  it("MM-7 a page that is mapped at two addresses keeps the one that is left", () => {
    const manager = make();
    manager.addMd(0x1000n, 0x5000n, R);
    manager.addMd(0x2000n, 0x5000n, R);
    manager.removeMd(0x1000n);
    expect(manager.physToVirt(0x5000n)).toBe(0x2000n);
  });

  it("MM-7 virtual to physical, physical to virtual and the type, with the offset in the page", () => {
    const manager = make();
    manager.addMd(0x1234_5000n, 0x5432_1000n, R | W | E);
    expect([0xabcn, 0xfffn, 0n].map((at) => manager.virtToPhys(0x1234_5000n + at))).toEqual([0x5432_1abcn, 0x5432_1fffn, 0x5432_1000n]);
    expect([0xabcn, 0xfffn, 0n].map((at) => manager.physToVirt(0x5432_1000n + at))).toEqual([0x1234_5abcn, 0x1234_5fffn, 0x1234_5000n]);
    expect([0xabcn, 0xfffn, 0n].map((at) => manager.virtToAttr(0x1234_5000n + at))).toEqual([7n, 7n, 7n]);
    for (const f of [manager.virtToPhys, manager.physToVirt, manager.virtToAttr]) {
      expect(() => f.call(manager, 0n)).toThrow(ContractViolation);
      expect(() => f.call(manager, 0x9999_9000n)).toThrow(OutOfRange);
    }
  });

  it("MM-8 descriptors by virtual address", () => {
    const manager = make();
    for (const virt of [0xffff_f000_0000_0000n, 0x3000n, 0x1000n, 0x2000n]) manager.addMd(virt, 0x8000_0000n - (virt & 0xf000n), R);
    expect(manager.descriptors().map(({ virt }) => virt)).toEqual([0x1000n, 0x2000n, 0x3000n, 0xffff_f000_0000_0000n]);
    expect(manager.descriptors()[0]).toEqual({ virt: 0x1000n, phys: 0x7fff_f000n, type: R });
  });

  it("MM-9 the C entry gives a code and never throws", () => {
    const manager = make();
    const lines: string[] = [];
    const print = (line: string) => lines.push(line);
    expect(addMd(manager, null, print)).toBe(ERROR_CODE.MEMORY_MANAGER_FAILURE);
    expect(addMd(manager, { virt: 0x1000n, phys: 0x1001n, type: R }, print)).toBe(ERROR_CODE.MEMORY_MANAGER_FAILURE);
    expect(lines.join("\n")).toContain("0x1001");
    expect(addMd(manager, { virt: 0x1000n, phys: 0x1000n, type: R }, print)).toBe(0n);
    expect(manager.descriptors()).toHaveLength(1);
  });
});
