/** The local APIC's timer. SDM Vol. 3 "APIC Timer", "TSC-Deadline Mode". A count takes 10 cycles, as CPUID leaves 15H and 16H say. */
import { describe, expect, it } from "vitest";
import { STOP } from "../../src/spec/events.ts";
import { ApicMachine, ENABLE, rdmsr, wrmsr, X2APIC } from "../lib/apic.ts";

const HLT = "F4";
const VECTOR = 0x41;
const ONE_SHOT = VECTOR;
const PERIODIC = VECTOR | (1 << 17);
const DEADLINE = VECTOR | (2 << 17);
const MASKED = 1 << 16;
const BY_1 = 11;
const LVT_TIMER = 0x832;
const INITIAL = 0x838;
const CURRENT = 0x839;
const DIVIDE = 0x83e;
const TSC_DEADLINE = 0x6e0;

/** A machine whose timer has been started by its last WRMSR, in the cycle that is returned. */
function started(...writes: readonly (readonly [msr: number, value: number])[]): { m: ApicMachine; at: number } {
  const m = new ApicMachine();
  const code = X2APIC + ENABLE + writes.map(([msr, value]) => wrmsr(msr, value)).join("");
  const instructions = 4 * (2 + writes.length);
  expect(m.stop(code + HLT, BigInt(instructions))).toBe(STOP.BUDGET);
  return { m, at: instructions - 1 };
}

describe("one-shot", () => {
  const divisors: readonly (readonly [configuration: number, divisor: number])[] = [
    [0, 2],
    [1, 4],
    [2, 8],
    [3, 16],
    [8, 32],
    [9, 64],
    [10, 128],
    [11, 1],
  ];
  for (const [configuration, divisor] of divisors)
    it(`divided by ${divisor}`, () => {
      const { m, at } = started([DIVIDE, configuration], [LVT_TIMER, ONE_SHOT], [INITIAL, 100]);
      expect(m.vcpu.nextTimer - at).toBe(100 * 10 * divisor);
    });

  it("expires once, wakes the processor, and then counts nothing", () => {
    const { m } = started([DIVIDE, BY_1], [LVT_TIMER, ONE_SHOT], [INITIAL, 100]);
    expect(m.vcpu.run(100n)).toBe(STOP.HALT);
    m.vcpu.skip(m.vcpu.nextTimer - m.vcpu.now - 1);
    m.vcpu.run(100n);
    expect(m.handled).toBeUndefined();
    m.vcpu.skip(1);
    expect(m.vcpu.run(100n)).toBe(STOP.HALT);
    expect([m.handled, m.vcpu.nextTimer]).toEqual([VECTOR, Number.POSITIVE_INFINITY]);
  });

  it("interrupts a loop at the end of the block that reaches its cycle", () => {
    const { m } = started([DIVIDE, BY_1], [LVT_TIMER, ONE_SHOT], [INITIAL, 100]);
    const due = m.vcpu.nextTimer;
    m.code("90 90 EB FC", Number(m.vcpu.get("rip")));
    expect(m.vcpu.run(100_000n)).toBe(STOP.HALT);
    // three instructions in a block, HLT in the handler
    expect(m.vcpu.now - due).toBeLessThanOrEqual(3);
    expect(m.handled).toBe(VECTOR);
  });

  it("a count of zero stops it; masked, it counts and is silent", () => {
    expect(started([DIVIDE, BY_1], [INITIAL, 100], [INITIAL, 0]).m.vcpu.nextTimer).toBe(Number.POSITIVE_INFINITY);
    const { m } = started([DIVIDE, BY_1], [LVT_TIMER, ONE_SHOT | MASKED], [INITIAL, 1]);
    m.vcpu.skip(100);
    m.vcpu.run(100n);
    expect(m.handled).toBeUndefined();
  });

  it("shows what is left of its count", () => {
    const m = new ApicMachine();
    const read = `${rdmsr(CURRENT)} 48 89 C3 ${"90".repeat(20)} ${rdmsr(CURRENT)}`;
    m.stop(`${X2APIC}${ENABLE}${wrmsr(DIVIDE, BY_1)}${wrmsr(INITIAL, 100)}${read}${HLT}`);
    // 2 cycles after the start; then 25 cycles later
    expect([m.vcpu.get("rbx"), m.vcpu.get("rax")]).toEqual([100n, 98n]);
  });

  it("goes on at the new pace when the divisor changes", () => {
    const { m, at } = started([DIVIDE, BY_1], [INITIAL, 100], [DIVIDE, 0]);
    expect(m.vcpu.nextTimer).toBe(at + 100 * 20);
  });
});

