/**
 * What must not be known any more after an operation that invalidates, and what an entry with VPID need not forget. SDM Vol. 3 "Operations that
 * Invalidate Cached Mappings", "INVVPID", "INVEPT".
 */
import { describe, expect, it } from "vitest";
import { max } from "../../src/cpus/max.ts";
import { STOP } from "../../src/spec/events.ts";
import { EXIT_REASON } from "../../src/spec/exits.ts";
import { PTE } from "../../src/spec/registers.ts";
import { capability } from "../../src/spec/vmx-controls.ts";
import { EPTP, EptMachine, FAR, GUEST_TABLE, LINEAR, PAGE, RWX, WB } from "../lib/ept.ts";
import { GatedVmm } from "../lib/gated.ts";
import { Ring0 } from "../lib/ring0.ts";
import { GUEST, SECONDARY, type VmxMachine } from "../lib/vmx.ts";

const VPID = 5n;
const OTHER_PAGE = 0x21_0000;
const FLAGS = BigInt(PTE.P | PTE.W | PTE.U | PTE.A | PTE.D);
const GLOBAL = BigInt(PTE.G);
/** where operands of the host's instructions stand: [rsi] */
const OPERAND = 0x3_8000;

/** mov al, [LINEAR]; and then cpuid */
const LOAD = "8A 04 25 00 00 00 40";
const READ = `${LOAD} 0F A2`;
/** primary controls with secondary ones */
const PRIMARY = (capability("primary", false) & 0xffff_ffffn) | (1n << 31n);

/** A guest with its own page at LINEAR, which has read 11H there. `also` is the guest's program before it reads. */
function started(vpid: bigint, also = "", flags = 0n): EptMachine {
  const m = new EptMachine();
  m.ring0
    .write(PAGE, 0x11n)
    .write(OTHER_PAGE, 0x22n)
    .write(GUEST_TABLE, FAR | FLAGS | flags);
  m.secondary(SECONDARY.enableInvpcid);
  if (vpid !== 0n) m.secondary(SECONDARY.enableVpid).with({ virtualProcessorIdentifier: vpid });
  m.with({ guestCr4: (old) => old | (1n << 7n), hostCr4: (old) => old | (1n << 7n) });
  expect(m.launch(READ)).toBe(STOP.HALT);
  expect(al(m)).toBe(0x11n);
  m.ring0.code(`${also} ${READ}`, GUEST);
  return m;
}

function al(m: VmxMachine): bigint {
  expect(m.exit.reason).toBe(EXIT_REASON.CPUID);
  return m.ring0.vcpu.get("rax") & 0xffn;
}

/** What the guest's program reads from its start on. */
function again(m: VmxMachine): bigint {
  m.setField("guestRip", BigInt(GUEST));
  m.ring0.set({ rax: 0n });
  expect(m.resume()).toBe(STOP.HALT);
  return al(m);
}

/** The guest's page table, or EPT, shows another page. */
const remap = {
  "the guest's page table": (m: EptMachine) => m.ring0.write(GUEST_TABLE, BigInt(OTHER_PAGE) | FLAGS),
  EPT: (m: EptMachine) => m.ring0.write(m.farAt(1), BigInt(OTHER_PAGE) | RWX | WB),
};

function host(m: VmxMachine, hex: string, type: bigint, first: bigint, second: bigint): void {
  m.ring0
    .write(OPERAND, first)
    .write(OPERAND + 8, second)
    .set({ rax: type, rsi: BigInt(OPERAND) });
  expect(m.run(hex)).toBe(STOP.HALT);
  expect(m.ring0.vcpu.rflags & 0x41).toBe(0);
}
const invvpid = (m: VmxMachine, type: bigint, vpid: bigint, address: bigint): void => host(m, "66 0F 38 81 06", type, vpid, address);
const invept = (m: VmxMachine, type: bigint, pointer: bigint): void => host(m, "66 0F 38 80 06", type, pointer, 0n);

