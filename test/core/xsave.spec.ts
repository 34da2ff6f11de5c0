/**
 * The XSAVE family. SDM Vol. 1 "Managing State Using the XSAVE Feature Set", sections "Operation of …". Which components count as in use is
 * the CPU's choice as long as the state is the initial one, so the states tested are clearly the one or the other.
 */
import { describe, expect, it } from "vitest";
import { DATA, Ring0 } from "../lib/ring0.ts";

const RAN = { errorCode: 0 };
const GP = { vector: "#GP", errorCode: 0 };

const CR4 = 0x620n | (1n << 18n);
const AREA = DATA;
const XSTATE_BV = AREA + 512;
const XCOMP_BV = AREA + 520;
const COMPACTED = 1n << 63n;
const X87 = 1n;
const SSE = 2n;
const ONE = 0x8000_0000_0000_0000n;
const FILL = 0xcccc_cccc_cccc_ccccn;

// operand [rbx]
const forms = {
  xsave: "0F AE 23",
  xsave64: "48 0F AE 23",
  xsaveopt: "0F AE 33",
  xsaveopt64: "48 0F AE 33",
  xsavec: "0F C7 23",
  xsavec64: "48 0F C7 23",
  xrstor: "0F AE 2B",
  xrstor64: "48 0F AE 2B",
} as const;
const FLD1 = "D9 E8";
/** pcmpeqd xmm3, xmm3 */
const XMM3_ONES = "66 0F 76 DB";

const machine = (mask: bigint): Ring0 =>
  new Ring0().set({ cr4: CR4, xcr0: 3n, fcw: 0x37f, mxcsr: 0x1f80, rbx: BigInt(AREA), rax: mask, rdx: 0n });

/** A filled area with a clear header behind XSTATE_BV. */
const filled = (mask: bigint, present: bigint): Ring0 => {
  const m = machine(mask);
  for (let at = 0; at < 576; at += 8) m.write(AREA + at, at < 512 ? FILL : at === 512 ? present : 0n);
  return m;
};

describe("saving", () => {
  for (const name of ["xsave", "xsave64", "xsaveopt", "xsaveopt64", "xsavec", "xsavec64"] as const) {
    it(`${name} writes what is asked for and in use`, () => {
      const m = filled(3n, 0n);
      expect(m.run(`${FLD1} ${XMM3_ONES} ${forms[name]}`)).toEqual(RAN);
      expect(m.read(XSTATE_BV)).toBe(X87 | SSE);
      expect(m.read(XCOMP_BV)).toBe(name.startsWith("xsavec") ? COMPACTED | X87 | SSE : 0n);
      // FCW, FSW with TOP 7, abridged tags
      expect(m.read(AREA) & 0xff_ffff_ffffn).toBe(0x80_3800_037fn);
      expect(m.read(AREA + 24) & 0xffff_ffffn).toBe(0x1f80n);
      expect([m.read(AREA + 32), m.read(AREA + 40) & 0xffffn]).toEqual([ONE, 0x3fffn]);
      expect([m.read(AREA + 160 + 48), m.read(AREA + 160 + 56)]).toEqual([0xffff_ffff_ffff_ffffn, 0xffff_ffff_ffff_ffffn]);
    });

    it(`${name} leaves what EDX:EAX does not name`, () => {
      const m = filled(X87, SSE);
      expect(m.run(`${FLD1} ${XMM3_ONES} ${forms[name]}`)).toEqual(RAN);
      // XSAVEC writes the whole of XSTATE_BV, the others only the bits they were asked for
      expect(m.read(XSTATE_BV)).toBe(name.startsWith("xsavec") ? X87 : X87 | SSE);
      expect([m.read(AREA + 24), m.read(AREA + 160 + 48)]).toEqual([FILL, FILL]);
    });

    it(`${name} wants 64 bytes of alignment`, () => {
      expect(
        filled(3n, 0n)
          .set({ rbx: BigInt(AREA + 16) })
          .run(forms[name]),
      ).toEqual(GP);
    });
  }

  it("XCR0 limits what is saved", () => {
    const m = filled(3n, 0n).set({ xcr0: 1n });
    expect(m.run(`${FLD1} ${XMM3_ONES} ${forms.xsave}`)).toEqual(RAN);
    expect([m.read(XSTATE_BV), m.read(AREA + 160 + 48)]).toEqual([X87, FILL]);
  });

  it("the 64-bit forms save whole x87 pointers", () => {
    const pointers = (code: string) => {
      const m = filled(X87, 0n).set({ r8: 0x30_0000n - 8n });
      expect(m.run(`41 D9 00 ${code}`)).toEqual(RAN);
      return m;
    };
    expect(pointers(forms.xsave64).read(AREA + 16)).toBe(0x2f_fff8n);
    expect(pointers(forms.xsave).read(AREA + 16) & 0xffff_ffffn).toBe(0x2f_fff8n);
  });
});

