/** VMREAD and VMWRITE of a guest in its shadow VMCS. SDM Vol. 3 "VMCS Types: Ordinary and Shadow", "VMCS Shadowing Bitmap Addresses". */
import { describe, expect, it } from "vitest";
import { VM_INSTRUCTION_ERROR as ERROR, EXIT_REASON } from "../../src/spec/exits.ts";
import { fieldOffset } from "../../src/spec/print/vmx.ts";
import { VmxMachine } from "../lib/vmx.ts";
import { change } from "../lib/vmx-changes.ts";

const SHADOW = 0x6_9000;
const READ_BITMAP = 0x6_6000;
const WRITE_BITMAP = 0x6_7000;
const GUEST_RIP = 0x681e;
const FAIL_INVALID = 0x1;
const FAIL_VALID = 0x40;
const FLAGS = 0x8d5;
/** pushfq; pop rbx; cpuid, which exits */
const TELL = "9C 5B 0F A2";
/** vmread rax, rdx */
const VMREAD = `0F 78 D0 ${TELL}`;
/** vmwrite rdx, rax */
const VMWRITE = `0F 79 D0 ${TELL}`;

/** A guest whose VMCS links to a shadow VMCS; no bit of the bitmaps is set. */
function shadowed(words = ""): VmxMachine {
  const on = "+vmcsShadowing vmreadBitmapAddress=66000 vmwriteBitmapAddress=67000 vmcsLinkPointer=69000 [69000]=80000001";
  return change(new VmxMachine(), `${on} ${words}`);
}

function launch(m: VmxMachine, guest: string, encoding: bigint | number, rax = 0n) {
  // the guest's registers are those of the host at the entry
  const movRdx = `48 BA ${bytes(BigInt(encoding))}`;
  const movRax = `48 B8 ${bytes(rax)}`;
  m.launch(`${movRdx} ${movRax} ${guest}`);
  const { vcpu } = m.ring0;
  return { reason: m.exit.reason, flags: Number(vcpu.get("rbx")) & FLAGS, rax: vcpu.get("rax") };
}

const bytes = (v: bigint) => Array.from({ length: 8 }, (_, i) => ((v >> BigInt(8 * i)) & 0xffn).toString(16).padStart(2, "0")).join(" ");

describe("with VMCS shadowing", () => {
  it("VMREAD reads the shadow VMCS without an exit", () => {
    const m = shadowed();
    m.ring0.write(SHADOW + fieldOffset("guestRip"), 0x1234_5678_9abcn);
    expect(launch(m, VMREAD, GUEST_RIP)).toEqual({ reason: EXIT_REASON.CPUID, flags: 0, rax: 0x1234_5678_9abcn });
  });

  it("VMWRITE writes it, and not the VMCS of the guest", () => {
    const m = shadowed();
    expect(launch(m, VMWRITE, 0x681c, 0x77n)).toMatchObject({ reason: EXIT_REASON.CPUID, flags: 0 });
    expect(m.ring0.read(SHADOW + fieldOffset("guestRsp"))).toBe(0x77n);
    expect(m.field("guestRsp")).not.toBe(0x77n);
  });

  it.each([
    ["VMREAD", VMREAD, READ_BITMAP, EXIT_REASON.VMREAD],
    ["VMWRITE", VMWRITE, WRITE_BITMAP, EXIT_REASON.VMWRITE],
  ])("%s exits where its own bitmap has the encoding's bit", (_name, code, bitmap, reason) => {
    const set = (at: number, bit: number) => {
      const m = shadowed();
      m.ring0.core.ram[at + (bit >> 3)] |= 1 << (bit & 7);
      return launch(m, code, GUEST_RIP).reason;
    };
    expect(set(bitmap, GUEST_RIP)).toBe(reason);
    expect(set(bitmap, GUEST_RIP + 1)).toBe(EXIT_REASON.CPUID);
    expect(set(bitmap ^ READ_BITMAP ^ WRITE_BITMAP, GUEST_RIP)).toBe(EXIT_REASON.CPUID);
  });

  it.each([15, 31, 32, 63])("an encoding with bit %d exits, whatever the bitmaps say", (bit) => {
    const encoding = BigInt(GUEST_RIP) | (1n << BigInt(bit));
    expect(launch(shadowed(), VMREAD, encoding).reason).toBe(EXIT_REASON.VMREAD);
    expect(launch(shadowed(), VMWRITE, encoding).reason).toBe(EXIT_REASON.VMWRITE);
  });

  it("without a link they fail without an error number", () => {
    expect(launch(shadowed("vmcsLinkPointer=ffffffffffffffff"), VMREAD, GUEST_RIP)).toMatchObject({
      reason: EXIT_REASON.CPUID,
      flags: FAIL_INVALID,
    });
    expect(launch(shadowed("vmcsLinkPointer=ffffffffffffffff"), VMWRITE, GUEST_RIP)).toMatchObject({ flags: FAIL_INVALID });
  });

  it("an unsupported field is error 12, of the guest's VMCS", () => {
    const m = shadowed();
    expect(launch(m, VMREAD, 0x6830)).toMatchObject({ reason: EXIT_REASON.CPUID, flags: FAIL_VALID });
    expect(m.field("vmInstructionError")).toBe(BigInt(ERROR.UNSUPPORTED_FIELD));
  });

  it("at privilege level 3 they exit if they would, else #GP(0)", () => {
    const ring3 = "@ring3 exceptionBitmap=2000";
    const m = shadowed(ring3);
    expect([launch(m, VMREAD, GUEST_RIP).reason, m.field("vmExitInterruptionInformation")]).toEqual([
      EXIT_REASON.EXCEPTION_OR_NMI,
      0x8000_0b0dn,
    ]);
    expect(launch(shadowed(ring3), VMREAD, 0x8000).reason).toBe(EXIT_REASON.VMREAD);
  });

  it("the other VMX instructions exit as ever", () => {
    expect(launch(shadowed(), "0F 01 C3", 0).reason).toBe(EXIT_REASON.VMRESUME);
  });
});

describe("without VMCS shadowing", () => {
  it("VMREAD exits", () => {
    expect(launch(change(new VmxMachine(), "vmreadBitmapAddress=66000"), VMREAD, GUEST_RIP).reason).toBe(EXIT_REASON.VMREAD);
  });
});
