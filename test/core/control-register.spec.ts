/** Control and debug registers, MSRs, mode changes. SDM Vol. 2 "MOV—Move to/from Control Registers", "WRMSR"; Vol. 3 "Control Registers". */
import { describe, expect, it } from "vitest";
import { CODE, Ring0 } from "../lib/ring0.ts";

const RAN = { errorCode: 0 };
const GP = { vector: "#GP", errorCode: 0 };
const UD = { vector: "#UD", errorCode: 0 };

/** mov crN, rax with a value, in 64-bit mode of ring 0 */
const refused: readonly (readonly [what: string, code: string, rax: bigint])[] = [
  ["CR0 above bit 31", "0F 22 C0", 0x1_8001_0033n],
  ["CR0.PG without PE", "0F 22 C0", 0x8001_0032n],
  ["CR0.NW without CD", "0F 22 C0", 0xa001_0033n],
  ["CR0 without PG in 64-bit mode", "0F 22 C0", 0x0001_0033n],
  ["CR3 above the physical address width", "0F 22 D8", 0x100_0000_1000n],
  ["CR3 bit 63 without PCIDE", "0F 22 D8", (1n << 63n) | 0x1000n],
  ["CR4 reserved bit 15", "0F 22 E0", 0x8620n],
  ["CR4 without PAE in IA-32e mode", "0F 22 E0", 0x600n],
  ["CR8 above 15", "44 0F 22 C0", 16n],
  ["DR7 above bit 31", "0F 23 F8", 1n << 32n],
];

const wrmsr = (number: number, value: bigint): Ring0 =>
  new Ring0().set({ rcx: BigInt(number), rax: value & 0xffff_ffffn, rdx: value >> 32n });
const WRMSR = "0F 30";

describe("control registers", () => {
  for (const [what, code, rax] of refused)
    it(`refuse ${what}`, () => {
      expect(new Ring0().set({ rax }).run(code)).toEqual(GP);
    });

  it("CR1, CR5 and DR8 do not exist, nor DR4 with CR4.DE", () => {
    for (const code of ["0F 20 C8", "0F 20 E8", "44 0F 21 C0"]) expect(new Ring0().run(code)).toEqual(UD);
    expect(new Ring0().set({ cr4: 0x628n }).run("0F 21 E0")).toEqual(UD);
    expect(new Ring0().set({ rax: 0n }).run("0F 23 E0 0F 21 F3")).toEqual(RAN);
  });

  it("DR6 and DR7 have fixed bits; DR4 is DR6", () => {
    const m = new Ring0().set({ rax: 0n });
    expect(m.run("0F 23 E0 0F 21 F3 0F 23 F8 0F 21 F9")).toEqual(RAN);
    expect([m.vcpu.get("rbx"), m.vcpu.get("rcx")]).toEqual([0xffff_0ff0n, 0x400n]);
  });

  it("general detect raises #DB", () => {
    expect(new Ring0().set({ dr: 0n }).set({ rax: 0x2000n }).run("0F 23 F8 0F 21 C0")).toEqual({ vector: "#DB", errorCode: 0 });
  });

  it("LMSW sets PE but does not clear it, CLTS clears TS", () => {
    const m = new Ring0().set({ rax: 0x0en });
    expect(m.run("0F 01 F0")).toEqual(RAN);
    expect(m.vcpu.get("cr0") & 15n).toBe(0xfn);
    expect(m.set({ rip: BigInt(CODE) }).run("0F 06")).toEqual(RAN);
    expect(m.vcpu.get("cr0") & 15n).toBe(0x7n);
  });

  it("WP takes effect at once", () => {
    // page 0 becomes read-only; mov [0], al runs with WP clear and faults with WP set
    const m = new Ring0().write(0x3008, 0x20_0085n).set({ rbx: 0x20_0000n, rax: 0x8000_0033n, rcx: 0x8001_0033n });
    expect(m.run("0F 22 C0 88 03 0F 22 C1 88 03")).toEqual({ vector: "#PF", errorCode: 3 });
    expect(Number(m.vcpu.get("rip"))).toBe(CODE + 8);
  });

  it("SMAP keeps ring 0 from user pages, STAC lets it through", () => {
    // every page is a user page: the GDT too, so nothing loads a segment here
    const m = new Ring0().set({ cr4: 0x20_0620n, rbx: 0x3_0000n });
    expect(m.run("0F 01 CB 88 03 0F 01 CA 88 03")).toEqual({ vector: "#PF", errorCode: 3 });
    expect(Number(m.vcpu.get("rip"))).toBe(CODE + 8);
  });
});

