/**
 * When interrupts are taken. SDM Vol. 3 "Masking Maskable Hardware Interrupts", "Handling Multiple NMIs", "Priority Among Concurrent
 * Events"; Vol. 2 "STI", "HLT", "MONITOR", "MWAIT".
 */
import { describe, expect, it } from "vitest";
import { STOP } from "../../src/spec/events.ts";
import { ApicMachine } from "../lib/apic.ts";
import { CODE, DATA, SELECTOR } from "../lib/ring0.ts";

const INTR = 0x33;
const NMI = 2;

/** A machine with INTR up before its first instruction. */
function interrupted(code: string, rflags: number): ApicMachine {
  const m = new ApicMachine({ intAck: () => INTR });
  m.set({ apicBase: 0n, rax: BigInt(SELECTOR.DATA), rbx: BigInt(DATA), rsi: BigInt(DATA) }).vcpu.rflags = rflags;
  m.vcpu.setIntr(true);
  m.stop(code);
  return m;
}

/** RIP that the handler will return to, relative to the program */
const returns = (m: ApicMachine): number => Number(m.read(Number(m.vcpu.get("rsp")))) - CODE;

describe("interrupt shadow", () => {
  const rows: readonly (readonly [what: string, code: string, rflags: number, at: number])[] = [
    ["with IF set, at once", "90 90", 0x202, 0],
    ["STI: behind the next instruction", "FB 90 90 FA 90", 0x2, 2],
    ["STI; STI: the second casts none", "FB FB 90 90", 0x2, 2],
    ["STI with IF set casts none", "90 FB 90", 0x202, 0],
    ["STI; CLI: never", "FB FA FB 90 90", 0x2, 4],
    ["STI; HLT: wakes it", "FB F4 90", 0x2, 2],
    ["POPF casts none", "68 02 02 00 00 9D 90", 0x2, 6],
    ["STI; POPF", "68 02 02 00 00 FB 9D 90", 0x2, 7],
    ["STI; MOV SS; MOV: both shadows", "FB 8E D0 89 C1 90", 0x2, 5],
  ];
  for (const [what, code, rflags, at] of rows)
    it(what, () => {
      const m = interrupted(code, rflags);
      expect([m.handled, returns(m)]).toEqual([INTR, at]);
    });

  it("MOV SS and POP SS keep NMI out for one instruction too", () => {
    const m = new ApicMachine().set({ rax: BigInt(SELECTOR.DATA), apicBase: 0n });
    expect(m.stop("8E D0 90 90 F4", 1n)).toBe(STOP.BUDGET);
    const shadowed = m.vcpu.get("inhibitAt") === m.vcpu.get("instructions");
    m.vcpu.raiseNmi();
    m.vcpu.run(100n);
    expect([m.handled, returns(m)]).toEqual([NMI, shadowed ? 3 : 4]);
  });

  it("in a block that writes over itself, too", () => {
    // sti; mov byte [rip+1], F8 (over the second NOP); nop; nop
    const m = interrupted("FB C6 05 01 00 00 00 F8 90 90", 0x2);
    expect([m.handled, returns(m)]).toEqual([INTR, 8]);
  });
});

describe("repeated string instructions", () => {
  it("are interrupted between iterations, with RIP on them", () => {
    const m = new ApicMachine({
      portOut: (port) => {
        if (port === 0x80 && Number(m.vcpu.get("rcx")) === 3) m.vcpu.setIntr(true);
      },
      intAck: () => INTR,
    });
    m.set({ apicBase: 0n, rsi: BigInt(DATA), rcx: 5n, rdx: 0x80n }).stop("90 F3 6E");
    expect([m.handled, returns(m), m.vcpu.get("rcx"), m.vcpu.get("rsi")]).toEqual([INTR, 1, 2n, BigInt(DATA + 3)]);
  });
});

describe("non-maskable interrupts", () => {
  it("do not care for IF, and block each other until IRET", () => {
    const m = new ApicMachine().handler(NMI, "FF C3 83 FB 02 74 01 F4 48 CF");
    m.vcpu.rflags = 2;
    m.set({ rbx: 0n }).vcpu.raiseNmi();
    expect(m.stop("90 90 90 EB FE")).toBe(STOP.HALT);
    expect(m.vcpu.get("rbx")).toBe(1n);
    m.vcpu.raiseNmi();
    expect(m.vcpu.run(100n)).toBe(STOP.HALT);
    // HLT goes on with the second one only when IRET has come
    expect([m.vcpu.get("rbx"), m.vcpu.getNumber("nmiBlocked")]).toEqual([1n, 1]);
  });

  it("come before maskable ones", () => {
    const m = new ApicMachine({ intAck: () => INTR });
    m.set({ apicBase: 0n }).vcpu.setIntr(true);
    m.vcpu.raiseNmi();
    m.stop("90");
    expect(m.handled).toBe(NMI);
  });
});

