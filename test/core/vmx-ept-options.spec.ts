/**
 * What secondary controls add to EPT: mode-based execute control, the page-modification log, virtualization exceptions, EPTP switching.
 * SDM Vol. 3 "Mode-Based Execute Control", "Page-Modification Logging", "Virtualization Exceptions", "VM Functions".
 */
import { describe, expect, it } from "vitest";
import { STOP } from "../../src/spec/events.ts";
import { EXIT_REASON } from "../../src/spec/exits.ts";
import { PTE } from "../../src/spec/registers.ts";
import { ACCESSED, DIRTY, EPTP, EPTP_FLAGS, EptMachine, FAR, GUEST_TABLE, LINEAR, PAGE, R, RWX, violation, W, WB, X } from "../lib/ept.ts";
import { STACK } from "../lib/ring0.ts";
import { GUEST, SECONDARY } from "../lib/vmx.ts";

const TRANSLATED = 3n << 7n;
const LINEAR_VALID = 1n << 7n;
const CPUID = "0F A2";
const VMCALL = "0F 01 C1";
/** mov [LINEAR], al; mov al, [LINEAR]; jmp to LINEAR */
const STORE = "88 04 25 00 00 00 40";
const LOAD = "8A 04 25 00 00 00 40";
const JUMP = "BB 00 00 00 40 FF E3";

describe("mode-based execute control", () => {
  const USER_X = 1n << 10n;
  const U = BigInt(PTE.U);
  const modes = (): EptMachine => {
    const m = new EptMachine().secondary(SECONDARY.modeBasedExecuteControlForEpt);
    // the guest's other pages belong to user mode, all of them
    for (let page = 0; page < 1024; page++) m.change(m.lowAt(page << 12), 0n, USER_X);
    for (const at of [0x10_0000, 0x10_1000, 0x10_2000, 0x10_2008]) m.change(at, 0n, USER_X);
    for (const level of [4, 3, 2]) m.change(m.farAt(level), 0n, USER_X);
    m.ring0.code(CPUID, PAGE);
    return m;
  };

  for (const user of [true, false])
    it(`bit ${user ? 10 : 2} lets ${user ? "user" : "supervisor"}-mode addresses be executed, and the qualification has both bits`, () => {
      for (const rights of [0n, X, USER_X, X | USER_X]) {
        const m = modes();
        m.ring0.write(GUEST_TABLE, (FAR | 7n) & ~(user ? 0n : U));
        m.change(m.farAt(1), RWX | USER_X, R | rights);
        m.launch(JUMP);
        const allowed = (rights & (user ? USER_X : X)) !== 0n;
        const has = (R << 3n) | ((rights & X) << 3n) | ((rights & USER_X) >> 4n);
        if (allowed) expect(m.exit.reason, `${rights}`).toBe(EXIT_REASON.CPUID);
        else expect(m.refused, `${rights}`).toEqual(violation(X | has | TRANSLATED, FAR, LINEAR));
      }
    });

  it("one bit makes an entry present", () => {
    const m = modes();
    m.change(m.farAt(1), RWX | USER_X, USER_X);
    m.launch(LOAD);
    expect(m.refused).toEqual(violation(R | (1n << 6n) | TRANSLATED, FAR, LINEAR));
  });

  it("without paging every address is one of user mode", () => {
    const m = modes().secondary(SECONDARY.unrestrictedGuest);
    m.with({ guestCr0: 0x31n, vmEntryControls: (old) => old & ~(1n << 9n), guestIa32Efer: 0n });
    m.with({ guestCsAccessRights: 0xc09bn, guestCsSelector: 0x18n });
    m.change(m.lowAt(GUEST), X, 0n);
    m.launch(CPUID);
    expect(m.exit.reason).toBe(EXIT_REASON.CPUID);
  });

  it("bit 10 means nothing without the control", () => {
    const m = new EptMachine();
    m.change(m.farAt(1), RWX, USER_X);
    m.launch(LOAD);
    expect(m.refused).toEqual(violation(R | TRANSLATED, FAR, LINEAR));
  });
});

