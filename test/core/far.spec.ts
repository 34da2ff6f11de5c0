/** Far jumps, calls and returns, and the fast system calls. SDM Vol. 2 "JMP", "CALL", "RET", "IRET", "SYSCALL", "SYSRET", "SYSENTER". */
import { describe, expect, it } from "vitest";
import { CODE, DATA, DESCRIPTOR, FREE, Ring0, SELECTOR, STACK, TSS } from "../lib/ring0.ts";

const RAN = { errorCode: 0 };
const AWAY = 0x1_8000;
const RETFQ = "48 CB";
const IRETQ = "48 CF";

/** a machine with words on its stack, from the top */
function stacked(...words: readonly (number | bigint)[]): Ring0 {
  const m = new Ring0();
  words.forEach((word, i) => {
    m.write(STACK + i * 8, BigInt(word));
  });
  return m;
}

const user64 = [SELECTOR.USER64, 0x202, DATA, SELECTOR.USER_DATA] as const;

describe("far jump", () => {
  it("goes to compatibility code and back", () => {
    // jmp far [rbx]; there: mov eax, -1; inc eax; jmp far 08:CODE + 0x40
    const m = new Ring0().set({ rbx: BigInt(DATA) }).write(DATA, BigInt(AWAY) | (BigInt(SELECTOR.CODE32) << 32n));
    m.code("B8 FF FF FF FF 40 EA 40 00 01 00 08 00", AWAY).code("48 C7 C1 07 00 00 00", CODE + 0x40);
    expect(m.run("FF 2B")).toEqual(RAN);
    expect([m.vcpu.get("rax"), m.vcpu.get("rcx"), m.vcpu.getNumber("mode")]).toEqual([0n, 7n, 2]);
  });

  it("refuses data, code with L and D, outer code and a 32-bit offset behind the limit", () => {
    const to = (descriptor: bigint, offset = 0n) =>
      new Ring0()
        .describe(FREE, descriptor)
        .set({ rbx: BigInt(DATA) })
        .write(DATA, offset | (BigInt(FREE) << 32n))
        .run("FF 2B");
    expect(to(DESCRIPTOR.data)).toEqual({ vector: "#GP", errorCode: FREE });
    expect(to(0x00ef_9b00_0000_ffffn)).toEqual({ vector: "#GP", errorCode: FREE });
    expect(to(DESCRIPTOR.user64)).toEqual({ vector: "#GP", errorCode: FREE });
    expect(to(0x00cf_1b00_0000_ffffn)).toEqual({ vector: "#NP", errorCode: FREE });
    expect(to(0x0040_9b00_0000_0fffn, 0x1000n)).toEqual({ vector: "#GP", errorCode: 0 });
  });
});

describe("far return", () => {
  it("to the same privilege takes RIP and CS", () => {
    const m = stacked(AWAY, SELECTOR.CODE64).code("", AWAY);
    expect(m.run(RETFQ)).toEqual(RAN);
    expect([m.vcpu.get("rip"), m.vcpu.get("rsp")]).toEqual([BigInt(AWAY), BigInt(STACK + 16)]);
  });

  it("to ring 3 takes the stack too, and drops inner data segments", () => {
    const m = stacked(AWAY, SELECTOR.USER64, DATA, SELECTOR.USER_DATA).code("", AWAY).set({ ds: SELECTOR.DATA });
    expect(m.run(RETFQ)).toEqual(RAN);
    const v = m.vcpu;
    expect([v.getNumber("cpl"), v.get("rsp"), v.getNumber("ss"), v.getNumber("ds")]).toEqual([3, BigInt(DATA), SELECTOR.USER_DATA, 0]);
    expect(m.set({ rip: BigInt(CODE) }).run("FA")).toEqual({ vector: "#GP", errorCode: 0 });
  });

  it("refuses inner code, a null stack for ring 3 and RIP that is not canonical", () => {
    expect(stacked(AWAY, SELECTOR.CODE64).inRing3().run(RETFQ)).toEqual({ vector: "#GP", errorCode: SELECTOR.CODE64 });
    expect(stacked(AWAY, SELECTOR.USER64, DATA, 3).run(RETFQ)).toEqual({ vector: "#GP", errorCode: 0 });
    expect(stacked(1n << 47n, SELECTOR.CODE64).run(RETFQ)).toEqual({ vector: "#GP", errorCode: 0 });
    expect(stacked(AWAY, SELECTOR.USER64, DATA, SELECTOR.DATA).run(RETFQ)).toEqual({ vector: "#GP", errorCode: SELECTOR.DATA });
  });
});

