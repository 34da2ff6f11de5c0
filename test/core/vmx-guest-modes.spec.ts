/**
 * Guests with EPT in other modes than 64-bit: PAE paging with PDPTEs from the VMCS, and unrestricted guests. SDM Vol. 3 "PDPTE Registers",
 * "Loading Page-Directory-Pointer-Table Entries", "Unrestricted Guests".
 */
import { describe, expect, it } from "vitest";
import { STOP } from "../../src/spec/events.ts";
import { EXIT_REASON } from "../../src/spec/exits.ts";
import { EptMachine, PAGE, R, RWX, violation, W } from "../lib/ept.ts";
import { SELECTOR } from "../lib/ring0.ts";
import { GUEST, SECONDARY } from "../lib/vmx.ts";

const IA32E = 1n << 9n;
const LINEAR_VALID = 1n << 7n;
const TRANSLATED = LINEAR_VALID | (1n << 8n);
const CPUID = "0F A2";
/** page directory of ring0.ts, with two pages of 2 MiB */
const PAGES = 0x3000n;
/** where a page-directory-pointer table is put */
const PDPT = 0x7000;

/** a 32-bit guest with the flat segments */
function guest32(): EptMachine {
  return new EptMachine().with({
    vmEntryControls: (old) => old & ~IA32E,
    guestIa32Efer: 0n,
    guestCsSelector: BigInt(SELECTOR.CODE32),
    guestCsAccessRights: 0xc09bn,
  });
}

describe("a guest with PAE paging", () => {
  const pae = (): EptMachine => {
    const m = guest32().with({ guestCr3: BigInt(PDPT), guestPdpte0: PAGES | 1n, guestPdpte1: 0n, guestPdpte2: 0n, guestPdpte3: 0n });
    // the table in memory is not looked at by the entry: it has reserved bits
    for (let i = 0; i < 4; i++) m.ring0.write(PDPT + 8 * i, 0xffn);
    return m;
  };
  // mov eax, PDPT; mov cr3, eax
  const MOV_CR3 = "B8 00 70 00 00 0F 22 D8";
  const MOV_CR3_AT = 5;

  it("has its PDPTEs from the VMCS", () => {
    const m = pae();
    // mov al, [PAGE + 8]
    m.ring0.write(PAGE + 8, 0x5an);
    expect(m.launch(`A0 08 00 20 00 ${CPUID}`)).toBe(STOP.HALT);
    expect(m.exit.reason).toBe(EXIT_REASON.CPUID);
    expect(m.ring0.vcpu.get("rax") & 0xffn).toBe(0x5an);
  });

  it("loads them from memory by MOV to CR3, and exits save them", () => {
    const m = pae();
    m.ring0
      .write(PDPT, PAGES | 0x19n)
      .write(PDPT + 8, 0n)
      .write(PDPT + 16, 0x1235_6000n)
      .write(PDPT + 24, PAGES | 1n);
    m.launch(`${MOV_CR3} ${CPUID}`);
    expect(m.exit.reason).toBe(EXIT_REASON.CPUID);
    expect([0, 1, 2, 3].map((i) => m.field(`guestPdpte${i}`))).toEqual([PAGES | 0x19n, 0n, 0x1235_6000n, PAGES | 1n]);
  });

  it("has #GP for reserved bits in those, and keeps the old ones", () => {
    const m = pae().with({ exceptionBitmap: 1n << 13n });
    m.launch(MOV_CR3);
    expect(m.exit).toEqual({ reason: EXIT_REASON.EXCEPTION_OR_NMI, qualification: 0n, at: MOV_CR3_AT });
    expect(m.field("vmExitInterruptionInformation")).toBe(0x8000_0b0dn);
    expect(m.field("guestPdpte0")).toBe(PAGES | 1n);
  });

  it("a violation of their load has no linear address, and no bit 8", () => {
    const m = pae();
    m.change(m.lowAt(PDPT), RWX, 0n);
    m.launch(MOV_CR3);
    expect(m.exit).toEqual({ reason: EXIT_REASON.EPT_VIOLATION, qualification: R, at: MOV_CR3_AT });
    expect(m.field("guestPhysicalAddress")).toBe(BigInt(PDPT));
  });

  it("has #GP for reserved bits without EPT, too, whatever EPT has refused before", () => {
    const m = pae();
    m.change(m.lowAt(PDPT), RWX, 0n);
    m.launch(MOV_CR3);
    expect(m.exit.reason).toBe(EXIT_REASON.EPT_VIOLATION);
    const valid = 0x7020;
    for (let i = 0; i < 4; i++) m.ring0.write(valid + 8 * i, i === 0 ? PAGES | 1n : 0n);
    m.setField("guestCr3", BigInt(valid));
    m.setField("secondaryProcessorBasedVmExecutionControls", 0n);
    m.setField("exceptionBitmap", 1n << 13n);
    m.resume();
    expect(m.exit).toMatchObject({ reason: EXIT_REASON.EXCEPTION_OR_NMI, at: MOV_CR3_AT });
  });

  it("to accessed and dirty flags for EPT the load is a read", () => {
    const m = pae().with({ eptPointer: (old) => old | (1n << 6n) });
    m.change(m.lowAt(PDPT), W, 0n);
    m.ring0
      .write(PDPT, PAGES | 1n)
      .write(PDPT + 8, 0n)
      .write(PDPT + 16, 0n)
      .write(PDPT + 24, 0n);
    m.launch(`${MOV_CR3} ${CPUID}`);
    expect(m.exit.reason).toBe(EXIT_REASON.CPUID);
    expect((m.ring0.read(m.lowAt(PDPT)) >> 8n) & 3n).toBe(1n);
  });

  it("page directories are guest-physical, those of PDPTEs too", () => {
    const m = pae();
    m.change(m.lowAt(Number(PAGES)), RWX, 0n);
    m.launch(CPUID);
    expect(m.refused).toEqual(violation(R | LINEAR_VALID, PAGES, GUEST));
  });
});