describe("model-specific registers", () => {
  it("keep what is written", () => {
    const m = wrmsr(0xc000_0082, 0xffff_8000_1234_5678n);
    expect(m.run(`${WRMSR} 31 C0 31 D2 0F 32`)).toEqual(RAN);
    expect([m.vcpu.get("rax"), m.vcpu.get("rdx")]).toEqual([0x1234_5678n, 0xffff_8000n]);
  });

  it("prediction control is kept, a prediction barrier is only written", () => {
    expect(wrmsr(0x48, 3n).run(`${WRMSR} 31 C0 0F 32 83 E8 03 74 02 0F FF`)).toEqual(RAN);
    expect(wrmsr(0x48, 8n).run(WRMSR)).toEqual(GP);
    expect(wrmsr(0x49, 1n).run(WRMSR)).toEqual(RAN);
    expect(wrmsr(0x49, 2n).run(WRMSR)).toEqual(GP);
    expect(wrmsr(0x49, 0n).run("0F 32")).toEqual(GP);
  });

  it("refuse unknown numbers, reserved bits, addresses and memory types", () => {
    expect(wrmsr(0x1234, 0n).run(WRMSR)).toEqual(GP);
    expect(wrmsr(0x1234, 0n).run("0F 32")).toEqual(GP);
    expect(wrmsr(0xc000_0080, 0xd03n).run(WRMSR)).toEqual(GP); // EFER bit 1
    expect(wrmsr(0xc000_0080, 0xc01n).run(WRMSR)).toEqual(GP); // LME while paging
    expect(wrmsr(0xc000_0100, 1n << 56n).run(WRMSR)).toEqual(GP);
    expect(wrmsr(0x277, 0x0007_0406_0007_0402n).run(WRMSR)).toEqual(GP); // type 2
    expect(wrmsr(0x277, 0x0007_0406_0007_0406n).run(WRMSR)).toEqual(RAN);
  });

  it("SWAPGS exchanges the two GS bases", () => {
    const m = new Ring0().set({ gsBase: 1n, kernelGsBase: 2n });
    expect(m.run("0F 01 F8")).toEqual(RAN);
    expect([m.vcpu.get("gsBase"), m.vcpu.get("kernelGsBase")]).toEqual([2n, 1n]);
  });
});

describe("modes", () => {
  /**
   * lgdt [0x600]; CR0.PE; jmp 18:pm. pm: ds, ss; CR4.PAE; CR3; EFER.LME; CR0.PG; jmp 08:lm. lm: mov rax, 1122334455667788; mov rbx, cr0.
   * Assembled by GNU as for address 0x7000.
   */
  const BOOT =
    "fa0f011600060f20c00c010f22c0ea13701800" +
    "b8100000008ed88ed0b8200000000f22e0b8001000000f22d8b9800000c00f3280cc010f300f20c00d000000800f22c0ea4a7000000800" +
    "48b888776655443322110f20c3";

  it("go from real-address mode to 64-bit mode", () => {
    const m = new Ring0().write(0x600, 0x4000_00ffn).set({ cr0: 0x10n, cr4: 0n, cr3: 0n, efer: 0n, mode: 0, stackMask: 0xffffn });
    m.set({
      cs: 0,
      csLimit: 0xffff,
      csRights: 0x9b,
      ssLimit: 0xffff,
      ssRights: 0x93,
      dsLimit: 0xffff,
      dsRights: 0x93,
      tr: 0,
      trRights: 0x8b,
    });
    m.set({ rip: 0x7000n }).code(BOOT, 0x7000);
    expect(m.run()).toEqual(RAN);
    const v = m.vcpu;
    expect([v.get("rax"), v.get("rbx"), v.get("efer"), v.getNumber("mode")]).toEqual([0x1122_3344_5566_7788n, 0x8000_0011n, 0x500n, 2]);
  });
});