describe("the page-modification log", () => {
  const LOG = 0x22_0000;
  const logging = (index: bigint): EptMachine =>
    new EptMachine().secondary(SECONDARY.enablePml).with({ eptPointer: EPTP_FLAGS, pmlAddress: BigInt(LOG), pmlIndex: index });
  const logged = (m: EptMachine, from: number): bigint[] => {
    const to = Number(m.field("pmlIndex"));
    return Array.from({ length: from - to }, (_, i) => m.ring0.read(LOG + 8 * (from - i)));
  };

  it("has the page of each access that sets a dirty flag, downwards from its index", () => {
    const m = logging(511n);
    expect(m.launch(`88 04 25 34 02 00 40 ${STORE} ${CPUID}`)).toBe(STOP.HALT);
    expect(m.exit.reason).toBe(EXIT_REASON.CPUID);
    // the guest's page tables, which every walk writes, and last the page, once
    const pages = logged(m, 511);
    expect(pages.at(-1)).toBe(FAR);
    expect(new Set(pages)).toEqual(new Set([0x1000n, 0x2000n, 0x3000n, 0x20_1000n, 0x20_2000n, FAR]));
    expect(pages).toHaveLength(6);
  });

  it("has none that is only read", () => {
    const m = logging(511n);
    m.launch(`${LOAD} ${CPUID}`);
    expect(logged(m, 511)).not.toContain(FAR);
  });

  it("when it is full exits before the access, which sets no flag", () => {
    const m = logging(5n);
    // after the tables there is one entry left, and then none
    m.ring0.write(GUEST_TABLE + 8, (FAR + 0x1000n) | 7n).write(m.farAt(1) + 8, BigInt(PAGE + 0x1000) | RWX | WB);
    m.launch(`${STORE} 90 88 04 25 00 10 00 40`);
    expect(m.exit).toEqual({ reason: EXIT_REASON.PAGE_MODIFICATION_LOG_FULL, qualification: 0n, at: 8 });
    expect(m.field("pmlIndex")).toBe(0xffffn);
    expect(m.ring0.read(m.farAt(1) + 8) & (ACCESSED | DIRTY)).toBe(0n);
    expect(m.ring0.read(LOG)).toBe(FAR);
  });

  it("when it is full an accessed flag cannot be set either", () => {
    const m = logging(512n);
    m.launch(CPUID);
    expect(m.exit.reason).toBe(EXIT_REASON.PAGE_MODIFICATION_LOG_FULL);
  });
});

describe("a violation with #VE", () => {
  const AREA = 0x22_1000;
  const SUPPRESS = 1n << 63n;
  const HANDLER = 0x1_9000;
  const excepting = (): EptMachine => {
    const m = new EptMachine().secondary(SECONDARY.eptViolationVe);
    m.with({ virtualizationExceptionInformationAddress: BigInt(AREA), eptpIndex: 3n, guestIdtrBase: 0x6000n, guestIdtrLimit: 0xfffn });
    m.ring0.gate(20, 8, HANDLER).code(VMCALL, HANDLER);
    return m;
  };
  const area = (m: EptMachine): unknown[] => [
    m.ring0.read32(AREA),
    m.ring0.read32(AREA + 4),
    ...[8, 16, 24].map((at) => m.ring0.read(AREA + at)),
    m.ring0.read(AREA + 32) & 0xffffn,
  ];

  it("becomes an exception without error code, and the information area tells why", () => {
    const m = excepting();
    m.change(m.farAt(1), W, 0n);
    m.launch(`90 ${STORE}`);
    expect(m.exit).toMatchObject({ reason: EXIT_REASON.VMCALL, at: HANDLER - GUEST });
    expect(area(m)).toEqual([EXIT_REASON.EPT_VIOLATION, 0xffff_ffff, W | ((R | X) << 3n) | TRANSLATED, BigInt(LINEAR), FAR, 3n]);
    // RIP on the instruction is the lowest of five words
    expect([m.field("guestRsp"), m.ring0.read(STACK - 40)]).toEqual([BigInt(STACK - 40), BigInt(GUEST + 1)]);
  });

  it("is one of a guest's page table, too", () => {
    const m = excepting();
    m.change(m.lowAt(GUEST_TABLE), RWX, 0n);
    m.launch(LOAD);
    expect(m.exit.reason).toBe(EXIT_REASON.VMCALL);
    expect(area(m).slice(2, 5)).toEqual([R | LINEAR_VALID, BigInt(LINEAR), BigInt(GUEST_TABLE)]);
  });

  const exits = (name: string, prepare: (m: EptMachine) => void, program = STORE): void =>
    it(`stays a VM exit ${name}`, () => {
      const m = excepting();
      m.change(m.farAt(1), W, 0n);
      prepare(m);
      m.launch(program);
      expect(m.exit.reason).toBe(EXIT_REASON.EPT_VIOLATION);
      expect(m.field("guestPhysicalAddress") & ~0xfffn).toBe(FAR);
    });
  exits("if the page's entry suppresses it", (m) => m.change(m.farAt(1), 0n, SUPPRESS));
  exits("if the entry that is not present does", (m) => m.ring0.write(m.farAt(2), SUPPRESS));
  exits("while the area is not free", (m) => m.ring0.write32(AREA + 4, 1));
  exits("while an event is delivered", (m) => m.with({ guestRsp: BigInt(LINEAR + 64) }).ring0.gate(6, 8, HANDLER), "0F 0B");

  it("is suppressed by no entry that names a table", () => {
    const m = excepting();
    for (const level of [4, 3, 2]) m.change(m.farAt(level), 0n, SUPPRESS);
    m.change(m.farAt(1), W, 0n);
    m.launch(STORE);
    expect(m.exit.reason).toBe(EXIT_REASON.VMCALL);
  });

  it("exits as an exception if the bitmap names #VE", () => {
    const m = excepting().with({ exceptionBitmap: 1n << 20n }) as EptMachine;
    m.change(m.farAt(1), W, 0n);
    m.launch(STORE);
    expect([m.exit.reason, m.field("vmExitInterruptionInformation")]).toEqual([EXIT_REASON.EXCEPTION_OR_NMI, 0x8000_0314n]);
  });

  it("a misconfiguration never becomes one", () => {
    const m = excepting();
    m.change(m.farAt(1), RWX, W);
    m.launch(STORE);
    expect(m.exit.reason).toBe(EXIT_REASON.EPT_MISCONFIGURATION);
  });
});