describe("the guest sees a change of", () => {
  for (const [what, change] of Object.entries(remap)) {
    it(`${what} at its next entry without VPID`, () => {
      const m = started(0n);
      change(m);
      expect(again(m)).toBe(0x22n);
    });

    for (const [type, name] of ["individual-address", "single-context", "all-context", "single-context-retaining-globals"].entries())
      it(`${what} after INVVPID, ${name}`, () => {
        const m = started(VPID);
        change(m);
        invvpid(m, BigInt(type), type === 2 ? 0n : VPID, BigInt(LINEAR));
        expect(again(m)).toBe(0x22n);
      });
  }

  for (const [type, name] of [
    [1n, "single-context"],
    [2n, "all-context"],
  ] as const)
    it(`EPT after INVEPT, ${name}`, () => {
      const m = started(VPID);
      remap.EPT(m);
      invept(m, type, EPTP);
      expect(again(m)).toBe(0x22n);
    });

  it("EPT after INVEPT with other flags in the EPT pointer: the table's address is the tag", () => {
    const m = started(VPID);
    remap.EPT(m);
    invept(m, 1n, EPTP | (1n << 6n));
    expect(again(m)).toBe(0x22n);
  });

  it("a global page after INVVPID, but for the type that retains them", () => {
    for (const type of [0n, 1n, 2n]) {
      const m = started(VPID, "", GLOBAL);
      remap["the guest's page table"](m);
      invvpid(m, type, type === 2n ? 0n : VPID, BigInt(LINEAR));
      expect(again(m), `${type}`).toBe(0x22n);
    }
  });

  const own = {
    "MOV to CR3": "B8 00 10 00 00 0F 22 D8",
    "a change of CR4.PGE": "0F 20 E0 34 80 0F 22 E0",
    INVLPG: "0F 01 3C 25 00 00 00 40",
    // descriptor at OPERAND: PCID 0, LINEAR; xor ecx, ecx; invpcid rcx, [rsi]
    INVPCID: "31 C9 66 0F 38 82 0E",
  };
  for (const [name, hex] of Object.entries(own))
    it(`its page table after ${name} of its own`, () => {
      const m = started(VPID, hex);
      m.ring0
        .write(OPERAND, 0n)
        .write(OPERAND + 8, BigInt(LINEAR))
        .set({ rsi: BigInt(OPERAND) });
      remap["the guest's page table"](m);
      expect(again(m)).toBe(0x22n);
    });

  it("CR3 that the entry brings", () => {
    const m = started(VPID);
    // another PML4 table, by which LINEAR leads to OTHER_PAGE, and everything else where it was
    const tables = 0x21_1000;
    m.ring0.write(tables, BigInt(tables + 0x1000) | 7n).write(tables + 0x1000, m.ring0.read(0x2000));
    m.ring0.write(tables + 0x1008, BigInt(tables + 0x2000) | 7n).write(tables + 0x2000, BigInt(tables + 0x3000) | 7n);
    m.ring0.write(tables + 0x3000, BigInt(OTHER_PAGE) | FLAGS);
    m.setField("guestCr3", BigInt(tables));
    invvpid(m, 1n, VPID, 0n);
    expect(again(m)).toBe(0x22n);
  });

  it("CR0.WP that the entry brings", () => {
    const m = started(VPID);
    const pageFault = 1n << 14n;
    m.setField("exceptionBitmap", pageFault);
    m.setField("guestCr0", m.field("guestCr0") & ~(1n << 16n));
    m.ring0.write(GUEST_TABLE, (FAR | FLAGS) & ~BigInt(PTE.W)).code("88 04 25 00 00 00 40 0F A2", GUEST);
    again(m);
    m.setField("guestCr0", m.field("guestCr0") | (1n << 16n));
    m.setField("guestRip", BigInt(GUEST));
    m.resume();
    expect(m.exit).toMatchObject({ reason: EXIT_REASON.EXCEPTION_OR_NMI, qualification: BigInt(LINEAR) });
  });
});

describe("an access that fails", () => {
  it("makes the processor forget the page: the next one finds what the host has put there", () => {
    const m = started(VPID);
    m.ring0.write(m.farAt(1), BigInt(PAGE) | 1n | WB).code(`88 04 25 00 00 00 40 ${READ}`, GUEST);
    invept(m, 1n, EPTP);
    m.ring0.code(`8A 04 25 00 00 00 40 88 04 25 00 00 00 40 ${READ}`, GUEST);
    m.setField("guestRip", BigInt(GUEST));
    m.resume();
    expect(m.exit).toMatchObject({ reason: EXIT_REASON.EPT_VIOLATION, at: 7 });
    // no INVEPT: reads find the new page too
    remap.EPT(m);
    m.setField("guestRip", BigInt(GUEST + 14));
    m.resume();
    expect(al(m)).toBe(0x22n);
  });
});

