/**
 * The checker of translations: software changes a mapping, forgets to invalidate, and uses it. What has to be invalidated: SDM Vol. 3
 * "Recommended Invalidation", "Guidelines for Use of the INVVPID Instruction", "Guidelines for Use of the INVEPT Instruction".
 */
import { describe, expect, it } from "vitest";
import { STOP } from "../../src/spec/events.ts";
import { PTE } from "../../src/spec/registers.ts";
import { EPTP, EptMachine, FAR, GUEST_TABLE, LINEAR, PAGE, RWX, WB } from "../lib/ept.ts";
import { CODE, Ring0 } from "../lib/ring0.ts";
import { GUEST, SECONDARY } from "../lib/vmx.ts";

const OTHER_PAGE = 0x21_0000;
const FLAGS = BigInt(PTE.P | PTE.W | PTE.U | PTE.A | PTE.D);
const LOAD = "8A 04 25 00 00 00 40";
const LOAD_BYTES = 7;
const STORE = "88 04 25 00 00 00 40";
const INVLPG = "0F 01 3C 25 00 00 00 40";
/** mov edx, OTHER_PAGE | 67H, or PAGE | 61H; mov [GUEST_TABLE], rdx */
const REMAP = "BA 67 00 21 00 48 89 14 25 00 20 20 00";
const READ_ONLY = "BA 61 00 20 00 48 89 14 25 00 20 20 00";
const REMAP_BYTES = 13;

function machine(checks = true): Ring0 {
  const ring0 = new Ring0();
  ring0.write(PAGE, 0x11n).write(OTHER_PAGE, 0x22n);
  ring0
    .write(0x2008, 0x20_1007n)
    .write(0x20_1000, BigInt(GUEST_TABLE) | 7n)
    .write(GUEST_TABLE, BigInt(PAGE) | FLAGS);
  ring0.core.takeStaleUses();
  ring0.vcpu.checksTranslations = checks;
  return ring0;
}

const al = (ring0: Ring0): bigint => ring0.vcpu.get("rax") & 0xffn;
const NONE = { uses: [], lost: 0 };
const OUTSIDE = { vpid: 0, eptPointer: 0n };

describe("a use of a stale translation", () => {
  it("is noted, and goes by the old one; then the processor has forgotten it", () => {
    const m = machine();
    m.run(`${LOAD} ${REMAP} ${LOAD} 88 C3 ${LOAD}`);
    expect([m.vcpu.get("rbx") & 0xffn, al(m)]).toEqual([0x11n, 0x22n]);
    const use = { linear: BigInt(LINEAR), access: "read", used: BigInt(PAGE), now: BigInt(OTHER_PAGE) };
    const rip = BigInt(CODE + LOAD_BYTES + REMAP_BYTES);
    expect(m.core.takeStaleUses()).toEqual({ uses: [{ ...use, rip, ...OUTSIDE }], lost: 0 });
    expect(m.core.takeStaleUses()).toEqual(NONE);
  });

  it("is not one after INVLPG", () => {
    const m = machine();
    m.run(`${LOAD} ${REMAP} ${INVLPG} ${LOAD}`);
    expect(al(m)).toBe(0x22n);
    expect(m.core.takeStaleUses()).toEqual(NONE);
  });

  it("is a write to what has become read-only", () => {
    const m = machine().set({ cr0: 0x8001_0033n });
    m.vcpu.refresh();
    m.run(`${STORE} ${READ_ONLY} ${STORE}`);
    expect(m.core.takeStaleUses().uses).toMatchObject([{ access: "write", used: BigInt(PAGE), now: undefined }]);
  });

  it("is no use of what has only become more than it was", () => {
    const m = machine().write(GUEST_TABLE, BigInt(OTHER_PAGE) | 0x61n);
    m.run(`${LOAD} ${REMAP} ${LOAD} ${STORE} ${LOAD}`);
    expect(m.core.takeStaleUses()).toEqual(NONE);
  });

  it("is a fetch", () => {
    // call LINEAR twice, and map it anew in between; both pages return
    const call = "BB 00 00 00 40 FF D3";
    const m = machine();
    m.code("C3", PAGE).code("C3", OTHER_PAGE);
    m.run(`${call} ${REMAP} ${call}`);
    expect(m.core.takeStaleUses().uses).toMatchObject([{ access: "fetch", linear: BigInt(LINEAR), rip: BigInt(LINEAR) }]);
  });

  it("is noted as the processor's own access, too", () => {
    // lldt of a descriptor table that was mapped at LINEAR
    const m = machine().set({ gdtrBase: BigInt(LINEAR), gdtrLimit: 0xff });
    for (const page of [PAGE, OTHER_PAGE]) m.write(page + 8, 0x0000_8200_0000_00ffn);
    m.run(`B8 08 00 00 00 0F 00 D0 ${REMAP} 0F 00 D0`);
    expect(m.core.takeStaleUses().uses).toMatchObject([{ access: "read", linear: BigInt(LINEAR + 8) }]);
  });

  it("is not noted unless wanted", () => {
    const m = machine(false);
    m.run(`${LOAD} ${REMAP} ${LOAD}`);
    expect(m.core.takeStaleUses()).toEqual(NONE);
  });

  it("is counted when there are more than are kept", () => {
    const m = machine();
    // 200 times: read, map the other page. Every second read is of what the one before has left
    m.run(`41 B8 C8 00 00 00 ${LOAD} 48 81 34 25 00 20 20 00 00 00 01 00 41 FF C8 75 E8`);
    const { uses, lost } = m.core.takeStaleUses();
    expect([uses.length, lost]).toEqual([64, 36]);
  });
});

