/** The local APIC. SDM Vol. 3 "Advanced Programmable Interrupt Controller (APIC)", by the titles of its sections. */
import { describe, expect, it } from "vitest";
import { STOP } from "../../src/spec/events.ts";
import { ApicMachine, ENABLE, peek, poke, rdmsr, wrmsr, X2APIC } from "../lib/apic.ts";
import { CODE, STACK } from "../lib/ring0.ts";

const HLT = "F4";
const CLI = "FA";
const NOP = "90";
const GP = 13;
const SELF_IPI = 0x83f;
const EOI = 0x80b;

/** Runs code that ends with HLT; RAX, or the vector of the exception that came in between. */
function ran(m: ApicMachine, code: string): bigint | string {
  expect(m.stop(`${code} ${HLT}`, 100_000n)).toBe(STOP.HALT);
  return m.handled === undefined ? m.vcpu.get("rax") : `vector ${m.handled}`;
}

describe("x2APIC Register Address Space", () => {
  const registers: readonly (readonly [name: string, msr: number, afterReset: bigint | "#GP"])[] = [
    ["ID", 0x802, 0n],
    ["version: integrated, six LVT entries", 0x803, 0x50014n],
    ["TPR", 0x808, 0n],
    ["arbitration priority, of xAPIC only", 0x809, "#GP"],
    ["PPR", 0x80a, 0n],
    ["EOI, write-only", 0x80b, "#GP"],
    ["LDR: cluster 0, first processor", 0x80d, 1n],
    ["DFR, of xAPIC only", 0x80e, "#GP"],
    ["SVR", 0x80f, 0xffn],
    ["ISR", 0x817, 0n],
    ["TMR", 0x818, 0n],
    ["IRR", 0x827, 0n],
    ["ESR", 0x828, 0n],
    ["ICR", 0x830, 0n],
    ["upper ICR, of xAPIC only", 0x831, "#GP"],
    ["timer", 0x832, 0x10000n],
    ["error", 0x837, 0x10000n],
    ["initial count", 0x838, 0n],
    ["current count", 0x839, 0n],
    ["reserved", 0x83a, "#GP"],
    ["divide configuration", 0x83e, 0n],
    ["self IPI, write-only", 0x83f, "#GP"],
    ["reserved", 0x840, "#GP"],
  ];
  for (const [name, msr, value] of registers)
    it(`${msr.toString(16)} ${name}`, () => {
      expect(ran(new ApicMachine(), X2APIC + rdmsr(msr))).toBe(value === "#GP" ? `vector ${GP}` : value);
    });

  const refused: readonly (readonly [what: string, msr: number, value: bigint])[] = [
    ["read-only ID", 0x802, 0n],
    ["read-only current count", 0x839, 0n],
    ["TPR of nine bits", 0x808, 0x100n],
    ["EOI of one", 0x80b, 1n],
    ["ESR of one", 0x828, 1n],
    ["SVR with focus checking", 0x80f, 0x3ffn],
    ["timer with a delivery mode", 0x832, 0x400n],
    ["an upper half", 0x838, 1n << 32n],
    ["divide configuration with bit 2", 0x83e, 4n],
    ["ICR with bit 13", 0x830, 0x2040n],
  ];
  for (const [what, msr, value] of refused)
    it(`refuses ${what}`, () => expect(ran(new ApicMachine(), X2APIC + wrmsr(msr, value))).toBe(`vector ${GP}`));

  it("is there in x2APIC mode only", () => expect(ran(new ApicMachine(), rdmsr(0x802))).toBe(`vector ${GP}`));
});

