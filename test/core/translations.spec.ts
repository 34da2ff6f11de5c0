/**
 * What the TLB may keep and what it must forget, the PDPTE registers, and the checks of control registers that paging depends on.
 * SDM Vol. 3 "Operations that Invalidate TLBs and Paging-Structure Caches", "Process-Context Identifiers", "PDPTE Registers".
 */
import { describe, expect, it } from "vitest";
import { AT, type Form, G, NX, P, PagedMachine, TABLES, U, W } from "../lib/paging.ts";
import { CODE, DATA } from "../lib/ring0.ts";

const GP = { vector: "#GP", errorCode: 0 };
const RAN = { errorCode: 0 };
const OTHER = 0x5_0000;
const SECOND_2M = 0x20_0000;
const READ = "8A 03"; // mov al, [rbx]
/** the entry at RCX becomes RDX */
const CHANGE = "48 89 11";
const READ_AGAIN = "8A 03";
const INVLPG = "0F 01 3B";
const INVLPG_FIRST = "0F 01 3E"; // invlpg [rsi]
const RELOAD_CR3 = "0F 20 D8 0F 22 D8";
const MOV_CR3_R8 = "41 0F 22 D8";
const TOGGLE_PGE = "0F 20 E0 48 35 80 00 00 00 0F 22 E0"; // mov rax, cr4; xor rax, 80; mov cr4, rax
const INVPCID_R9 = "66 44 0F 38 82 0F"; // invpcid r9, [rdi]
const GLOBAL = P | W | G;
const LOCAL = P | W;

/** Reads the page, changes its entry to map OTHER, does something, and reads again: 1 is the old page, 2 the new one. */
function reread(form: Form, leaf: bigint, code: string, registers: Readonly<Record<string, bigint>>): bigint {
  const paged = new PagedMachine(form, { pge: true, leaf });
  const m = paged.machine;
  m.write(DATA, 1n)
    .write(OTHER, 2n)
    .write(SECOND_2M + DATA, 2n);
  m.write(OTHER + 0x110, 5n).write(OTHER + 0x128, AT); // descriptors for INVPCID
  const flags = paged.read(paged.leafAt) & 0xfffn;
  m.set({ rcx: BigInt(paged.leafAt), rdx: flags | BigInt(form.endsWith("2M") ? SECOND_2M : OTHER), rsi: AT & ~0x1f_ffffn, ...registers });
  m.set({ cr4: m.vcpu.get("cr4") | (registers.r8 === undefined && registers.r9 === undefined ? 0n : PCIDE) });
  expect(m.run(`${READ} ${CHANGE} ${code} ${READ_AGAIN}`)).toEqual(RAN);
  return m.vcpu.get("rax") & 0xffn;
}

const PCIDE = 1n << 17n;
const KEEP = 1n << 63n;
/** INVPCID's descriptor at RDI, in a page that does not push the tested one out of the TLB */
const rdi = BigInt(OTHER + 0x100);
const CR3 = BigInt(TABLES);

const cases: readonly (readonly [what: string, form: Form, leaf: bigint, code: string, registers: Record<string, bigint>, page: bigint])[] =
  [
    ["INVLPG: the page", "4-level 4K", LOCAL, INVLPG, {}, 2n],
    ["INVLPG: a global page", "4-level 4K", GLOBAL, INVLPG, {}, 2n],
    ["INVLPG: a large page, by another address in it", "4-level 2M", LOCAL, INVLPG_FIRST, {}, 2n],
    ["INVLPG: a large global page, by another address in it", "4-level 2M", GLOBAL, INVLPG_FIRST, {}, 2n],
    ["INVLPG: another page", "4-level 4K", LOCAL, INVLPG_FIRST, {}, 1n],
    ["CR3: the page", "4-level 4K", LOCAL, RELOAD_CR3, {}, 2n],
    ["CR3: a global page stays", "4-level 4K", GLOBAL, RELOAD_CR3, {}, 1n],
    ["CR4.PGE: a global page", "4-level 4K", GLOBAL, TOGGLE_PGE, {}, 2n],
    ["PCID: the same one, kept", "4-level 4K", LOCAL, MOV_CR3_R8, { r8: CR3 | KEEP }, 1n],
    ["PCID: the same one, not kept", "4-level 4K", LOCAL, MOV_CR3_R8, { r8: CR3 }, 2n],
    ["PCID: another one does not see it", "4-level 4K", LOCAL, MOV_CR3_R8, { r8: CR3 | KEEP | 5n }, 2n],
    ["PCID: every one sees a global page", "4-level 4K", GLOBAL, MOV_CR3_R8, { r8: CR3 | 5n }, 1n],
    ["INVPCID of an address", "4-level 4K", LOCAL, INVPCID_R9, { rdi: rdi + 0x20n, r9: 0n }, 2n],
    ["INVPCID of another PCID", "4-level 4K", LOCAL, INVPCID_R9, { rdi: rdi + 0x10n, r9: 1n }, 1n],
    ["INVPCID of the PCID", "4-level 4K", LOCAL, INVPCID_R9, { rdi, r9: 1n }, 2n],
    ["INVPCID of the PCID leaves global pages", "4-level 4K", GLOBAL, INVPCID_R9, { rdi, r9: 1n }, 1n],
    ["INVPCID of all", "4-level 4K", GLOBAL, INVPCID_R9, { rdi, r9: 2n }, 2n],
    ["INVPCID of all but global pages", "4-level 4K", GLOBAL, INVPCID_R9, { rdi, r9: 3n }, 1n],
  ];

