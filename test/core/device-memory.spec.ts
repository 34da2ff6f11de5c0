/** Accesses to what is not RAM, with a fake host. SDM Vol. 3 "Methods of Caching Available": strong uncacheable accesses happen once, as written. */
import { describe, expect, it } from "vitest";
import { DATA, Ring0, STACK } from "../lib/ring0.ts";

const PAGES = 0x3000;
const DEVICE = 0xfea0_0000;
/** linear addresses: the device's two megabytes, then two pages of which only the first is RAM, and two of which only the second is */
const AT = 0x40_0000n;
const RAM_FIRST = 0x60_0000n;
const RAM_SECOND = 0x60_2000n;
const TABLE = 0x8000;

/** A machine whose device remembers what it is asked for; byte n of it reads as n. */
function machine(): { m: Ring0; log: string[]; times: number[] } {
  const log: string[] = [];
  const times: number[] = [];
  const now = () => times.push(m.vcpu.now);
  const name = (gpa: number): string => (gpa - DEVICE).toString(16);
  const devices = {
    mmioRead(gpa: number, size: number): number {
      now();
      log.push(`read ${name(gpa)} ${size}`);
      let v = 0;
      for (let i = size - 1; i >= 0; i--) v = ((v << 8) | ((gpa + i) & 0xff)) >>> 0;
      return v;
    },
    mmioWrite(gpa: number, size: number, value: number): void {
      now();
      log.push(`write ${name(gpa)} ${size} ${value.toString(16)}`);
    },
  };
  const m = new Ring0(devices);
  m.write(PAGES + 16, BigInt(DEVICE) | 0x87n).write(PAGES + 24, BigInt(TABLE | 7));
  m.write(TABLE, BigInt(DATA | 7)).write(TABLE + 8, BigInt(DEVICE) | 7n);
  m.write(TABLE + 16, BigInt(DEVICE) | 7n).write(TABLE + 24, BigInt(DATA | 7));
  return { m, log, times };
}

/** what the program in rbx = device, rdi, rsi as given leaves as its trail */
const cases: readonly (readonly [what: string, code: string, registers: Readonly<Record<string, bigint>>, log: readonly string[]])[] = [
  ["mov al, [rbx]", "8A 03", {}, ["read 0 1"]],
  ["mov ax, [rbx+3]", "66 8B 43 03", {}, ["read 3 2"]],
  ["mov rax, [rbx+8]", "48 8B 43 08", {}, ["read 8 4", "read c 4"]],
  ["mov [rbx], eax", "89 03", { rax: 0x1234_5678n }, ["write 0 4 12345678"]],
  ["mov [rbx], rax", "48 89 03", { rax: 0x8877_6655_4433_2211n }, ["write 0 4 44332211", "write 4 4 88776655"]],
  ["add [rbx], eax", "01 03", { rax: 1n }, ["read 0 4", "write 0 4 3020101"]],
  ["cmp [rbx], eax", "39 03", {}, ["read 0 4"]],
  ["lock cmpxchg [rbx], ecx, unequal", "F0 0F B1 0B", {}, ["read 0 4", "write 0 4 3020100"]],
  [
    "cmpxchg16b [rbx]",
    "48 0F C7 0B",
    {},
    ["read 0 4", "read 4 4", "read 8 4", "read c 4", "write 0 4 3020100", "write 4 4 7060504", "write 8 4 b0a0908", "write c 4 f0e0d0c"],
  ],
  ["movups xmm0, [rbx]", "0F 10 03", {}, ["read 0 4", "read 4 4", "read 8 4", "read c 4"]],
  ["movups [rbx], xmm0", "0F 11 03", {}, ["write 0 4 0", "write 4 4 0", "write 8 4 0", "write c 4 0"]],
  ["fstp tbyte [rbx], of zero", "D9 EE DB 3B", {}, ["write 0 4 0", "write 4 4 0", "write 8 2 0"]],
  ["push rax, onto the device", "50", { rsp: AT + 8n, rax: 5n }, ["write 0 4 5", "write 4 4 0"]],
  ["pop qword [rbx]", "8F 03", {}, ["write 0 4 0", "write 4 4 0"]],
  ["stosb", "AA", { rdi: AT, rax: 0xabn }, ["write 0 1 ab"]],
  ["rep stosw", "66 F3 AB", { rdi: AT, rax: 0xabcdn, rcx: 3n }, ["write 0 2 abcd", "write 2 2 abcd", "write 4 2 abcd"]],
  ["rep lodsd", "F3 AD", { rsi: AT, rcx: 2n }, ["read 0 4", "read 4 4"]],
  ["rep movsb from it", "F3 A4", { rsi: AT, rdi: BigInt(DATA), rcx: 2n }, ["read 0 1", "read 1 1"]],
  [
    "rep movsd within it",
    "F3 A5",
    { rsi: AT, rdi: AT + 0x100n, rcx: 2n },
    ["read 0 4", "write 100 4 3020100", "read 4 4", "write 104 4 7060504"],
  ],
  ["repe cmpsb within it", "F3 A6", { rsi: AT, rdi: AT + 0x100n, rcx: 2n }, ["read 100 1", "read 0 1", "read 101 1", "read 1 1"]],
  ["repne scasb", "F2 AE", { rdi: AT, rax: 1n, rcx: 9n }, ["read 0 1", "read 1 1"]],
  ["clflush [rbx]", "0F AE 3B", {}, []],
  ["mov eax, over the end of RAM", "8B 83 FE 0F 20 00", {}, ["read 0 2"]],
  ["mov over the end of RAM, eax", "89 83 FE 0F 20 00", { rax: 0x1234_5678n }, ["write 0 2 1234"]],
  ["mov over the end of the device, rax", "48 89 83 FD 2F 20 00", { rax: 0x1234_5678n }, ["write ffd 2 5678", "write fff 1 34"]],
];