describe("a guest that a VMM lets become the host", () => {
  it("sees what it has changed and invalidated as a guest", () => {
    const ring0 = new Ring0(undefined, undefined, { ...max, features: [...max.features, "vmx"] });
    ring0.write(PAGE, 0x11n).write(OTHER_PAGE, 0x22n);
    ring0
      .write(0x2008, 0x20_1007n)
      .write(0x20_1000, BigInt(GUEST_TABLE) | 7n)
      .write(GUEST_TABLE, BigInt(PAGE) | FLAGS);
    // read; hlt; and in the VM: map OTHER_PAGE, invlpg, cpuid; then read
    ring0.code(`${LOAD} F4 BA 67 00 21 00 48 89 14 25 00 20 20 00 0F 01 3C 25 00 00 00 40 0F A2 ${LOAD} F4`);
    ring0.set({ options: 0 }).vcpu.refresh();
    expect(ring0.vcpu.run(1000n)).toBe(STOP.HALT);
    expect(ring0.vcpu.get("rax") & 0xffn).toBe(0x11n);
    const vmm = new GatedVmm(ring0.core, ring0.vcpu, 0x5_0000);
    ring0.set({ halted: 0 });
    const controls = { secondaryProcessorBasedVmExecutionControls: SECONDARY.enableVpid, virtualProcessorIdentifier: VPID };
    expect(vmm.start({ ...controls, primaryProcessorBasedVmExecutionControls: PRIMARY })).toBe(true);
    vmm.onExit = () => {
      vmm.cpu.advanceRip();
      vmm.cpu.promote();
    };
    expect(ring0.vcpu.run(1000n)).toBe(STOP.HALT);
    expect(vmm.exits).toEqual([EXIT_REASON.CPUID]);
    expect(ring0.vcpu.get("rax") & 0xffn).toBe(0x22n);
  });
});

describe("with VPID", () => {
  it("guest and host each have their own translation of an address", () => {
    const m = started(VPID);
    // the host sees physical memory at LINEAR through the same tables, without EPT
    m.ring0.write(GUEST_TABLE, BigInt(OTHER_PAGE) | FLAGS);
    m.run("8A 04 25 00 00 00 40");
    expect(m.ring0.vcpu.get("rax") & 0xffn).toBe(0x22n);
    invvpid(m, 1n, VPID, 0n);
    m.ring0.write(m.lowAt(OTHER_PAGE), BigInt(PAGE) | RWX | WB);
    expect(again(m)).toBe(0x11n);
    m.run("8A 04 25 00 00 00 40");
    expect(m.ring0.vcpu.get("rax") & 0xffn).toBe(0x22n);
  });

  it("two VPIDs each have theirs, and INVVPID of one does for that one", () => {
    const m = started(VPID);
    remap["the guest's page table"](m);
    m.setField("virtualProcessorIdentifier", 6n);
    expect(again(m)).toBe(0x22n);
    m.ring0.write(GUEST_TABLE, FAR | FLAGS);
    invvpid(m, 1n, 6n, 0n);
    expect(again(m)).toBe(0x11n);
  });

  it("more VPIDs than there is room for are right, too", () => {
    const m = started(VPID);
    for (let vpid = 1n; vpid < 40n; vpid++) {
      const odd = (vpid & 1n) === 1n;
      m.ring0.write(GUEST_TABLE, (odd ? FAR : BigInt(OTHER_PAGE)) | FLAGS);
      m.setField("virtualProcessorIdentifier", vpid);
      invvpid(m, 1n, vpid, 0n);
      expect(again(m)).toBe(odd ? 0x11n : 0x22n);
    }
  });

  it("entries and exits forget nothing: a second round needs no page walk", () => {
    const m = started(VPID);
    const program = (): void => {
      m.setField("guestRip", BigInt(GUEST));
      m.resume();
    };
    program();
    const { pageWalks } = m.ring0.core.counters();
    m.setField("guestRip", BigInt(GUEST));
    // the same instruction once more, from the same place, by a host that has changed nothing of itself
    m.ring0.set({ rip: 0x1_0000n, halted: 0 });
    m.ring0.vcpu.run(1000n);
    expect(m.exit.reason).toBe(EXIT_REASON.CPUID);
    expect(m.ring0.core.counters().pageWalks).toBe(pageWalks);
  });
});