describe("waiting", () => {
  it("HLT waits until an interrupt that is let in", () => {
    const m = new ApicMachine({ intAck: () => INTR }).set({ apicBase: 0n });
    m.vcpu.rflags = 2;
    expect(m.stop("F4 90 F4")).toBe(STOP.HALT);
    m.vcpu.setIntr(true);
    expect(m.vcpu.run(100n)).toBe(STOP.HALT);
    expect(Number(m.vcpu.get("rip"))).toBe(CODE + 1);
    m.vcpu.rflags = 0x202;
    m.vcpu.run(100n);
    expect([m.handled, returns(m)]).toEqual([INTR, 1]);
  });

  const MONITOR = "31C9 31D2 48 89 D8 0F01C8";
  it("MWAIT waits where HLT would", () => {
    const m = new ApicMachine({ intAck: () => INTR }).set({ apicBase: 0n, rbx: BigInt(DATA) });
    expect(m.stop(`${MONITOR} 31C0 0F01C9 90 F4`)).toBe(STOP.HALT);
    expect(m.vcpu.getNumber("halted")).toBe(2);
    m.vcpu.setIntr(true);
    m.vcpu.run(100n);
    expect(m.handled).toBe(INTR);
  });

  it("MWAIT with ECX bit 0 goes on for an interrupt that IF masks", () => {
    const m = new ApicMachine({ intAck: () => INTR }).set({ apicBase: 0n, rbx: BigInt(DATA) });
    m.vcpu.rflags = 2;
    expect(m.stop(`${MONITOR} 31C0 FF C1 0F01C9 B0 07 F4`)).toBe(STOP.HALT);
    expect(m.vcpu.get("rax")).toBe(0n);
    m.vcpu.setIntr(true);
    expect(m.vcpu.run(100n)).toBe(STOP.HALT);
    expect([m.vcpu.get("rax"), m.vcpu.getNumber("halted")]).toEqual([7n, 1]);
  });

  it("MWAIT without MONITOR, or with what a device wrote behind it, does not wait", () => {
    const m = new ApicMachine().set({ rbx: BigInt(DATA) });
    m.stop("31C0 31C9 0F01C9 B0 07 F4");
    expect(m.vcpu.get("rax")).toBe(7n);
    m.set({ rip: BigInt(CODE), halted: 0 }).stop(`${MONITOR} 31C0 0F01C9 B0 08 F4`);
    expect(m.vcpu.get("rax")).toBe(0n);
    m.core.ramWritten(DATA, 4);
    m.vcpu.run(100n);
    expect(m.vcpu.get("rax")).toBe(8n);
  });
});

describe("the host", () => {
  it("is returned to behind the block in which it asked", () => {
    const m: ApicMachine = new ApicMachine({ portOut: () => m.vcpu.endRun() });
    expect(m.stop("E6 80 B0 07 EB FE", 1_000_000n)).toBe(STOP.BUDGET);
    expect(Number(m.vcpu.get("instructions"))).toBe(1);
    m.vcpu.run(10n);
    expect(Number(m.vcpu.get("instructions"))).toBeGreaterThanOrEqual(11);
  });

  it("sees the cycle of the instruction that calls it", () => {
    const times: number[] = [];
    const m: ApicMachine = new ApicMachine({ portIn: () => times.push(m.vcpu.now) });
    m.stop("90 E4 80 90 90 E4 80 F4");
    expect(times).toEqual([1, 4]);
  });

  it("an exception leaves the rest of the budget", () => {
    // #UD over and over: the handler steps over UD2
    const m = new ApicMachine().handler(6, "48 83 04 24 02 48 CF");
    expect(m.stop("0F 0B FF C3 EB FA", 1000n)).toBe(STOP.BUDGET);
    expect(Number(m.vcpu.get("instructions"))).toBeLessThan(1010);
    expect(Number(m.vcpu.get("rbx"))).toBeGreaterThan(240);
  });
});
