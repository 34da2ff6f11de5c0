/**
 * Alignment checks. SDM Vol. 3 "Interrupt 17—Alignment Check Exception (#AC)". What each access raises was measured on 2026-11-22 on this
 * machine's CPU (AMD Zen 4), by a program that set RFLAGS.AC under Linux, whose CR0.AM is set.
 */
import { describe, expect, it } from "vitest";
import { DATA, Ring0 } from "../lib/ring0.ts";

const AC = "#AC";
const GP = "#GP";
const PF = "#PF";
const RAN = "";

/** bytes from an aligned address, code with the address in RBX, outcome */
const rows: readonly (readonly [what: string, offset: number, code: string, outcome: string])[] = [
  ["mov ax, [rbx]", 1, "66 8B 03", AC],
  ["mov eax, [rbx]", 2, "8B 03", AC],
  ["mov rax, [rbx]", 4, "48 8B 03", AC],
  ["mov rax, [rbx]", 8, "48 8B 03", RAN],
  ["mov [rbx], eax", 2, "89 03", AC],
  ["movups xmm0, [rbx]", 8, "0F 10 03", AC],
  ["movups xmm0, [rbx]", 16, "0F 10 03", RAN],
  ["movups [rbx], xmm0", 1, "0F 11 03", AC],
  ["movaps xmm0, [rbx]", 8, "0F 28 03", GP],
  ["movsd xmm0, [rbx]", 4, "F2 0F 10 03", AC],
  ["fld tbyte [rbx]", 8, "DB 2B", RAN],
  ["fld tbyte [rbx]", 4, "DB 2B", AC],
  ["fnstenv [rbx]", 2, "D9 33", AC],
  ["fnstenv [rbx]", 4, "D9 33", RAN],
  ["fnsave [rbx]", 2, "DD 33", AC],
  ["fnsave [rbx]", 4, "DD 33", RAN],
  ["sidt [rbx]", 1, "0F 01 0B", RAN],
  ["lock xadd [rbx], eax", 1, "F0 0F C1 03", AC],
  ["mov rsp, rbx; push rax", 4, "48 89 DC 50", AC],
  ["mov rsi, rbx; rep movsb", 1, "48 89 DE F3 A4", RAN],
  ["mov rsi, rbx; rep movsq", 4, "48 89 DE F3 48 A5", AC],
];

const CR0_AM = 0x8005_0033n;
const FLAG_AC = 0x4_0002;

const user = (rflags: number, cr0 = CR0_AM) => {
  const m = new Ring0().inRing3().set({ cr0, rcx: 1n, rdi: BigInt(DATA + 0x200) });
  m.vcpu.rflags = rflags;
  return m;
};

describe("in ring 3 with CR0.AM and RFLAGS.AC", () => {
  for (const [what, offset, code, outcome] of rows)
    it(`${what} at ${offset}: ${outcome || "runs"}`, () => {
      expect(
        user(FLAG_AC)
          .set({ rbx: BigInt(DATA + offset) })
          .run(code).vector ?? RAN,
      ).toBe(outcome);
    });
  it("#AC goes before #PF, and has an error code of zero", () => {
    const m = user(FLAG_AC);
    expect(m.set({ rbx: 0x4000_0001n }).run("8B 03")).toEqual({ vector: AC, errorCode: 0 });
    expect(m.set({ rbx: 0x4000_0000n }).run("8B 03").vector).toBe(PF);
  });
});

describe("alignment is not checked", () => {
  it("without one of the two, nor in ring 0", () => {
    const at = { rbx: BigInt(DATA + 1) };
    expect(user(2).set(at).run("8B 03").vector).toBeUndefined();
    expect(user(FLAG_AC, 0x8001_0033n).set(at).run("8B 03").vector).toBeUndefined();
    const m = new Ring0().set({ cr0: CR0_AM, ...at });
    m.vcpu.rflags = FLAG_AC;
    expect(m.run("8B 03").vector).toBeUndefined();
  });
  it("by POPF on: popfq; mov eax, [rbx]", () => {
    const m = user(2)
      .set({ rbx: BigInt(DATA + 1), rsp: BigInt(DATA + 0x100) })
      .write(DATA + 0x100, BigInt(FLAG_AC));
    expect(m.run("8B 03 9D 8B 03")).toEqual({ vector: AC, errorCode: 0 });
  });
});
