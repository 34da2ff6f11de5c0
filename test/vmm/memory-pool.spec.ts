import { describe, expect, it } from "vitest";
import { BadAlloc, ContractViolation, OutOfRange } from "../../src/vmm/errors.ts";
import { MemoryPool } from "../../src/vmm/memory-pool.ts";
import { failing } from "./parts.ts";

const VIRTUAL = 0xffff_f000_0000_0000n;
const make = () => new MemoryPool({ physical: 0x7c00_0000n, bytes: 0x1_0000n });

describe("memory pool", () => {
  it("gives whole pages, in one piece with the VMM's addresses", () => {
    const pool = make();
    expect([pool.alloc("a", 1n), pool.alloc("b", 0x1001n), pool.alloc("c", 0x1000n)]).toEqual([
      VIRTUAL,
      VIRTUAL + 0x1000n,
      VIRTUAL + 0x3000n,
    ]);
    expect(pool.usedBytes).toBe(0x4000n);
    expect(pool.physicalOf(VIRTUAL + 0x1234n)).toBe(0x7c00_1234n);
    for (const virt of [0n, VIRTUAL - 1n, VIRTUAL + 0x1_0000n]) expect(() => pool.physicalOf(virt)).toThrow(OutOfRange);
  });

  it("knows its pieces by name, and forgets those that are freed", () => {
    const pool = make();
    const [a, b] = [pool.alloc("module x.so", 0x3000n), pool.alloc("stack", 0x1000n)];
    pool.free(a);
    pool.free(a);
    expect(pool.pieces).toEqual([{ name: "stack", virt: b, bytes: 0x1000n }]);
    expect(pool.usedBytes).toBe(0x1000n);
  });

  it("exhausted, it says for what, who holds how much, and what to raise", () => {
    const pool = make();
    pool.alloc("page pool", 0x8000n);
    pool.alloc("heap pool", 0x4000n);
    const text =
      "memory pool: no room for 20480 bytes (module x.so); 49152 of 65536 are in use (page pool 32768, heap pool 16384); " +
      "raise MEMORY_POOL_BYTES (option memoryPoolBytes)";
    expect(() => pool.alloc("module x.so", 0x5000n)).toThrow(BadAlloc);
    expect(() => pool.alloc("module x.so", 0x5000n)).toThrow(text);
    expect(() => pool.alloc("module x.so", 1n << 40n)).toThrow(BadAlloc);
    expect(() => pool.alloc("nothing", 0n)).toThrow(ContractViolation);
  });

  it("any allocation can be made to fail, by name", () => {
    const pool = new MemoryPool({ physical: 0x7c00_0000n, faults: failing(/^alloc stack 4096$/) });
    pool.alloc("module", 4096n);
    expect(() => pool.alloc("stack", 4096n)).toThrow(BadAlloc);
    expect(pool.usedBytes).toBe(4096n);
  });

  it("consists of whole pages", () => {
    expect(() => new MemoryPool({ physical: 0x123n })).toThrow(ContractViolation);
    expect(() => new MemoryPool({ physical: 0x1000n, bytes: 0x1001n })).toThrow(ContractViolation);
  });
});