describe("periodic", () => {
  it("expires every so many cycles from its start, however late it is served", () => {
    const { m, at } = started([DIVIDE, BY_1], [LVT_TIMER, PERIODIC], [INITIAL, 100]);
    m.vcpu.skip(3500);
    m.vcpu.run(100n);
    expect([m.handled, m.vcpu.nextTimer]).toEqual([VECTOR, at + 4000]);
  });

  it("becomes one-shot without losing its count", () => {
    const { m, at } = started([DIVIDE, BY_1], [LVT_TIMER, PERIODIC], [INITIAL, 100], [LVT_TIMER, ONE_SHOT]);
    expect(m.vcpu.nextTimer).toBe(at - 4 + 1000);
  });
});

describe("TSC-deadline", () => {
  it("expires when the time-stamp counter is there", () => {
    const { m } = started([LVT_TIMER, DEADLINE], [TSC_DEADLINE, 5000]);
    expect(m.vcpu.nextTimer).toBe(5000);
    m.vcpu.run(100n);
    m.vcpu.skip(5000 - m.vcpu.now);
    m.vcpu.run(100n);
    expect([m.handled, m.vcpu.get("tscDeadline")]).toEqual([VECTOR, 0n]);
  });

  const rows: readonly (readonly [what: string, writes: readonly (readonly [number, number])[], next: number])[] = [
    [
      "a deadline that has passed expires at once",
      [
        [LVT_TIMER, DEADLINE],
        [TSC_DEADLINE, 1],
      ],
      15,
    ],
    [
      "zero disarms",
      [
        [LVT_TIMER, DEADLINE],
        [TSC_DEADLINE, 5000],
        [TSC_DEADLINE, 0],
      ],
      Number.POSITIVE_INFINITY,
    ],
    [
      "the MSR is ignored in other modes",
      [
        [LVT_TIMER, ONE_SHOT],
        [TSC_DEADLINE, 5000],
      ],
      Number.POSITIVE_INFINITY,
    ],
    [
      "the initial count is ignored",
      [
        [LVT_TIMER, DEADLINE],
        [INITIAL, 100],
      ],
      Number.POSITIVE_INFINITY,
    ],
    [
      "another mode disarms",
      [
        [LVT_TIMER, DEADLINE],
        [TSC_DEADLINE, 5000],
        [LVT_TIMER, ONE_SHOT],
      ],
      Number.POSITIVE_INFINITY,
    ],
    [
      "it stops a counting timer",
      [
        [INITIAL, 100],
        [LVT_TIMER, DEADLINE],
      ],
      Number.POSITIVE_INFINITY,
    ],
    [
      "setting the counter moves it",
      [
        [LVT_TIMER, DEADLINE],
        [TSC_DEADLINE, 5000],
        [0x10, 1000],
      ],
      19 + 4000,
    ],
    [
      "setting the adjustment moves it",
      [
        [LVT_TIMER, DEADLINE],
        [TSC_DEADLINE, 5000],
        [0x3b, 1000],
      ],
      4000,
    ],
  ];
  for (const [what, writes, next] of rows) it(what, () => expect(started(...writes).m.vcpu.nextTimer).toBe(next));
});

describe("IA32_TIME_STAMP_COUNTER", () => {
  it("counts instructions and waiting, and IA32_TSC_ADJUST moves with it", () => {
    const m = new ApicMachine();
    m.stop(`90 0F31 89C3 ${wrmsr(0x10, 1000)} ${rdmsr(0x3b)} ${HLT}`);
    expect(m.vcpu.get("rbx")).toBe(1n);
    // WRMSR is instruction 6
    expect(m.vcpu.get("rax")).toBe(1000n - 6n);
    m.vcpu.skip(500);
    const now = m.vcpu.now;
    m.set({ halted: 0, rip: 0x1_0000n }).stop(`0F31 ${HLT}`);
    expect(m.vcpu.get("rax")).toBe(BigInt(now) + 1000n - 6n);
  });
});
