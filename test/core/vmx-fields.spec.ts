/** VMREAD and VMWRITE: which fields there are, how wide, and in which mode. SDM Vol. 3 appendix "Field Encoding in VMCS". */
import { describe, expect, it } from "vitest";
import { VM_INSTRUCTION_ERROR as ERROR } from "../../src/spec/exits.ts";
import { fieldOffset } from "../../src/spec/print/vmx.ts";
import { VMCS_FIELDS, type VmcsField } from "../../src/spec/vmcs.ts";
import { VMX_CONTROLS } from "../../src/spec/vmx-controls.ts";
import { VMCS } from "../lib/vmx.ts";
import { FAIL_INVALID, FAIL_VALID, SUCCEEDED, VmxRoot } from "../lib/vmx-root.ts";

const ALL_ONES = 0xffff_ffff_ffff_ffffn;
const PATTERN = 0x8877_6655_4433_2211n;
/** RAX before a VMREAD */
const BEFORE = 0x1122_3344_5566_7788n;
const VMCS_ENUM = 0x48an;

const offered = new Set(VMX_CONTROLS.filter((c) => c.setting !== "never").map((c) => c.name));
const isOffered = (f: VmcsField) => f.needs === undefined || offered.has(f.needs);
const bitsOf = (f: VmcsField) => (f.width === "natural" ? 64 : f.width);
const fields = VMCS_FIELDS.filter(isOffered);
const missing = VMCS_FIELDS.filter((f) => !isOffered(f));
const offsetOf = (e: number) => fieldOffset(VMCS_FIELDS.find((f) => f.encoding === e)?.name ?? "");
const encoding = (name: string) => VMCS_FIELDS.find((f) => f.name === name)?.encoding ?? 0;

describe("in 64-bit mode", () => {
  it.each(fields.map((f) => [f.name, f] as const))("%s holds as many bits as its encoding says", (_name, f) => {
    const m = new VmxRoot().withVmcs();
    expect(m.write(f.encoding, ALL_ONES)).toBe(SUCCEEDED);
    expect(m.read(f.encoding)).toEqual({ flags: SUCCEEDED, value: BigInt.asUintN(bitsOf(f), ALL_ONES) });
    expect(m.write(f.encoding, PATTERN)).toBe(SUCCEEDED);
    expect(m.read(f.encoding)).toEqual({ flags: SUCCEEDED, value: BigInt.asUintN(bitsOf(f), PATTERN) });
  });

  it.each(fields.filter((f) => f.width === 64).map((f) => [f.name, f] as const))("the upper half of %s has an encoding", (_name, f) => {
    const m = new VmxRoot().withVmcs();
    m.write(f.encoding, PATTERN);
    expect(m.read(f.encoding | 1)).toEqual({ flags: SUCCEEDED, value: PATTERN >> 32n });
    expect(m.write(f.encoding | 1, 0xaaaa_bbbb_cccc_ddddn)).toBe(SUCCEEDED);
    expect(m.read(f.encoding).value).toBe(0xcccc_dddd_4433_2211n);
  });

  it("no other encoding of 15 bits is a field, and IA32_VMX_VMCS_ENUM has the highest index", () => {
    const m = new VmxRoot().withVmcs();
    const found: number[] = [];
    for (let e = 0; e < 1 << 15; e++) if (m.read(e).flags === SUCCEEDED) found.push(e);
    const known = fields.flatMap((f) => (f.width === 64 ? [f.encoding, f.encoding | 1] : [f.encoding]));
    expect(found).toEqual(known.sort((a, b) => a - b));
    m.ring0.set({ rcx: VMCS_ENUM });
    m.code("0F 32");
    expect(m.ring0.vcpu.get("rax")).toBe(BigInt(Math.max(...known.map((e) => e & 0x3fe))));
  });

  it.each([15, 16, 31, 32, 63])("an encoding with bit %d is no field", (bit) => {
    const m = new VmxRoot().withVmcs();
    const wrong = BigInt(encoding("guestRip")) | (1n << BigInt(bit));
    expect([m.read(wrong), m.error]).toEqual([{ flags: FAIL_VALID, value: BEFORE }, ERROR.UNSUPPORTED_FIELD]);
    m.write(encoding("vmInstructionError"), 0n);
    expect([m.write(wrong, 1n), m.error]).toEqual([FAIL_VALID, ERROR.UNSUPPORTED_FIELD]);
  });

  it(`fields of controls that are not offered are no fields: ${missing.map((f) => f.name)}`, () => {
    const m = new VmxRoot().withVmcs();
    for (const f of missing) expect([m.write(f.encoding, 1n), m.error]).toEqual([FAIL_VALID, ERROR.UNSUPPORTED_FIELD]);
    expect(missing.length).toBe(VMCS_FIELDS.length - fields.length);
  });

  it("a value goes to memory and comes from there with 64 bits", () => {
    const m = new VmxRoot().withVmcs();
    m.ring0
      .write(0x3_8000, PATTERN)
      .write(0x3_8008, BEFORE)
      .set({ rdx: BigInt(encoding("guestRip")) });
    // vmwrite rdx, [rsi]; vmread [rsi+8], rdx
    expect(m.told(m.code("0F 79 16 0F 78 56 08"))).toBe(SUCCEEDED);
    expect(m.ring0.read(0x3_8008)).toBe(PATTERN);
  });

  it("a read of 16 bits clears the rest of the register, and of memory", () => {
    const m = new VmxRoot().withVmcs();
    m.write(encoding("guestEsSelector"), PATTERN);
    m.ring0.write(0x3_8000, ALL_ONES);
    expect(m.told(m.code("0F 78 16"))).toBe(SUCCEEDED);
    expect(m.ring0.read(0x3_8000)).toBe(0x2211n);
  });

  it("information of VM exits can be written: IA32_VMX_MISC bit 29", () => {
    const m = new VmxRoot().withVmcs();
    m.ring0.set({ rcx: 0x485n });
    m.code("0F 32");
    expect((m.ring0.vcpu.get("rax") >> 29n) & 1n).toBe(1n);
    expect(m.write(encoding("exitReason"), 7n)).toBe(SUCCEEDED);
    expect(m.read(encoding("exitReason")).value).toBe(7n);
  });
});

