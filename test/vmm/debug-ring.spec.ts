import { describe, expect, it } from "vitest";
import { DEBUG_RING_BYTES } from "../../src/vmm/constants.ts";
import { DEBUG_RING_STRUCT_BYTES, DebugRing, getDrr, readRing, ringText } from "../../src/vmm/debug-ring.ts";
import { ERROR_CODE } from "../../src/vmm/error-codes.ts";
import { failing, vmmParts } from "./parts.ts";

function makeRing(parts = vmmParts(), id = 0n, rings = new Map<bigint, bigint>()) {
  const ring = new DebugRing(id, parts.virtual, parts.manager, rings);
  const out = new Uint8Array(DEBUG_RING_BYTES);
  return { ...parts, ring, rings, out, read: (length = out.length) => readRing(parts.virtual, ring.address, out, length) };
}

const words = ({ virtual, ring }: ReturnType<typeof makeRing>) => {
  const bytes = virtual.read(ring.address, DEBUG_RING_STRUCT_BYTES);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const word = (at: number) => view.getBigUint64(at, true);
  return {
    epos: word(0),
    spos: word(8),
    tag1: word(16),
    buf: bytes.subarray(24, 24 + DEBUG_RING_BYTES),
    tag2: word(24 + DEBUG_RING_BYTES),
  };
};

describe("debug ring", () => {
  it("RING-1 CONST-5 the struct is packed, empty at first, between its tags", () => {
    const made = makeRing();
    expect([DEBUG_RING_BYTES, DEBUG_RING_STRUCT_BYTES]).toEqual([32768, 32768 + 32]);
    const { epos, spos, tag1, tag2, buf } = words(made);
    expect([epos, spos, tag1, tag2]).toEqual([0n, 0n, 0xdb60_db60_db60_db60n, 0x06bd_06bd_06bd_06bdn]);
    expect(buf.every((byte) => byte === 0)).toBe(true);
  });

  it("RING-2 positions grow without end; modulo the size they are places in the buffer", () => {
    const made = makeRing();
    for (let i = 0; i < 5; i++) made.ring.write("x".repeat(9999));
    const { epos, spos, buf } = words(made);
    expect([epos, spos]).toEqual([50000n, 20000n]);
    expect([buf[Number(epos % 32768n) - 1], buf[Number(epos % 32768n) - 2]]).toEqual([0, 0x78]);
  });

  it("RING-3 a message is stored with one NUL; empty ones and those that do not fit are ignored", () => {
    const made = makeRing();
    made.ring.write("");
    made.ring.write("A".repeat(32768));
    made.ring.write("A".repeat(32868));
    expect(words(made).epos).toBe(0n);
    made.ring.write("01234");
    made.ring.write("ä");
    expect([...words(made).buf.subarray(0, 10)]).toEqual([...new TextEncoder().encode("01234\0ä\0"), 0]);
    expect(words(made).epos).toBe(9n);
  });

  it("RING-3 a ring that got no memory ignores everything, and nobody finds it", () => {
    const made = makeRing(vmmParts(failing(/^alloc heap pool/)));
    expect(made.ring.address).toBe(0n);
    made.ring.write("hello");
    expect(made.read()).toBe(0);
    expect(getDrr(made.rings, 0n, () => {})).toBe(ERROR_CODE.GET_DRR_FAILURE);
  });

  it("RING-4 the oldest messages go whole, their bytes zeroed, until there is room", () => {
    const made = makeRing();
    made.ring.write("a".repeat(9));
    made.ring.write("b".repeat(99));
    made.ring.write("c".repeat(32768 - 110 - 1));
    expect(words(made)).toMatchObject({ epos: 32768n, spos: 0n });
    made.ring.write("d");
    expect(words(made)).toMatchObject({ epos: 32770n, spos: 10n });
    expect([...words(made).buf.subarray(0, 11)]).toEqual([0x64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x62]);
    made.ring.write("e".repeat(50));
    expect(words(made).spos).toBe(110n);
    expect(ringText(made.virtual, made.ring.address)).toBe(`${"c".repeat(32657)}d${"e".repeat(50)}`);
  });

  it("RING-5 read: nothing from no ring, into nothing, of no length", () => {
    const made = makeRing();
    made.ring.write("01234");
    expect(readRing(made.virtual, 0n, made.out)).toBe(0);
    expect(readRing(made.virtual, made.ring.address, null, 100)).toBe(0);
    expect(made.read(0)).toBe(0);
  });

  it("RING-5 read copies what is there without NULs, ends it with one, counts, and consumes nothing", () => {
    const made = makeRing();
    expect(made.read()).toBe(0);
    made.ring.write("012");
    made.ring.write("34");
    made.out.fill(0xff);
    for (let i = 0; i < 2; i++) expect(made.read()).toBe(5);
    expect([...made.out.subarray(0, 7)]).toEqual([0x30, 0x31, 0x32, 0x33, 0x34, 0, 0xff]);
    expect(words(made).spos).toBe(0n);
  });

  it("RING-6 read stops at the end of the buffer; the terminator it did not get to is counted", () => {
    const made = makeRing();
    made.ring.write("01234");
    expect(made.read()).toBe(5);
    made.out.fill(0xff);
    made.read(4);
    expect([...made.out.subarray(0, 5)]).toEqual([0x30, 0x31, 0x32, 0, 0xff]);
    const full = makeRing();
    full.ring.write("A".repeat(32767));
    expect(full.read(32768)).toBe(32768);
    expect([full.out[32766], full.out[32767]]).toEqual([0x41, 0]);
  });

  it("RING-7 what remains after more than fits", () => {
    const made = makeRing();
    made.ring.write("A".repeat(32758));
    made.ring.write("B".repeat(100));
    expect([made.read(), made.out[0]]).toEqual([100, 0x42]);
    const big = makeRing();
    for (const letter of "ABC") big.ring.write(letter.repeat(32618));
    expect([big.read(), big.out[0], big.out[32617]]).toEqual([32618, 0x43, 0x43]);
  });

  it("RING-8 stress: 32768 short messages leave as many as fit", () => {
    const made = makeRing();
    for (let i = 0; i < 32768; i++) made.ring.write("012");
    expect([made.read(), made.out[0]]).toEqual([24576, 0x30]);
  });

  it("RING-9 get_drr: the newest ring of a vCPU; a failure without a place for it or of an unknown vCPU", () => {
    const made = makeRing(vmmParts(), 3n);
    let found = 0n;
    const store = (address: bigint) => {
      found = address;
    };
    expect(getDrr(made.rings, 3n, null)).toBe(0x8000_0000_0001_0000n);
    expect(getDrr(made.rings, 0x1000n, store)).toBe(0x8000_0000_0001_0000n);
    expect([getDrr(made.rings, 3n, store), found]).toEqual([0n, made.ring.address]);
    const newer = makeRing(made, 3n, made.rings);
    expect([getDrr(made.rings, 3n, store), found]).toEqual([0n, newer.ring.address]);
    made.ring.dispose();
    expect(getDrr(made.rings, 3n, store)).toBe(0n);
    newer.ring.dispose();
    expect(getDrr(made.rings, 3n, store)).toBe(ERROR_CODE.GET_DRR_FAILURE);
    expect(made.manager.heap.usedBytes).toBe(0n);
  });
});