describe("restoring", () => {
  for (const name of ["xrstor", "xrstor64"] as const) {
    it(`${name} loads what is there and initialises what is not`, () => {
      const m = filled(3n, SSE);
      m.write(AREA + 24, 0x1fa0n);
      expect(m.run(`${FLD1} ${forms[name]}`)).toEqual(RAN);
      expect([m.vcpu.getNumber("fcw"), m.vcpu.getNumber("fsw"), m.vcpu.getNumber("ftw")]).toEqual([0x37f, 0, 0]);
      expect(m.vcpu.getNumber("mxcsr")).toBe(0x1fa0);
      expect(m.vcpu.bytesOf("xmm", 3)[0]).toBe(0xcc);
    });

    it(`${name} leaves what EDX:EAX does not name`, () => {
      const m = filled(SSE, 0n);
      m.write(AREA + 24, 0x1f80n);
      expect(m.run(`${FLD1} ${XMM3_ONES} ${forms[name]}`)).toEqual(RAN);
      expect(m.vcpu.getNumber("ftw")).toBe(0x80);
      expect(m.vcpu.bytesOf("xmm", 3)[0]).toBe(0);
    });

    const refused: readonly (readonly [what: string, at: number, value: bigint])[] = [
      ["a component that XCR0 lacks", XSTATE_BV, 4n],
      ["XCOMP_BV in the standard format", XCOMP_BV, 1n],
      ["a component of XSTATE_BV that XCOMP_BV lacks", XCOMP_BV, COMPACTED | SSE],
      ["header bytes 16 to 23", AREA + 528, 1n],
      ["reserved bits of MXCSR", AREA + 24, 0x1_0000n],
    ];
    for (const [what, at, value] of refused)
      it(`${name} refuses ${what}`, () => {
        const m = filled(3n, X87 | SSE)
          .write(AREA + 24, 0x1f80n)
          .write(at, value);
        expect(m.run(forms[name])).toEqual(GP);
      });

    it(`${name} takes the compacted format`, () => {
      const m = filled(3n, SSE)
        .write(XCOMP_BV, COMPACTED | 3n)
        .write(AREA + 24, 0x1f80n);
      expect(m.run(`${FLD1} ${forms[name]}`)).toEqual(RAN);
      expect([m.vcpu.getNumber("ftw"), m.vcpu.bytesOf("xmm", 3)[0]]).toEqual([0, 0xcc]);
    });
  }
});

it("all are #UD without CR4.OSXSAVE and #NM with CR0.TS", () => {
  for (const code of Object.values(forms)) {
    expect(filled(3n, 0n).set({ cr4: 0x620n }).run(code)).toEqual({ vector: "#UD", errorCode: 0 });
    expect(filled(3n, 0n).set({ cr0: 0x8001_003bn }).run(code)).toEqual({ vector: "#NM", errorCode: 0 });
  }
});