describe("outside 64-bit mode", () => {
  const wide = [encoding("guestIa32Efer"), encoding("guestRip")];

  it.each(wide)("a read of field %d gives 32 bits", (e) => {
    const m = new VmxRoot().withVmcs();
    m.write(e, PATTERN);
    m.in32().ring0.set({ rdx: BigInt(e), rax: 0n });
    // vmread eax, edx
    expect(m.told(m.code("0F 78 D0"))).toBe(SUCCEEDED);
    expect(m.ring0.vcpu.get("rax")).toBe(0x4433_2211n);
  });

  it.each(wide)("a write of field %d clears its upper half", (e) => {
    const m = new VmxRoot().withVmcs();
    m.write(e, PATTERN);
    m.in32().ring0.set({ rdx: BigInt(e), rax: 0xaabb_ccddn });
    expect(m.told(m.code("0F 79 D0"))).toBe(SUCCEEDED);
    expect(m.ring0.read(VMCS + offsetOf(e))).toBe(0xaabb_ccddn);
  });

  it("the upper half is read and written by its own encoding", () => {
    const m = new VmxRoot().withVmcs();
    const e = encoding("guestIa32Efer");
    m.write(e, PATTERN);
    m.in32().ring0.set({ rdx: BigInt(e | 1), rax: 0n });
    m.code("0F 78 D0");
    expect(m.ring0.vcpu.get("rax")).toBe(PATTERN >> 32n);
    m.ring0.set({ rax: 0x1234_5678n });
    m.code("0F 79 D0");
    expect(m.ring0.read(VMCS + offsetOf(e))).toBe(0x1234_5678_4433_2211n);
  });

  it("memory operands have 32 bits", () => {
    const m = new VmxRoot().withVmcs();
    m.write(encoding("guestRip"), PATTERN);
    m.in32()
      .ring0.write(0x3_8000, ALL_ONES)
      .set({ rdx: BigInt(encoding("guestRip")) });
    expect(m.told(m.code("0F 78 16"))).toBe(SUCCEEDED);
    expect(m.ring0.read(0x3_8000)).toBe(0xffff_ffff_4433_2211n);
  });
});

describe("without a current VMCS", () => {
  it("VMREAD and VMWRITE fail without an error number, whether there is such a field or not", () => {
    const m = new VmxRoot().on();
    expect([m.read(encoding("guestRip")), m.write(encoding("guestRip"), 1n)]).toEqual([
      { flags: FAIL_INVALID, value: BEFORE },
      FAIL_INVALID,
    ]);
    expect([m.read(0x7ffe), m.write(0x7ffe, 1n)]).toEqual([{ flags: FAIL_INVALID, value: BEFORE }, FAIL_INVALID]);
  });
});