describe("IRET", () => {
  it("to ring 3 loads flags, and keeps the bases behind null selectors", () => {
    const m = stacked(AWAY, ...user64)
      .code("", AWAY)
      .set({ gsBase: 0x1234n, gsRights: 0 });
    expect(m.run(IRETQ)).toEqual(RAN);
    expect([m.vcpu.getNumber("cpl"), m.vcpu.rflags, m.vcpu.get("gsBase")]).toEqual([3, 0x202, 0x1234n]);
  });

  it("in 64-bit mode pops the stack at the same privilege too", () => {
    const m = stacked(AWAY, SELECTOR.CODE64, 2, DATA, 0).code("", AWAY);
    expect(m.run(IRETQ)).toEqual(RAN);
    expect([m.vcpu.get("rsp"), m.vcpu.getNumber("ss")]).toEqual([BigInt(DATA), 0]);
  });

  it("does not change IF and IOPL in ring 3, and refuses NT in IA-32e mode", () => {
    const m = stacked(AWAY, SELECTOR.USER64, 0x3202, DATA, SELECTOR.USER_DATA).code("", AWAY).inRing3();
    expect(m.run(IRETQ)).toEqual(RAN);
    expect(m.vcpu.rflags).toBe(2);
    const nested = stacked(AWAY, ...user64);
    nested.vcpu.rflags = 0x4002;
    expect(nested.run(IRETQ)).toEqual({ vector: "#GP", errorCode: 0 });
  });

  it("goes to 32-bit code", () => {
    const m = stacked(AWAY, SELECTOR.USER32, 2, DATA, SELECTOR.USER_DATA).code("48 40", AWAY).set({ rax: 0xffff_ffffn });
    expect(m.run(IRETQ)).toEqual(RAN);
    expect([m.vcpu.getNumber("mode"), m.vcpu.get("rax")]).toEqual([1, 0xffff_ffffn]); // dec eax; inc eax
  });
});

describe("call gate", () => {
  /** a gate of ring 3 to AWAY in ring 0 code */
  const gate = (dpl: number) =>
    new Ring0()
      .describe(FREE, 0x0001_8c00_0008_8000n | (BigInt(dpl) << 45n))
      .write(TSS + 4, BigInt(STACK))
      .set({ rbx: BigInt(DATA), rsp: BigInt(DATA + 0x800) })
      .write(DATA, BigInt(FREE | 3) << 32n)
      .inRing3();

  it("changes to the stack of ring 0 and back", () => {
    const m = gate(3).code(RETFQ, AWAY);
    expect(m.run("FF 1B")).toEqual(RAN);
    const frame = [8, 16, 24, 32].map((i) => m.read(STACK - i));
    expect(frame).toEqual([BigInt(SELECTOR.USER_DATA), BigInt(DATA + 0x800), BigInt(SELECTOR.USER64), BigInt(CODE + 2)]);
    expect([m.vcpu.getNumber("cpl"), m.vcpu.get("rsp")]).toEqual([3, BigInt(DATA + 0x800)]);
  });

  it("arrives in ring 0 with a null SS", () => {
    const m = gate(3).code("", AWAY);
    expect(m.run("FF 1B")).toEqual(RAN);
    const v = m.vcpu;
    expect([v.getNumber("cpl"), v.getNumber("ss"), v.getNumber("cs"), v.get("rsp")]).toEqual([0, 0, SELECTOR.CODE64, BigInt(STACK - 32)]);
  });

  it("is closed to outer levels than its own", () => {
    expect(gate(0).run("FF 1B")).toEqual({ vector: "#GP", errorCode: FREE });
  });
});

describe("fast system calls", () => {
  const star = (0x23n << 48n) | (0x08n << 32n);

  it("SYSCALL and SYSRET", () => {
    const m = new Ring0()
      .inRing3()
      .set({ star, lstar: BigInt(AWAY), fmask: 0x200n, options: 1 })
      .code("48 0F 07", AWAY);
    m.vcpu.rflags = 0x246;
    expect(m.run("0F 05")).toEqual(RAN);
    const v = m.vcpu;
    expect([v.get("rcx"), v.get("r11"), v.getNumber("cs"), v.getNumber("ss")]).toEqual([BigInt(CODE + 2), 0x246n, 0x33, 0x2b]);
    expect([v.getNumber("cpl"), v.rflags]).toEqual([3, 0x246]);
  });

  it("SYSCALL masks flags and loads flat segments; SYSRET to 32-bit code", () => {
    const m = new Ring0()
      .inRing3()
      .set({ star, lstar: BigInt(AWAY), fmask: 0x200n })
      .code("", AWAY);
    m.vcpu.rflags = 0x246;
    expect(m.run("0F 05")).toEqual(RAN);
    const v = m.vcpu;
    expect([v.getNumber("cpl"), v.getNumber("cs"), v.getNumber("ss"), v.rflags]).toEqual([0, 0x08, 0x10, 0x46]);
    expect(
      m
        .code("0F 07", AWAY)
        .code("", CODE + 2)
        .run(),
    ).toEqual(RAN);
    expect([v.getNumber("cpl"), v.getNumber("cs"), v.getNumber("mode")]).toEqual([3, 0x23, 1]);
  });

  it("SYSRET refuses RCX that is not canonical, SYSCALL EFER without SCE", () => {
    expect(new Ring0().set({ star, rcx: 1n << 47n }).run("48 0F 07")).toEqual({ vector: "#GP", errorCode: 0 });
    expect(new Ring0().set({ efer: 0xd00n }).code("90 0F 05").run()).toEqual({ vector: "#UD", errorCode: 0 });
  });

  it("SYSENTER and SYSEXIT", () => {
    const m = new Ring0().inRing3().set({ sysenterCs: 0x08n, sysenterEip: BigInt(AWAY), sysenterEsp: BigInt(STACK), rcx: BigInt(DATA) });
    m.set({ rdx: BigInt(CODE + 2) }).code("48 0F 35", AWAY);
    expect(m.run("0F 34")).toEqual(RAN);
    const v = m.vcpu;
    expect([v.getNumber("cpl"), v.getNumber("cs"), v.getNumber("ss"), v.get("rsp")]).toEqual([3, 0x2b, 0x33, BigInt(DATA)]);
    expect(new Ring0().inRing3().run("0F 34")).toEqual({ vector: "#GP", errorCode: 0 });
  });
});