describe("translations", () => {
  for (const [what, form, leaf, code, registers, page] of cases)
    it(what, () => {
      expect(reread(form, leaf, code, registers)).toBe(page);
    });

  it("of a page that is written get its dirty flag, whoever read it before", () => {
    const paged = new PagedMachine("4-level 4K");
    expect(paged.machine.run(`${READ} 88 03`)).toEqual(RAN);
    expect(paged.read(paged.leafAt) & 0x60n).toBe(0x60n);
  });

  it("end with WRPKRU as far as its keys go", () => {
    const paged = new PagedMachine("4-level 4K", { leaf: P | W | U | (3n << 59n), pkru: 0 });
    const m = paged.machine.set({ rcx: 0n, rdx: 0n, rax: 0x40n });
    expect(m.run(`${READ} B0 40 0F 01 EF ${READ_AGAIN}`)).toEqual({ vector: "#PF", errorCode: 0x21 });
  });

  it("of code change with its pages", () => {
    // the page is called (ret), then maps OTHER (mov al, 7; ret), and is called again
    const paged = new PagedMachine("4-level 4K", { leaf: P | W });
    const m = paged.machine.code("C3", DATA).code("B0 07 C3", OTHER);
    m.set({ rcx: BigInt(paged.leafAt), rdx: BigInt(OTHER) | P | W });
    expect(m.run(`FF D3 ${CHANGE} ${INVLPG} FF D3`)).toEqual(RAN);
    expect(m.vcpu.get("rax") & 0xffn).toBe(7n);
  });

  it("of 57 bits are canonical with LA57 only", () => {
    const far = 1n << 50n;
    expect(new PagedMachine("5-level 4K").machine.set({ rbx: far }).run(READ)).toEqual({ vector: "#PF", errorCode: 0 });
    expect(new PagedMachine("4-level 4K").machine.set({ rbx: far }).run(READ)).toEqual(GP);
    expect(new PagedMachine("5-level 4K").machine.set({ rbx: 1n << 56n }).run(READ)).toEqual(GP);
  });
});

describe("PDPTE registers", () => {
  const MOV_CR3 = "0F 22 D9"; // mov cr3, ecx

  it("are loaded with CR3, and only then", () => {
    const paged = new PagedMachine("PAE 4K");
    // the entry in memory goes, the register stays until CR3 is loaded
    const m = paged.machine.set({ rsi: BigInt(TABLES + 8), rcx: BigInt(TABLES) });
    expect(m.run(`C7 06 00 00 00 00 ${READ} ${MOV_CR3} ${READ}`)).toEqual({ vector: "#PF", errorCode: 0 });
    expect(m.vcpu.get("rip")).toBe(BigInt(CODE + 11));
  });

  for (const [what, bits] of [
    ["bit 1", W],
    ["bit 5", 0x20n],
    ["bit 40", 1n << 40n],
    ["bit 63", NX],
  ] as const)
    it(`with reserved ${what} are refused`, () => {
      // mov [esi], edx; mov [esi+4], edi; mov cr3, ecx
      const load = (entry: bigint) =>
        new PagedMachine("PAE 4K").machine
          .set({ rsi: BigInt(TABLES + 0x10), rdx: entry & 0xffff_ffffn, rdi: entry >> 32n, rcx: BigInt(TABLES) })
          .run(`89 16 89 7E 04 ${MOV_CR3}`);
      expect(load(BigInt(TABLES) | P | bits)).toEqual(GP);
      // absent, they have no reserved bits
      expect(load(bits)).toEqual(RAN);
    });
});