describe("device memory", () => {
  for (const [what, code, registers, log] of cases)
    it(what, () => {
      const { m, log: seen } = machine();
      m.set({ rbx: AT, rsp: BigInt(STACK), ...registers });
      expect(m.run(code)).toEqual({ errorCode: 0 });
      expect(seen).toEqual(log);
    });

  it("gives the values and takes them", () => {
    const { m } = machine();
    expect(m.set({ rbx: AT }).run("8B 43 04 48 8B 8B FC 0F 20 00")).toEqual({ errorCode: 0 });
    expect(m.vcpu.get("rax")).toBe(0x0706_0504n);
    expect(m.vcpu.get("rcx")).toBe(0x0302_0100_0000_0000n);
  });

  it("is not touched by an instruction that faults, whichever part of it does", () => {
    const { m, log } = machine();
    // the page behind the device is not mapped
    expect(m.set({ rbx: 0x80_0000n - 4n }).run("48 8B 03").vector).toBe("#PF");
    const last = m.write(PAGES + 24, 0n);
    expect(last.set({ rip: 0x10000n, rbx: RAM_FIRST - 4n }).run("48 01 03").vector).toBe("#PF");
    // movs: the source is the device, the destination is not mapped
    expect(m.set({ rip: 0x10000n, rsi: AT, rdi: 0x80_0000n }).run("A4").vector).toBe("#PF");
    expect(log).toEqual([]);
  });

  it("tells the cycle of the access", () => {
    const { m, times } = machine();
    m.set({ rbx: AT }).run("90 90 8B 03 90 01 03");
    expect(times).toEqual([2, 4, 4]);
  });

  it("fetched from, is #UD", () => {
    const { m } = machine();
    expect(m.set({ rip: AT }).run()).toEqual({ vector: "#UD", errorCode: 0 });
    // FF at the end of RAM, and ones behind it: FF /7
    m.set({ rip: RAM_FIRST + 0xfffn }).code("FF", DATA + 0xfff);
    expect(m.run()).toEqual({ vector: "#UD", errorCode: 0 });
    expect(m.vcpu.get("rip")).toBe(RAM_FIRST + 0xfffn);
  });

  it("as a page table reads as ones: reserved bits", () => {
    const { m } = machine();
    m.write(PAGES + 24, BigInt(DEVICE) | 7n).set({ rbx: RAM_SECOND });
    expect(m.run("8A 03")).toEqual({ vector: "#PF", errorCode: 9 });
  });

  it("begins at 3 GiB, and ends at 4 GiB if there is more RAM", () => {
    const seen: number[] = [];
    const devices = { mmioRead: (gpa: number) => seen.push(gpa) };
    const m = new Ring0(devices, 3074);
    const at = (gpa: bigint): bigint => {
      m.write(PAGES + 16, gpa | 0x87n).set({ rip: 0x10000n, rbx: AT + 0x1f_fff8n, rax: gpa });
      expect(m.run("0F 01 3B 48 8B 0B 48 89 03 48 8B 03")).toEqual({ errorCode: 0 });
      return m.vcpu.get("rax");
    };
    expect([at(0xbfe0_0000n), at(0x1_0000_0000n)]).toEqual([0xbfe0_0000n, 0x1_0000_0000n]);
    expect(seen).toEqual([]);
    expect([at(0xc000_0000n), at(0xffe0_0000n)]).toEqual([0x4_0000_0003n, 0x8_0000_0007n]);
    const read = (from: number) => [from, from + 4, from, from + 4];
    expect(seen).toEqual([...read(0xc01f_fff8), ...read(0xffff_fff8)]);
  });

  it("is the local APIC's page too, over RAM if it is put there", () => {
    const { m, log } = machine();
    // mov eax, [rbx]; wrmsr IA32_APIC_BASE := DATA; mov esi, [rbx+30h], the version
    m.set({ rbx: BigInt(DATA), rcx: 0x1bn, rax: BigInt(DATA) | 0x900n, rdx: 0n }).write(DATA + 0x30, 0x1234n);
    expect(m.run("8B 73 30 0F 30 8B 7B 30")).toEqual({ errorCode: 0 });
    expect([m.vcpu.get("rsi"), m.vcpu.get("rdi")]).toEqual([0x1234n, 0x50014n]);
    expect(log).toEqual([]);
  });

  it("as a descriptor table is read", () => {
    const { m, log } = machine();
    m.set({ gdtrBase: AT });
    // mov ds, ax with selector 8: the descriptor's bytes are no data segment's
    expect(m.set({ rax: 8n }).run("8E D8").vector).toBe("#GP");
    expect(log).toEqual(["read 8 4", "read c 4"]);
  });
});