describe("a guest's", () => {
  function started(vpid: bigint): EptMachine {
    const m = new EptMachine();
    m.ring0
      .write(PAGE, 0x11n)
      .write(OTHER_PAGE, 0x22n)
      .write(GUEST_TABLE, FAR | FLAGS);
    if (vpid !== 0n) m.secondary(SECONDARY.enableVpid).with({ virtualProcessorIdentifier: vpid });
    m.ring0.vcpu.checksTranslations = true;
    expect(m.launch(`${LOAD} 0F A2`)).toBe(STOP.HALT);
    expect(m.ring0.core.takeStaleUses()).toEqual(NONE);
    return m;
  }
  const again = (m: EptMachine): void => {
    m.setField("guestRip", BigInt(GUEST));
    m.resume();
  };
  const remap = (m: EptMachine): unknown => m.ring0.write(m.farAt(1), BigInt(OTHER_PAGE) | RWX | WB);
  const use = { linear: BigInt(LINEAR), access: "read", used: BigInt(PAGE), now: BigInt(OTHER_PAGE), rip: BigInt(GUEST) };

  it("EPT needs INVEPT under a VPID", () => {
    const m = started(3n);
    remap(m);
    again(m);
    expect(m.ring0.core.takeStaleUses()).toEqual({ uses: [{ ...use, vpid: 3, eptPointer: EPTP }], lost: 0 });
    again(m);
    expect(m.ring0.vcpu.get("rax") & 0xffn).toBe(0x22n);
    expect(m.ring0.core.takeStaleUses()).toEqual(NONE);
  });

  it("EPT needs none for VPID 0, nor after it was done", () => {
    const untagged = started(0n);
    remap(untagged);
    again(untagged);
    expect(untagged.ring0.core.takeStaleUses()).toEqual(NONE);
    const m = started(3n);
    remap(m);
    m.ring0.write(0x3_8000, EPTP).set({ rax: 1n });
    m.run("66 0F 38 80 06");
    again(m);
    expect(m.ring0.core.takeStaleUses()).toEqual(NONE);
  });

  it("CR3 changed in the VMCS needs INVVPID", () => {
    const m = started(3n);
    const tables = 0x21_1000;
    m.ring0.write(tables, BigInt(tables + 0x1000) | 7n).write(tables + 0x1000, m.ring0.read(0x2000));
    m.ring0.write(tables + 0x1008, BigInt(tables + 0x2000) | 7n).write(tables + 0x2000, BigInt(tables + 0x3000) | 7n);
    m.ring0.write(tables + 0x3000, BigInt(OTHER_PAGE) | FLAGS);
    m.setField("guestCr3", BigInt(tables));
    again(m);
    expect(m.ring0.core.takeStaleUses().uses).toMatchObject([use]);
  });
});