describe("x2APIC State Transitions", () => {
  const OFF = 0xfee0_0100;
  const XAPIC = 0xfee0_0900;
  const BOTH = 0xfee0_0d00;
  const ALONE = 0xfee0_0500;
  const transitions: readonly (readonly [to: string, path: readonly number[], right: boolean])[] = [
    ["off", [OFF], true],
    ["x2APIC", [BOTH], true],
    ["x2APIC without EN", [ALONE], false],
    ["xAPIC from x2APIC", [BOTH, XAPIC], false],
    ["off from x2APIC", [BOTH, OFF], true],
    ["x2APIC from off", [OFF, BOTH], false],
    ["xAPIC from off", [OFF, XAPIC], true],
    ["a base above the physical width", [], false],
  ];
  for (const [to, path, right] of transitions)
    it(`${right ? "to" : "not to"} ${to}`, () => {
      const values = path.length > 0 ? path : [0x100_fee0_0900];
      const code = values.map((v) => wrmsr(0x1b, v)).join("") + rdmsr(0x1b);
      expect(ran(new ApicMachine(), code)).toBe(right ? BigInt(values.at(-1) ?? 0) : `vector ${GP}`);
    });

  it("off and on again is as after reset, and CPUID shows the APIC only while it is on", () => {
    const cpuid = "B801000000 0FA2 89D0 C1E809 83E001";
    expect(ran(new ApicMachine(), cpuid)).toBe(1n);
    expect(ran(new ApicMachine(), wrmsr(0x1b, OFF) + cpuid)).toBe(0n);
    expect(ran(new ApicMachine(), poke(0x80, 0x30) + wrmsr(0x1b, OFF) + wrmsr(0x1b, XAPIC) + peek(0x80))).toBe(0n);
  });

  it("off, its page is not there; moved, it is elsewhere", () => {
    expect(ran(new ApicMachine(), wrmsr(0x1b, OFF) + peek(0x30))).toBe(0xffff_ffffn);
    expect(ran(new ApicMachine(), wrmsr(0x1b, 0xfee0_1900) + peek(0x30))).toBe(0xffff_ffffn);
    expect(ran(new ApicMachine(), wrmsr(0x1b, 0xfee0_1900) + peek(0x1030))).toBe(0x50014n);
  });
});

describe("Local APIC Register Address Map", () => {
  it("registers are words at multiples of 16; what lies between reads as zero", () => {
    expect(ran(new ApicMachine(), peek(0x30))).toBe(0x50014n);
    expect(ran(new ApicMachine(), peek(0x34))).toBe(0n);
  });
  it("LDR keeps 8 bits, DFR 4", () => {
    expect(ran(new ApicMachine(), poke(0xd0, 0x1234_5678) + peek(0xd0))).toBe(0x1200_0000n);
    expect(ran(new ApicMachine(), poke(0xe0, 0) + peek(0xe0))).toBe(0x0fff_ffffn);
  });
  it("a reserved register is an error, which ESR shows after it is written", () => {
    expect(ran(new ApicMachine(), peek(0x40) + peek(0x280))).toBe(0n);
    expect(ran(new ApicMachine(), poke(0x3a0, 0) + poke(0x280, 0) + peek(0x280))).toBe(0x80n);
    expect(ran(new ApicMachine(), poke(0x3a0, 0) + poke(0x280, 0) + poke(0x280, 0) + peek(0x280))).toBe(0n);
  });
  it("an error interrupts if the table says so", () => {
    expect(ran(new ApicMachine(), poke(0xf0, 0x1ff) + poke(0x370, 0x41) + peek(0x40) + NOP)).toBe("vector 65");
  });
  it("CR8 is the upper half of TPR", () => {
    expect(ran(new ApicMachine(), `${poke(0x80, 0x5f)} 44 0F 20 C0`)).toBe(5n);
    expect(ran(new ApicMachine(), `B8 0A 00 00 00 44 0F 22 C0 ${peek(0x80)}`)).toBe(0xa0n);
  });
});

