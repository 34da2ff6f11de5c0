/** Delivery of interrupts and exceptions in IA-32e mode. SDM Vol. 3 "Exception and Interrupt Handling in 64-bit Mode". */
import { describe, expect, it } from "vitest";
import { STOP } from "../../src/spec/events.ts";
import { CODE, DATA, Ring0, SELECTOR, STACK, TSS } from "../lib/ring0.ts";

const HANDLER = 0x1_8000;
const HLT = "F4";

/** a machine whose gate `vector` leads to HLT at HANDLER */
const gated = (vector: number, attributes = 0x8e00, selector: number = SELECTOR.CODE64) =>
  new Ring0().interruptible().gate(vector, selector, HANDLER, attributes).code(HLT, HANDLER);

const frame = (m: Ring0, words: number) => Array.from({ length: words }, (_, i) => m.read(Number(m.vcpu.get("rsp")) + 8 * i));

describe("a fault in 64-bit mode", () => {
  it("of the same level pushes SS, RSP, RFLAGS with RF, CS and RIP on an aligned stack", () => {
    const m = gated(6).set({ rsp: BigInt(STACK - 4) });
    m.vcpu.rflags = 0x246;
    expect(m.stop("90 0F 0B")).toBe(STOP.HALT);
    expect(m.vcpu.get("rip")).toBe(BigInt(HANDLER + 1));
    expect(m.vcpu.get("rsp")).toBe(BigInt(STACK - 16 - 40));
    expect(frame(m, 5)).toEqual([CODE + 1, SELECTOR.CODE64, 0x10246, STACK - 4, SELECTOR.DATA].map(BigInt));
    expect(m.vcpu.rflags).toBe(0x46);
  });
  it("from ring 3 takes the stack of the TSS and a null SS, and IRET goes back", () => {
    const m = gated(13)
      .inRing3()
      .write(TSS + 4, BigInt(STACK))
      .set({ rsp: BigInt(DATA + 4) });
    expect(m.stop("90 F4")).toBe(STOP.HALT);
    expect(frame(m, 6)).toEqual([0, CODE + 1, SELECTOR.USER64, 0x10002, DATA + 4, SELECTOR.USER_DATA].map(BigInt));
    expect([m.vcpu.getNumber("cpl"), m.vcpu.getNumber("ss")]).toEqual([0, 0]);
  });
  it("takes the stack of the IST, whatever the level", () => {
    const m = gated(6, 0x8e02).write(TSS + 36 + 8, BigInt(DATA));
    expect(m.stop("0F 0B")).toBe(STOP.HALT);
    expect(m.vcpu.get("rsp")).toBe(BigInt(DATA - 40));
  });
  it("through a trap gate leaves IF", () => {
    const m = gated(6, 0x8f00);
    m.vcpu.rflags = 0x302;
    expect(m.stop("0F 0B")).toBe(STOP.HALT);
    expect(m.vcpu.rflags).toBe(0x202);
  });
});

describe("INT n", () => {
  it("returns behind itself", () => {
    const m = gated(0x80).code("48 CF", HANDLER).code("CD 80 B0 05 F4");
    expect(m.stop()).toBe(STOP.HALT);
    expect(m.vcpu.get("rax")).toBe(5n);
  });
  it("of ring 3 needs a gate of DPL 3: #GP with the IDT bit", () => {
    const m = gated(13)
      .gate(0x80, SELECTOR.CODE64, HANDLER, 0x8e00)
      .inRing3()
      .write(TSS + 4, BigInt(STACK));
    expect(m.stop("CD 80")).toBe(STOP.HALT);
    expect(frame(m, 2)).toEqual([0x80 * 8 + 2, CODE].map(BigInt));
  });
});

describe("faults on the way", () => {
  it("a missing gate is #NP with IDT and EXT, of INT n without EXT", () => {
    const m = gated(11).gate(6, SELECTOR.CODE64, HANDLER, 0x0e00).gate(0x80, SELECTOR.CODE64, HANDLER, 0x0e00);
    expect(m.stop("0F 0B")).toBe(STOP.HALT);
    expect(frame(m, 2)).toEqual([6 * 8 + 3, CODE].map(BigInt));
    expect(m.set({ rip: BigInt(CODE), halted: 0 }).stop("CD 80")).toBe(STOP.HALT);
    expect(frame(m, 2)).toEqual([0x80 * 8 + 2, CODE].map(BigInt));
  });
  it("#GP on the way to #GP is #DF; without a gate for it the processor shuts down", () => {
    const m = gated(8).gate(13, SELECTOR.DATA, HANDLER);
    expect(m.stop("0F 22 C8 8E 18")).toBe(STOP.HALT);
  });
});
