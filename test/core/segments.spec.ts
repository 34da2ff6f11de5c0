/** Segment registers loaded from descriptors in RAM. SDM Vol. 2 "MOV", "LLDT", "LTR", "LAR", "LSL", "VERR/VERW", Operation sections. */
import { describe, expect, it } from "vitest";
import { DATA, DESCRIPTOR, FREE, GDT, LDT, Ring0, SELECTOR, TSS } from "../lib/ring0.ts";

const MOV_DS_AX = "8E D8";
const MOV_SS_AX = "8E D0";
const MOV_FS_AX = "8E E0";
const RAN = { errorCode: 0 };

/** what MOV raises of a descriptor at FREE, selected with an RPL */
const refusals: readonly (readonly [what: string, code: string, descriptor: bigint, rpl: number, vector: string])[] = [
  ["DS: execute-only code", MOV_DS_AX, 0x00cf_9900_0000_ffffn, 0, "#GP"],
  ["DS: an LDT", MOV_DS_AX, 0x0000_8200_0000_ffffn, 0, "#GP"],
  ["DS: RPL above DPL", MOV_DS_AX, DESCRIPTOR.data, 1, "#GP"],
  ["DS: not present", MOV_DS_AX, 0x00cf_1300_0000_ffffn, 0, "#NP"],
  ["SS: not present", MOV_SS_AX, 0x00cf_1300_0000_ffffn, 0, "#SS"],
  ["SS: read-only", MOV_SS_AX, 0x00cf_9100_0000_ffffn, 0, "#GP"],
  ["SS: RPL is not CPL", MOV_SS_AX, DESCRIPTOR.data, 3, "#GP"],
  ["SS: DPL is not CPL", MOV_SS_AX, DESCRIPTOR.userData, 0, "#GP"],
  ["SS: readable code", MOV_SS_AX, 0x00cf_9b00_0000_ffffn, 0, "#GP"],
];

describe("segment registers", () => {
  it("take base, limit and rights, and mark the descriptor accessed", () => {
    const m = new Ring0().describe(FREE, 0x12cf_9256_789a_ffffn).set({ rax: BigInt(FREE) });
    expect(m.run(MOV_DS_AX)).toEqual(RAN);
    expect(m.vcpu.get("dsBase")).toBe(0x1256_789an);
    expect(m.vcpu.getNumber("dsLimit")).toBe(0xffff_ffff);
    expect(m.vcpu.getNumber("dsRights")).toBe(0xc093);
    expect(m.read(GDT + FREE)).toBe(0x12cf_9356_789a_ffffn);
  });

  for (const [what, code, descriptor, rpl, vector] of refusals)
    it(`refuse ${what}`, () => {
      const m = new Ring0().describe(FREE, descriptor).set({ rax: BigInt(FREE | rpl) });
      expect(m.run(code)).toEqual({ vector, errorCode: FREE });
      expect(m.read(GDT + FREE)).toBe(descriptor);
    });

  it("CS is not loaded by a move, and there are only six", () => {
    for (const code of ["8E C8", "8E F0", "8C F0", "8C 33"]) expect(new Ring0().run(code)).toEqual({ vector: "#UD", errorCode: 0 });
  });

  it("refuse a selector behind the table", () => {
    expect(new Ring0().set({ rax: 0x103n }).run(MOV_DS_AX)).toEqual({ vector: "#GP", errorCode: 0x100 });
  });

  it("may be null, SS in 64-bit mode outside ring 3 too", () => {
    const m = new Ring0().set({ rax: 0n, fsBase: 0x1234n });
    expect(m.run(`${MOV_FS_AX} ${MOV_DS_AX} ${MOV_SS_AX}`)).toEqual(RAN);
    expect(m.vcpu.get("fsBase")).toBe(0n);
    expect(new Ring0().inRing3().set({ rax: 3n }).run(MOV_SS_AX)).toEqual({ vector: "#GP", errorCode: 0 });
  });

  it("are popped and loaded with an offset, SS with an interrupt shadow", () => {
    const m = new Ring0().set({ rbx: BigInt(DATA), rsp: BigInt(DATA + 8) });
    m.write(DATA + 8, BigInt(SELECTOR.DATA)).write(DATA, (BigInt(SELECTOR.DATA) << 32n) | 0x1234_5678n);
    expect(m.run("0F A9 0F B2 0B")).toEqual(RAN); // pop gs; lss ecx, [rbx]
    const v = m.vcpu;
    expect([v.getNumber("gs"), v.get("rsp"), v.get("rcx"), v.getNumber("ss")]).toEqual([0x10, BigInt(DATA + 16), 0x1234_5678n, 0x10]);
    const shadow = new Ring0().set({ rax: BigInt(SELECTOR.DATA) });
    expect(shadow.run(MOV_SS_AX)).toEqual(RAN);
    expect([shadow.vcpu.getNumber("inhibit"), shadow.vcpu.get("inhibitAt") === shadow.vcpu.get("instructions")]).toEqual([2, true]);
  });

  it("of ring 3 take conforming code of ring 0", () => {
    const m = new Ring0().inRing3().describe(FREE, 0x00cf_9f00_0000_ffffn);
    expect(m.set({ rax: BigInt(FREE | 3) }).run(MOV_DS_AX)).toEqual(RAN);
  });

  it("are found in the LDT", () => {
    const m = new Ring0().describe(0, 0x0040_9301_0000_0fffn, LDT).set({ rax: BigInt(SELECTOR.LDT), rcx: 4n });
    expect(m.run("0F 00 D0 8E D9")).toEqual(RAN);
    expect([m.vcpu.get("dsBase"), m.vcpu.getNumber("dsLimit")]).toEqual([0x10000n, 0xfff]);
    expect(new Ring0().set({ rax: 4n }).run(MOV_DS_AX)).toEqual({ vector: "#GP", errorCode: 4 });
  });
});

