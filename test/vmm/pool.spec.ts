/** Sequences and addresses are those of Bareflank's unit tests of its pool: 128 bytes in blocks of 8 from 100 on. */
import { describe, expect, it } from "vitest";
import { BadAlloc, ContractViolation, LogicError } from "../../src/vmm/errors.ts";
import { Pool } from "../../src/vmm/pool.ts";
import { failing } from "./parts.ts";

const options = { name: "test pool", start: 100n, bytes: 128n, blockShift: 3n, raise: "TEST_BYTES (option testBytes)" };
const make = () => new Pool(options);
const take = (pool: Pool, count: number, size: bigint) => Array.from({ length: count }, () => pool.alloc(size));

describe("pool", () => {
  it("POOL-1 a pool at 0, or that ends beyond the last address, cannot be made", () => {
    expect(() => new Pool({ ...options, start: 0n })).toThrow(LogicError);
    expect(() => new Pool({ ...options, start: 0xffff_ffff_ffff_fff0n })).toThrow(LogicError);
    expect(() => new Pool({ ...options, start: (1n << 64n) - 128n })).toThrow(LogicError);
    expect(new Pool({ ...options, start: (1n << 64n) - 136n }).alloc(128n)).toBe((1n << 64n) - 136n);
  });

  it("POOL-2 nothing and more than everything break the contract; no room is BadAlloc, and says what to raise", () => {
    const pool = make();
    expect(() => pool.alloc(0n)).toThrow(ContractViolation);
    expect(() => pool.alloc(129n)).toThrow(ContractViolation);
    pool.alloc(128n);
    expect(() => pool.alloc(8n)).toThrow(BadAlloc);
    expect(() => pool.alloc(8n)).toThrow("test pool: no room for 8 bytes, 128 of 128 are in use; raise TEST_BYTES (option testBytes)");
  });

  it("POOL-3 sizes are rounded up to blocks, and addresses are aligned as the pool's start is", () => {
    const pool = make();
    expect([pool.alloc(1n), pool.alloc(9n), pool.alloc(8n)]).toEqual([100n, 108n, 124n]);
    expect([100n, 108n, 124n].map((at) => pool.size(at))).toEqual([8n, 16n, 8n]);
  });

  it("POOL-4 the search goes on where the last allocation ended", () => {
    const pool = make();
    const first = take(pool, 4, 8n);
    expect(first).toEqual([100n, 108n, 116n, 124n]);
    for (const at of first) pool.free(at);
    const second = take(pool, 3, 10n);
    expect(second).toEqual([132n, 148n, 164n]);
    for (const at of second) pool.free(at);
    expect(pool.alloc(32n)).toBe(180n);
  });

  it("POOL-4 a search wraps to the start, and a run never spans the wrap", () => {
    const pool = make();
    const all = take(pool, 15, 8n);
    pool.free(all[0]);
    pool.free(all[1]);
    // one block free at the end, two at the start: three in a row only across the wrap
    expect(() => pool.alloc(24n)).toThrow(BadAlloc);
    expect(pool.alloc(16n)).toBe(100n);
    expect(pool.alloc(8n)).toBe(220n);
  });

  it("POOL-4 a search that begins behind free blocks finds them on its second way", () => {
    const pool = make();
    const [a, b] = [pool.alloc(64n), pool.alloc(32n)];
    pool.free(a);
    pool.free(b);
    expect(pool.alloc(128n)).toBe(100n);
  });

  it("POOL-5 sixteen blocks fill it, a seventeenth has no room, and once freed it can be filled again", () => {
    const pool = make();
    const all = take(pool, 16, 8n);
    expect(new Set(all).size).toBe(16);
    expect(() => pool.alloc(8n)).toThrow(BadAlloc);
    for (const at of all) pool.free(at);
    expect(take(pool, 16, 8n).sort()).toEqual(all.sort());
  });

  it("POOL-6 freed blocks are one piece again", () => {
    const pool = make();
    for (const at of take(pool, 16, 8n)) pool.free(at);
    expect(pool.alloc(128n)).toBe(100n);
  });

  it("POOL-7 only the first address of an allocation frees it; anything else and freeing twice change nothing", () => {
    const pool = make();
    const [a, b] = [pool.alloc(24n), pool.alloc(104n)];
    for (const at of [0n, 99n, 108n, 116n, 228n, 1n << 63n]) pool.free(at);
    expect([pool.size(a), pool.size(b)]).toEqual([24n, 104n]);
    pool.free(a);
    pool.free(a);
    expect(pool.usedBytes).toBe(104n);
    expect(pool.alloc(24n)).toBe(a);
  });

  it("POOL-8 size is in whole blocks, 0 of what is free, in the middle or elsewhere", () => {
    const pool = make();
    const at = pool.alloc(20n);
    expect(pool.size(at)).toBe(24n);
    expect([at + 8n, at + 24n, 0n, 99n, 228n].map((other) => pool.size(other))).toEqual([0n, 0n, 0n, 0n, 0n]);
    pool.free(at);
    expect(pool.size(at)).toBe(0n);
  });

  it("POOL-9 contains its addresses and no others", () => {
    expect([99n, 100n, 227n, 228n].map((at) => make().contains(at))).toEqual([false, true, true, false]);
  });

  it("POOL-10 clear frees everything and begins at the start", () => {
    const pool = make();
    take(pool, 5, 16n);
    pool.clear();
    expect(pool.usedBytes).toBe(0n);
    expect(pool.alloc(128n)).toBe(100n);
  });

  it("an allocation that is made to fail changes nothing", () => {
    const pool = new Pool({ ...options, faults: failing(/^alloc test pool 16$/) });
    expect(pool.alloc(8n)).toBe(100n);
    expect(() => pool.alloc(16n)).toThrow(BadAlloc);
    expect(pool.alloc(8n)).toBe(108n);
  });

  it("never hands out a block twice, whatever is allocated and freed", () => {
    const pool = new Pool({ ...options, bytes: 1024n });
    const held = new Map<bigint, bigint>();
    let seed = 7;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return (seed >>> 8) % below;
    };
    for (let i = 0; i < 5000; i++) {
      const [victim] = [...held.keys()].slice(random(held.size + 1));
      if (random(2) === 0 && victim !== undefined) {
        pool.free(victim);
        held.delete(victim);
        continue;
      }
      const size = BigInt(8 * (1 + random(8)));
      const free = longestRun(held);
      if (size > free) expect(() => pool.alloc(size)).toThrow(BadAlloc);
      else held.set(pool.alloc(size), size);
    }
    expect(pool.usedBytes).toBe([...held.values()].reduce((sum, size) => sum + size, 0n));

    function longestRun(allocated: ReadonlyMap<bigint, bigint>): bigint {
      let [longest, from] = [0n, 100n];
      for (const [at, size] of [...allocated, [1124n, 0n] as const].sort(([a], [b]) => Number(a - b))) {
        expect(at).toBeGreaterThanOrEqual(from);
        if (at - from > longest) longest = at - from;
        from = at + size;
      }
      return longest;
    }
  });
});
