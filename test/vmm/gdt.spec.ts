/** GDT, IDT and TSS. Expected words after SDM Vol. 3 "Segment Descriptors". */
import { describe, expect, it } from "vitest";
import { Gdt } from "../../src/vcpu/intel_x64/gdt.ts";
import { Idt } from "../../src/vcpu/intel_x64/idt.ts";
import { ACCESS_RIGHTS } from "../../src/vcpu/intel_x64/intrinsics.ts";
import { emptyTss, TSS, TSS_BYTES } from "../../src/vcpu/intel_x64/tss.ts";
import { ContractViolation, OutOfRange } from "../../src/vmm/errors.ts";
import { MockIntrinsics } from "../lib/mock-intrinsics.ts";

/** flat 64-bit code, data of 1 MiB in bytes, a TSS of 104 bytes at 0x12345678_9abcdef0 */
const WORDS = [0n, 0x00af_9b00_0000_ffffn, 0x000f_9300_1000_ffffn, 0xbc00_8b9a_def0_0067n | (0x9abcn << 32n), 0x1234_5678n] as const;

describe("a GDT", () => {
  it("INT-8 from hardware it has every entry up to the limit; of n entries its limit is that of their last byte", () => {
    const cpu = new MockIntrinsics();
    cpu.gdtr = { base: 0x4000n, limit: 39 };
    const gdt = Gdt.fromHardware(cpu, (at) => WORDS[Number(at - 0x4000n) / 8]);
    expect(gdt.words).toEqual(WORDS);
    expect([gdt.base, gdt.limit]).toEqual([0x4000n, 39]);
    expect([Gdt.of(7, 0x1000n).limit, Gdt.of(7).words.length]).toEqual([55, 7]);
  });

  it("INT-8 an IDT of n entries has limit n*8-1", () => {
    expect([Idt.of(256).limit, Idt.of(4, 0x2000n).limit, Idt.of(4, 0x2000n).base]).toEqual([2047, 31, 0x2000n]);
    expect(Idt.of(3).words).toEqual([0n, 0n, 0n]);
  });

  it("INT-9 index 0 is a ContractViolation, past the end OutOfRange", () => {
    const gdt = new Gdt(WORDS);
    for (const read of ["baseOf", "limitOf", "accessRightsOf"] as const) {
      expect(() => gdt[read](0)).toThrow(ContractViolation);
      expect(() => gdt[read](5)).toThrow(OutOfRange);
    }
    for (const write of ["setLimit", "setAccessRights"] as const) {
      expect(() => gdt[write](0, 1)).toThrow(ContractViolation);
      expect(() => gdt[write](5, 1)).toThrow(OutOfRange);
    }
    expect(() => gdt.setBase(0, 1n)).toThrow(ContractViolation);
    expect(() => gdt.setBase(5, 1n)).toThrow(OutOfRange);
  });

  it("INT-9 base: 32 bits, of a system descriptor 64 bits in two entries", () => {
    const gdt = new Gdt([0n, 0xbc00_9b9a_def0_0067n, 0xbc00_8b9a_def0_0067n, 0x1234_5678n]);
    expect([gdt.baseOf(1), gdt.baseOf(2)]).toEqual([0xbc9a_def0n, 0x1234_5678_bc9a_def0n]);
    gdt.setBase(1, 0xffff_ffff_8765_4321n);
    gdt.setBase(2, 0xfedc_ba98_7654_3210n);
    expect(gdt.words).toEqual([0n, 0x8700_9b65_4321_0067n, 0x7600_8b54_3210_0067n, 0xfedc_ba98n]);
  });

  it("INT-9 limit: with granularity in pages, read as (raw << 12) | FFF, written as value >> 12", () => {
    const gdt = new Gdt([0n, 0x00af_9b00_0000_ffffn, 0x000f_9300_0000_1234n]);
    expect([gdt.limitOf(1), gdt.limitOf(2)]).toEqual([0xffff_ffff, 0xf_1234]);
    gdt.setLimit(1, 0x1234_5fff);
    gdt.setLimit(2, 0xa_bcde);
    expect(gdt.words.slice(1)).toEqual([0x00a1_9b00_0000_2345n, 0x000a_9300_0000_bcden]);
  });

  it("INT-9 access rights: byte 5, and bits 55-52 as bits 15-12; the limit's bits 19-16 are no part of them", () => {
    const gdt = new Gdt([0n, 0x12af_9bcd_0000_ffffn]);
    expect(gdt.accessRightsOf(1)).toBe(0xa09b);
    gdt.setAccessRights(1, 0xc593);
    expect(gdt.words[1]).toBe(0x12cf_93cd_0000_ffffn);
  });
});

it("INT-7 access rights that the VMM gives its segments", () => {
  const { RING0_CS, RING0_SS, RING0_FS, RING0_GS, RING0_TR, UNUSABLE } = ACCESS_RIGHTS;
  expect([RING0_CS, RING0_SS, RING0_FS, RING0_GS, RING0_TR, UNUSABLE]).toEqual([0xa09b, 0xc093, 0x8093, 0x8093, 0x008b, 0x1_0000]);
});

it('INT-10 the TSS of 64-bit mode has 104 bytes, all zero, with stacks and I/O map where SDM Vol. 3 figure "64-Bit TSS Format" has them', () => {
  expect(TSS_BYTES).toBe(104);
  expect(emptyTss()).toEqual(new Uint8Array(104));
  expect(TSS).toEqual({ RSP0: 4, RSP1: 12, RSP2: 20, IST1: 36, IO_MAP: 102 });
});