describe("Task and Processor Priorities", () => {
  const on = X2APIC + ENABLE;
  /** priority, vector sent, vector that comes */
  const rows: readonly (readonly [tpr: number, vector: number, comes: boolean])[] = [
    [0x00, 0x10, true],
    [0x0f, 0x10, true],
    [0x10, 0x1f, false],
    [0x1f, 0x20, true],
    [0xef, 0xf0, true],
    [0xf0, 0xff, false],
  ];
  for (const [tpr, vector, comes] of rows)
    it(`TPR ${tpr.toString(16)} lets vector ${vector.toString(16)} ${comes ? "through" : "wait"}`, () => {
      const m = new ApicMachine();
      const outcome = ran(m, on + wrmsr(0x808, tpr) + wrmsr(SELF_IPI, vector) + NOP + rdmsr(0x820 + (vector >> 5)));
      expect(outcome).toBe(comes ? `vector ${vector}` : 1n << BigInt(vector & 31));
    });

  it("a waiting interrupt comes when TPR falls, by MSR or CR8", () => {
    const waits = on + wrmsr(0x808, 0x50) + wrmsr(SELF_IPI, 0x41);
    expect(ran(new ApicMachine(), waits + wrmsr(0x808, 0x30) + NOP)).toBe("vector 65");
    expect(ran(new ApicMachine(), `${waits} 31C0 44 0F 22 C0 ${NOP}`)).toBe("vector 65");
  });

  it("the highest comes first, and one in service keeps its class out until EOI", () => {
    // each handler shifts its vector into RBX; 58 lets others interrupt it, 61 says EOI
    const m = new ApicMachine();
    const log = (v: number) => `48C1E308 80CB${v.toString(16)}`;
    m.handler(0x51, `${log(0x51)} 48CF`);
    m.handler(0x58, `${log(0x58)} FB 90 90 FA 48CF`);
    m.handler(0x61, `${log(0x61)} ${wrmsr(EOI, 0)} 48CF`);
    const code = CLI + on + wrmsr(SELF_IPI, 0x51) + wrmsr(SELF_IPI, 0x58) + wrmsr(SELF_IPI, 0x61);
    expect(ran(m, `31DB ${code} FB ${NOP} ${NOP} ${NOP} 48 89 D8`)).toBe(0x6158n);
    expect(m.vcpu.getNumber("apicIsr", 2) >>> 16).toBe(0x100);
    expect(m.vcpu.getNumber("apicIrr", 2) >>> 16).toBe(0x2);
  });
});

describe("Issuing Interprocessor Interrupts", () => {
  const rows: readonly (readonly [what: string, icr: bigint, outcome: string])[] = [
    ["physical, to this ID", 0x41n, "vector 65"],
    ["physical, to another ID", (1n << 32n) | 0x41n, "nothing"],
    ["physical, to everybody", (0xffff_ffffn << 32n) | 0x41n, "vector 65"],
    ["logical, to this processor", (1n << 32n) | 0x841n, "vector 65"],
    ["logical, to another of the cluster", (2n << 32n) | 0x841n, "nothing"],
    ["logical, to another cluster", (0x1_0001n << 32n) | 0x841n, "nothing"],
    ["lowest priority", (1n << 32n) | 0x941n, "vector 65"],
    ["self", 0x4_0041n, "vector 65"],
    ["all including self", 0x8_0041n, "vector 65"],
    ["all excluding self", 0xc_0041n, "nothing"],
    ["NMI", 0x400n, "vector 2"],
    ["a vector below 16", 0x0fn, "nothing"],
  ];
  for (const [what, icr, outcome] of rows)
    it(what, () => {
      const got = ran(new ApicMachine(), `${X2APIC}${ENABLE}${wrmsr(0x830, icr)}${NOP}31C0`);
      expect(got === 0n ? "nothing" : got).toBe(outcome);
    });

  it("the send of an illegal vector is an error", () => {
    expect(ran(new ApicMachine(), X2APIC + ENABLE + wrmsr(0x830, 0xf) + wrmsr(0x828, 0) + rdmsr(0x828))).toBe(0x20n);
  });

  it("by xAPIC: the upper half first", () => {
    expect(ran(new ApicMachine(), `${poke(0xf0, 0x1ff)}${poke(0x310, 0)}${poke(0x300, 0x41)}${NOP}`)).toBe("vector 65");
    expect(ran(new ApicMachine(), `${poke(0xf0, 0x1ff)}${poke(0x310, 1 << 24)}${poke(0x300, 0x41)}${NOP}31C0`)).toBe(0n);
    const flat = poke(0xd0, 4 << 24) + poke(0x310, 6 << 24);
    expect(ran(new ApicMachine(), `${poke(0xf0, 0x1ff)}${flat}${poke(0x300, 0x841)}${NOP}`)).toBe("vector 65");
    const cluster = poke(0xe0, 0) + poke(0xd0, 0x34 << 24);
    expect(ran(new ApicMachine(), `${poke(0xf0, 0x1ff)}${cluster}${poke(0x310, 0x36 << 24)}${poke(0x300, 0x841)}${NOP}`)).toBe("vector 65");
    expect(ran(new ApicMachine(), `${poke(0xf0, 0x1ff)}${cluster}${poke(0x310, 0x46 << 24)}${poke(0x300, 0x841)}${NOP}31C0`)).toBe(0n);
  });

  it("INIT starts the processor again at its reset vector", () => {
    const m = new ApicMachine();
    m.stop(X2APIC + ENABLE + wrmsr(0x830, 0x500), 20n);
    const v = m.vcpu;
    expect([v.getNumber("mode"), v.get("cr0"), v.getNumber("idtrLimit"), v.getNumber("apicSvr")]).toEqual([0, 0x10n, 0xffff, 0xff]);
  });
});