describe("an unrestricted guest", () => {
  const unrestricted = (m: EptMachine): EptMachine => m.secondary(SECONDARY.unrestrictedGuest);
  /** CR0 without PG; NE stays, VMX wants it */
  const UNPAGED = 0x31n;
  const REAL = 0x30n;
  const REAL_RIP = GUEST - 0x1_0000;
  const FLAT_REAL = Object.fromEntries(
    ["Es", "Cs", "Ss", "Ds", "Fs", "Gs"].flatMap((name) => [
      [`guest${name}Selector`, 0x1000n],
      [`guest${name}Base`, 0x1_0000n],
      [`guest${name}Limit`, 0xffffn],
      [`guest${name}AccessRights`, name === "Cs" ? 0x9bn : 0x93n],
    ]),
  );
  const real = (): EptMachine =>
    unrestricted(guest32()).with({
      ...FLAT_REAL,
      guestCr0: REAL,
      guestCr4: 0x2000n,
      guestRip: BigInt(REAL_RIP),
      guestRsp: 0x7000n,
      guestIdtrLimit: 0x3ffn,
    });

  it("is not let in without the control", () => {
    const m = guest32().with({ guestCr0: UNPAGED });
    m.launch(CPUID);
    expect(m.field("exitReason")).toBe(0x8000_0000n | BigInt(EXIT_REASON.INVALID_GUEST_STATE));
  });

  it("runs without paging: linear addresses are guest-physical", () => {
    const m = unrestricted(guest32()).with({ guestCr0: UNPAGED, guestCr3: 0n });
    // EPT shows PAGE at 300000H; mov al, [300008H]
    m.ring0.write(m.lowAt(0x30_0000), BigInt(PAGE) | RWX | 0x30n).write(PAGE + 8, 0x5an);
    expect(m.launch(`A0 08 00 30 00 ${CPUID}`)).toBe(STOP.HALT);
    expect(m.exit.reason).toBe(EXIT_REASON.CPUID);
    expect(m.ring0.vcpu.get("rax") & 0xffn).toBe(0x5an);
  });

  it("whose access EPT refuses exits with the address as both", () => {
    const m = unrestricted(guest32()).with({ guestCr0: UNPAGED });
    m.change(m.lowAt(PAGE), RWX, R);
    m.launch("A2 08 00 20 00");
    expect(m.refused).toEqual(violation(W | (R << 3n) | TRANSLATED, PAGE + 8, PAGE + 8));
  });

  it("runs in real mode, with its interrupt table behind EPT", () => {
    const m = real();
    // the handler of INT 40H at 1000:9000; the table's page is PAGE
    m.ring0.write(m.lowAt(0), BigInt(PAGE) | RWX | 0x30n).write32(PAGE + 0x100, 0x1000_9000);
    // mov bl, 7; cpuid
    m.ring0.code(`B3 07 ${CPUID}`, 0x1_9000);
    expect(m.launch("CD 40")).toBe(STOP.HALT);
    expect(m.exit.reason).toBe(EXIT_REASON.CPUID);
    expect([m.ring0.vcpu.get("rbx") & 0xffn, m.field("guestRip"), m.field("guestCsSelector")]).toEqual([7n, 0x9002n, 0x1000n]);
  });

  it("that is injected an exception in real mode gets no error code", () => {
    const m = real().with({ vmEntryInterruptionInformation: 0x8000_030dn });
    m.ring0.write32(13 * 4, 0x1000_9000).code(CPUID, 0x1_9000);
    m.launch("90");
    expect([m.exit.reason, m.field("guestRip"), m.field("guestRsp")]).toEqual([EXIT_REASON.CPUID, 0x9000n, 0x6ffan]);
  });

  it("goes to protected mode and to 64-bit mode without an exit, and the entry control follows", () => {
    const m = real().with({ guestCr3: 0x1000n, guestGdtrLimit: 0xffn });
    m.ring0.code(
      [
        "0F 20 C0 0C 01 0F 22 C0", // mov eax, cr0; or al, 1; mov cr0, eax
        "66 EA 15 80 01 00 18 00", // jmp far 18H:18015H
        "90 90 90 90 90", // up to 18015H
        "0F 20 E0 83 C8 20 0F 22 E0", // mov eax, cr4; or eax, 20H; mov cr4, eax
        "B9 80 00 00 C0 B8 00 01 00 00 31 D2 0F 30", // EFER.LME
        "0F 20 C0 0D 00 00 00 80 0F 22 C0", // CR0.PG
        "EA 3E 80 01 00 08 00", // jmp far 8:1803EH
        CPUID,
      ].join(" "),
      GUEST,
    );
    const msrs = 0x4_0000;
    m.with({ primaryProcessorBasedVmExecutionControls: (old) => old | (1n << 28n), addressOfMsrBitmaps: BigInt(msrs) });
    const program = Buffer.from(m.ring0.core.ram.subarray(GUEST, GUEST + 0x50)).toString("hex");
    expect(m.launch(program)).toBe(STOP.HALT);
    expect(m.exit).toMatchObject({ reason: EXIT_REASON.CPUID, at: 0x3e });
    expect(m.field("vmEntryControls") & IA32E).toBe(IA32E);
    expect(m.field("guestIa32Efer") & 0x500n).toBe(0x500n);
  });

  it("may not clear CR0.NE", () => {
    const m = real().with({ exceptionBitmap: 1n << 13n });
    m.launch("31 C0 0F 22 C0");
    expect([m.exit.reason, m.field("guestRip")]).toEqual([EXIT_REASON.EXCEPTION_OR_NMI, BigInt(REAL_RIP + 2)]);
    // in real mode there are no error codes
    expect(m.field("vmExitInterruptionInformation")).toBe(0x8000_030dn);
  });
});