describe("VMFUNC", () => {
  const LIST = 0x22_2000;
  const ROOT2 = 0x22_3000;
  const OTHER = 0x21_0000;
  const VMFUNC = "0F 01 D4";
  /** function 0, entry 1 */
  const SWITCH = `31 C0 B9 01 00 00 00 ${VMFUNC}`;
  const SWITCH_AT = 7;
  const functions = (): EptMachine => {
    const m = new EptMachine().secondary(SECONDARY.enableVmFunctions).with({ vmFunctionControls: 1n, eptpListAddress: BigInt(LIST) });
    // the second EPT has the low memory alike, and OTHER at FAR
    const tables = [1, 2, 3].map((n) => ROOT2 + n * 0x1000);
    m.ring0.write(ROOT2, m.ring0.read(0x10_0000)).write(ROOT2 + 8, BigInt(tables[0]) | RWX);
    m.ring0.write(tables[0] + 8, BigInt(tables[1]) | RWX).write(tables[1] + 8, BigInt(tables[2]) | RWX);
    m.ring0.write(tables[2], BigInt(OTHER) | RWX | WB);
    m.ring0.write(LIST, EPTP).write(LIST + 8, BigInt(ROOT2) | (EPTP & 0xfffn));
    m.ring0.write(PAGE, 0x11n).write(OTHER, 0x22n);
    return m;
  };

  for (const vpid of [false, true])
    it(`switches to another EPT pointer of the list${vpid ? " under one VPID" : ""}, and back`, () => {
      const m = functions();
      if (vpid) m.secondary(SECONDARY.enableVpid).with({ virtualProcessorIdentifier: 9n });
      m.launch(`${LOAD} 88 C2 ${SWITCH} ${LOAD} 88 C6 31 C9 31 C0 ${VMFUNC} ${LOAD} ${CPUID}`);
      expect(m.exit.reason).toBe(EXIT_REASON.CPUID);
      const { vcpu } = m.ring0;
      expect([vcpu.get("rdx") & 0xffffn, vcpu.get("rax") & 0xffn]).toEqual([0x2211n, 0x11n]);
    });

  it("leaves pointer and index in the VMCS", () => {
    const m = functions();
    m.launch(`${SWITCH} ${CPUID}`);
    expect([m.field("eptPointer"), m.field("eptpIndex")]).toEqual([BigInt(ROOT2) | (EPTP & 0xfffn), 1n]);
  });

  it("INVLPG of the guest holds under every EPT pointer", () => {
    const m = functions().secondary(SECONDARY.enableVpid).with({ virtualProcessorIdentifier: 9n }) as EptMachine;
    const flags = 0x67n;
    // the guest maps LINEAR anew (mov [GUEST_TABLE], rdx), flushes under the other EPT, and comes back
    m.ring0.write(GUEST_TABLE, FAR | flags).set({ rdx: 0n });
    const map = "BA 67 00 21 00 48 89 14 25 00 20 20 00";
    m.launch(`${LOAD} ${SWITCH} ${map} 0F 01 3C 25 00 00 00 40 31 C9 31 C0 ${VMFUNC} ${LOAD} ${CPUID}`);
    expect(m.ring0.vcpu.get("rax") & 0xffn).toBe(0x22n);
  });

  const exits = (name: string, program: string, prepare: (m: EptMachine) => void = () => {}): void =>
    it(`exits ${name}`, () => {
      const m = functions();
      prepare(m);
      m.launch(program);
      expect(m.exit).toEqual({ reason: EXIT_REASON.VMFUNC, qualification: 0n, at: program.split(" ").length - 3 });
      expect([m.field("vmExitInstructionLength"), m.field("eptPointer")]).toEqual([3n, EPTP]);
    });
  exits("for an entry behind the list", `31 C0 B9 00 02 00 00 ${VMFUNC}`);
  exits("for a pointer that an entry would not take", SWITCH, (m) => m.ring0.write(LIST + 8, BigInt(ROOT2)));
  exits("for another function", `B8 01 00 00 00 ${VMFUNC}`);
  exits("for function 64", `B8 40 00 00 00 ${VMFUNC}`);
  exits("for the function while it is not enabled", SWITCH, (m) => m.with({ vmFunctionControls: 0n }));

  it("at the place of the exit", () => expect(SWITCH.split(" ").length - 3).toBe(SWITCH_AT));

  it("is no instruction without the control", () => {
    const m = new EptMachine().with({ exceptionBitmap: 1n << 6n });
    m.launch(SWITCH);
    expect(m.exit).toMatchObject({ reason: EXIT_REASON.EXCEPTION_OR_NMI, at: SWITCH_AT });
  });
});