describe("Message Signalled Interrupts", () => {
  const rows: readonly (readonly [what: string, address: number, data: number, outcome: string])[] = [
    ["fixed, to this ID", 0xfee0_0000, 0x41, "vector 65"],
    ["to another", 0xfee0_1000, 0x41, "nothing"],
    ["to everybody", 0xfeef_f000, 0x41, "vector 65"],
    ["lowest priority, logical", 0xfee0_100c, 0x141, "vector 65"],
    ["NMI", 0xfee0_0000, 0x400, "vector 2"],
    ["ExtINT: the 8259 has the vector", 0xfee0_0000, 0x700, "vector 153"],
    ["level-triggered, asserted", 0xfee0_0000, 0xc041, "vector 65"],
    ["level-triggered, de-asserted", 0xfee0_0000, 0x8041, "nothing"],
    ["not to the APICs", 0xfed0_0000, 0x41, "nothing"],
  ];
  for (const [what, address, data, outcome] of rows)
    it(what, () => {
      const m = new ApicMachine({ intAck: () => 0x99 });
      expect(m.stop(X2APIC + ENABLE + HLT)).toBe(STOP.HALT);
      m.core.message(address, data);
      expect(m.vcpu.run(100n)).toBe(STOP.HALT);
      expect(m.handled === undefined ? "nothing" : `vector ${m.handled}`).toBe(outcome);
    });

  it("the end of a level-triggered one is told to I/O APICs, of an edge-triggered one not", () => {
    const ended: number[] = [];
    const m = new ApicMachine({ eoi: (vector) => ended.push(vector) });
    for (const data of [0xc041, 0x42]) {
      m.set({ rip: BigInt(CODE), rsp: BigInt(STACK), halted: 0 }).stop(`FB ${X2APIC}${ENABLE}${HLT}`);
      m.core.message(0xfee0_0000, data);
      m.vcpu.run(100n);
      m.set({ rip: BigInt(CODE), halted: 0 }).stop(wrmsr(EOI, 0) + HLT);
    }
    expect(ended).toEqual([0x41]);
  });
});

describe("Local Interrupt Pins", () => {
  const PENDING = { intAck: () => 0x33 };
  const rows: readonly (readonly [what: string, code: string, pin: "intr" | "nmi", outcome: string])[] = [
    ["LINT0 as ExtINT", ENABLE + wrmsr(0x835, 0x700), "intr", "vector 51"],
    ["LINT0 masked", ENABLE + wrmsr(0x835, 0x10700), "intr", "nothing"],
    ["LINT0 fixed", ENABLE + wrmsr(0x835, 0x44), "intr", "vector 68"],
    ["LINT0, the APIC off by software", wrmsr(0x835, 0x700), "intr", "nothing"],
    ["LINT1 as NMI", ENABLE + wrmsr(0x836, 0x400), "nmi", "vector 2"],
    ["LINT1 masked", ENABLE + wrmsr(0x836, 0x10400), "nmi", "nothing"],
    ["INTR, the APIC off altogether", wrmsr(0x1b, 0xfee0_0100), "intr", "vector 51"],
    ["NMI, the APIC off altogether", wrmsr(0x1b, 0xfee0_0100), "nmi", "vector 2"],
  ];
  for (const [what, code, pin, outcome] of rows)
    it(what, () => {
      const m = new ApicMachine(PENDING);
      expect(m.stop(X2APIC + code + HLT)).toBe(STOP.HALT);
      if (pin === "intr") m.vcpu.setIntr(true);
      else m.vcpu.setNmi(true);
      expect(m.vcpu.run(100n)).toBe(STOP.HALT);
      expect(m.handled === undefined ? "nothing" : `vector ${m.handled}`).toBe(outcome);
    });

  it("a level that falls before it is taken is no interrupt", () => {
    const m = new ApicMachine(PENDING);
    m.stop(X2APIC + ENABLE + wrmsr(0x835, 0x700) + HLT);
    m.vcpu.setIntr(true);
    m.vcpu.setIntr(false);
    m.vcpu.run(100n);
    expect(m.handled).toBeUndefined();
  });
});