describe("control registers of paging", () => {
  const MOV_CR0 = "0F 22 C0";
  const MOV_CR3 = "0F 22 D8";
  const MOV_CR4 = "0F 22 E0";
  const rows: readonly (readonly [what: string, form: Form, registers: Record<string, bigint>, code: string])[] = [
    ["CR4.PCIDE with bits in CR3", "4-level 4K", { cr3: BigInt(TABLES) | 8n, rax: 0x2_0220n }, MOV_CR4],
    ["CR4.PCIDE outside IA-32e mode", "PAE 4K", { rax: 0x2_0220n }, MOV_CR4],
    ["CR4.LA57 in IA-32e mode", "4-level 4K", { rax: 0x1220n }, MOV_CR4],
    ["CR4 without LA57 in IA-32e mode", "5-level 4K", { rax: 0x220n }, MOV_CR4],
    ["CR4 without PAE in IA-32e mode", "4-level 4K", { rax: 0x200n }, MOV_CR4],
    ["CR4 reserved bit 24", "4-level 4K", { rax: 0x100_0220n }, MOV_CR4],
    ["CR0 without PG with PCIDE", "4-level 4K", { cr4: 0x2_0220n, rax: 0x11n }, MOV_CR0],
    ["CR3 above the physical address width", "4-level 4K", { rax: 1n << 40n }, MOV_CR3],
    ["CR3 bit 63 without PCIDE", "4-level 4K", { rax: KEEP | BigInt(TABLES) }, MOV_CR3],
  ];
  for (const [what, form, registers, code] of rows)
    it(`refuse ${what}`, () => {
      expect(new PagedMachine(form).machine.set(registers).run(code)).toEqual(GP);
    });

  it("take CR4.PCIDE, and CR3 forgets bit 63", () => {
    const m = new PagedMachine("4-level 4K").machine.set({ rax: 0x2_0220n, rcx: BigInt(TABLES) | KEEP | 0x123n });
    expect(m.run(`${MOV_CR4} 0F 22 D9`)).toEqual(RAN);
    expect(m.vcpu.get("cr3")).toBe(BigInt(TABLES) | 0x123n);
  });

  it("PAE takes the place of 32-bit paging while paging is on: the PDPTE registers are loaded", () => {
    const paged = new PagedMachine("32-bit 4K");
    // the table at the start of CR3's page is empty of PDPTEs but for the first, whose bits are a PDE's: reserved
    expect(paged.machine.set({ rax: 0x230n }).run(MOV_CR4)).toEqual(GP);
  });

  it("RDPKRU and WRPKRU need PKE, and zeros", () => {
    expect(new PagedMachine("4-level 4K").machine.run("0F 01 EE")).toEqual({ vector: "#UD", errorCode: 0 });
    const keyed = () => new PagedMachine("4-level 4K", { pkru: 0x55 }).machine;
    expect(keyed().set({ rcx: 1n }).run("0F 01 EE")).toEqual(GP);
    expect(keyed().set({ rcx: 0n, rdx: 1n }).run("0F 01 EF")).toEqual(GP);
    const m = keyed().set({ rcx: 0n, rdx: 9n });
    expect(m.run("0F 01 EE")).toEqual(RAN);
    expect([m.vcpu.get("rax"), m.vcpu.get("rdx")]).toEqual([0x55n, 0n]);
  });

  it("PKRU is component 9 of XSAVE", () => {
    const m = new PagedMachine("4-level 4K", { pkru: 0x50, own: P | W | U | 0xe0n }).machine;
    m.set({ cr4: m.vcpu.get("cr4") | 0x4_0000n, xcr0: 0x203n, rdi: BigInt(OTHER), rax: 0x200n, rdx: 0n });
    // xsave [rdi]; wrpkru of zero; xrstor [rdi]
    expect(m.run("0F AE 27 31 C0 31 C9 0F 01 EF B8 00 02 00 00 0F AE 2F")).toEqual(RAN);
    expect([m.read(OTHER + 512), m.read(OTHER + 832), m.vcpu.getNumber("pkru")]).toEqual([0x200n, 0x50n, 0x50]);
  });
});