describe("task register", () => {
  it("takes an available TSS of 16 bytes and marks it busy", () => {
    const m = new Ring0().set({ rax: BigInt(SELECTOR.TSS) }).write(GDT + SELECTOR.TSS + 8, 0xffff_8000n);
    expect(m.run("0F 00 D8 0F 00 C9")).toEqual(RAN);
    expect(m.vcpu.get("trBase")).toBe(0xffff_8000_0000_0000n | BigInt(TSS));
    expect(m.read(GDT + SELECTOR.TSS) >> 40n).toBe(0x8bn);
    expect(m.vcpu.get("rcx")).toBe(BigInt(SELECTOR.TSS));
    expect(m.set({ rip: 0x10000n }).run()).toEqual({ vector: "#GP", errorCode: SELECTOR.TSS });
  });

  it("refuses null, the LDT's selectors and descriptors that run out of the table", () => {
    expect(new Ring0().set({ rax: 0n }).run("0F 00 D8")).toEqual({ vector: "#GP", errorCode: 0 });
    expect(new Ring0().set({ rax: 4n }).run("0F 00 D8")).toEqual({ vector: "#GP", errorCode: 4 });
    expect(new Ring0().set({ rax: 0x40n, gdtrLimit: 0x47 }).run("0F 00 D8")).toEqual({ vector: "#GP", errorCode: 0x40 });
  });
});

describe("questions about descriptors", () => {
  it("LAR and LSL answer with rights and limit, or clear ZF", () => {
    const m = new Ring0().set({ rax: BigInt(SELECTOR.CODE32), rdx: 0x400n });
    expect(m.run("0F 02 C8 0F 03 D8")).toEqual(RAN);
    expect(m.vcpu.get("rcx") & 0xf0ff00n).toBe(0xc09b00n);
    expect(m.vcpu.get("rbx")).toBe(0xffff_ffffn);
    expect(m.vcpu.rflags & 0x40).toBe(0x40);
    expect(m.set({ rip: 0x10000n }).run("0F 02 CA")).toEqual(RAN);
    expect(m.vcpu.rflags & 0x40).toBe(0);
  });

  it("ring 3 does not see ring 0, and 64-bit mode no 16-bit TSS", () => {
    const m = new Ring0().inRing3().set({ rax: BigInt(SELECTOR.DATA | 3) });
    expect(m.run("0F 00 E0")).toEqual(RAN); // VERR
    expect(m.vcpu.rflags & 0x40).toBe(0);
    const n = new Ring0().describe(FREE, 0x0000_8100_0000_0067n).set({ rax: BigInt(FREE) });
    expect(n.run("0F 03 C8")).toEqual(RAN);
    expect(n.vcpu.rflags & 0x40).toBe(0);
  });

  it("SLDT, SMSW and SIDT answer in ring 3 without UMIP", () => {
    const m = new Ring0().inRing3().set({ ldtr: 0x50, rax: -1n, rcx: -1n, rbx: BigInt(DATA), idtrLimit: 0xfff, idtrBase: 0x1234n });
    expect(m.run("0F 00 C0 0F 01 E1 0F 01 0B")).toEqual(RAN);
    expect([m.vcpu.get("rax"), m.vcpu.get("rcx"), m.read(DATA)]).toEqual([0x50n, 0x8001_0033n, 0x1234_0fffn]);
  });

  it("UMIP keeps SGDT from ring 3", () => {
    const m = new Ring0().set({ rbx: BigInt(DATA) });
    expect(m.run("0F 01 03")).toEqual(RAN);
    expect([m.read(DATA) & 0xffffn, m.read(DATA + 2)]).toEqual([0xffn, BigInt(GDT)]);
    const user = new Ring0().inRing3().set({ rbx: BigInt(DATA), cr4: 0xe20n });
    expect(user.run("0F 01 03")).toEqual({ vector: "#GP", errorCode: 0 });
  });
});
