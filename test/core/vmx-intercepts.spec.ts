/** Instructions that exit, or are undefined, by a control. SDM Vol. 3 "Instructions That Cause VM Exits Conditionally", "Changes to Instruction Behavior". */
import { describe, expect, it } from "vitest";
import { STOP, VMX } from "../../src/spec/events.ts";
import { EXIT_REASON } from "../../src/spec/exits.ts";
import { DATA } from "../lib/ring0.ts";
import { GuestWithHandlers } from "../lib/vmx-guest.ts";

const VMCALL = "0F 01 C1";
const UD = 6;
const GP = 13;
const OSXSAVE = 0x4_0000n;

const guest = (...controls: readonly string[]) =>
  new GuestWithHandlers().on(...controls).with({ guestCr4: (old) => old | OSXSAVE, hostCr4: (old) => old | OSXSAVE });
const launch = (m: GuestWithHandlers, code: string) => {
  m.ring0.set({ rbx: BigInt(DATA), rax: 0n, rcx: 0n, rdx: 0n, xss: 0n });
  expect(m.launch(`${code} ${VMCALL}`)).toBe(STOP.HALT);
  return m;
};
/** the vector whose handler the guest came to; undefined: it ran to its VMCALL */
const raised = (m: GuestWithHandlers) => {
  expect(m.exit.reason).toBe(EXIT_REASON.VMCALL);
  return m.atHandler;
};

describe("a control that enables instructions", () => {
  // sub esi, esi before INVPCID: type 0 of a descriptor of zeros
  const rows: readonly (readonly [string, string, string])[] = [
    ["enableRdtscp", "RDTSCP", "0F 01 F9"],
    ["enableRdtscp", "RDPID", "F3 0F C7 F8"],
    ["enableInvpcid", "INVPCID", "29 F6 66 0F 38 82 33"],
    ["enableXsavesXrstors", "XSAVES", "0F C7 2B"],
    ["enableXsavesXrstors", "XRSTORS", "0F C7 2B 0F C7 1B"],
  ];
  for (const [control, name, code] of rows)
    it(`${control}: ${name} is #UD without it`, () => {
      expect(raised(launch(guest(), code))).toBe(UD);
      expect(raised(launch(guest(control), code))).toBeUndefined();
    });
  it("comes before the privilege level", () => {
    const RING3 = { guestCsSelector: 0x33n, guestCsAccessRights: 0xa0fbn, guestSsSelector: 0x2bn, guestSsAccessRights: 0xc0f3n };
    for (const [controls, vector] of [
      [[], UD],
      [["enableInvpcid"], GP],
    ] as const) {
      const m = guest(...controls).with({ ...RING3, exceptionBitmap: (1n << BigInt(UD)) | (1n << BigInt(GP)) });
      expect(m.launch("66 0F 38 82 33")).toBe(STOP.HALT);
      expect(m.field("vmExitInterruptionInformation") & 0xffn).toBe(BigInt(vector));
    }
  });
});

describe("an instruction exits with its control", () => {
  const rows: readonly (readonly [string, readonly string[], string, number, bigint])[] = [
    ["INVLPG, with its linear address", ["invlpgExiting"], "0F 01 3B", EXIT_REASON.INVLPG, BigInt(DATA)],
    ["INVPCID, with its displacement", ["invlpgExiting", "enableInvpcid"], "66 0F 38 82 73 10", EXIT_REASON.INVPCID, 16n],
    ["RDPMC", ["rdpmcExiting"], "0F 33", EXIT_REASON.RDPMC, 0n],
    ["RDTSC", ["rdtscExiting"], "0F 31", EXIT_REASON.RDTSC, 0n],
    ["RDTSCP", ["rdtscExiting", "enableRdtscp"], "0F 01 F9", EXIT_REASON.RDTSCP, 0n],
    ["RDRAND", ["rdrandExiting"], "0F C7 F0", EXIT_REASON.RDRAND, 0n],
    ["RDSEED", ["rdseedExiting"], "0F C7 F8", EXIT_REASON.RDSEED, 0n],
    ["PAUSE", ["pauseExiting"], "F3 90", EXIT_REASON.PAUSE, 0n],
    ["MONITOR", ["monitorExiting"], "0F 01 C8", EXIT_REASON.MONITOR, 0n],
    ["MWAIT that is not armed", ["mwaitExiting"], "0F 01 C9", EXIT_REASON.MWAIT, 0n],
    ["WBINVD", ["wbinvdExiting"], "0F 09", EXIT_REASON.WBINVD, 0n],
    ["HLT", ["hltExiting"], "F4", EXIT_REASON.HLT, 0n],
  ];
  for (const [what, controls, code, reason, qualification] of rows)
    it(what, () => {
      const m = launch(guest(...controls), code);
      expect(m.exit).toEqual({ reason, qualification, at: 0 });
      expect(m.field("vmExitInstructionLength")).toBe(BigInt(code.split(" ").length));
    });
  it("MWAIT that is armed", () => {
    const m = launch(guest("mwaitExiting"), "89 D8 0F 01 C8 0F 01 C9");
    expect(m.exit).toEqual({ reason: EXIT_REASON.MWAIT, qualification: 1n, at: 5 });
  });
  it("RDRAND and RDSEED tell register and operand size", () => {
    // SDM "VM-Exit Instruction-Information Field as Used for RDRAND and RDSEED": 3-6 register, 11-12 operand size
    for (const [code, information] of [
      ["0F C7 F6", (6n << 3n) | (1n << 11n)],
      ["66 0F C7 F6", 6n << 3n],
      ["49 0F C7 F1", (9n << 3n) | (2n << 11n)],
    ] as const)
      expect(launch(guest("rdrandExiting"), code).field("vmExitInstructionInformation") & 0x1878n).toBe(information);
  });
  it("XSAVES and XRSTORS by the XSS-exiting bitmap, of what EDX:EAX and IA32_XSS ask for", () => {
    const XSS = 1n << 8n;
    for (const [code, reason] of [
      ["0F C7 2B", EXIT_REASON.XSAVES],
      ["0F C7 1B", EXIT_REASON.XRSTORS],
    ] as const)
      for (const [xss, asked, bitmap, exits] of [
        [XSS, 0xffff_ffffn, XSS, true],
        [XSS, 0xffn, XSS, false],
        [0n, 0xffff_ffffn, XSS, false],
        [XSS, 0xffff_ffffn, 1n << 9n, false],
      ] as const) {
        const m = guest("enableXsavesXrstors").with({ xssExitingBitmap: bitmap, exceptionBitmap: 1n << BigInt(GP) });
        m.ring0.set({ rbx: BigInt(DATA) });
        m.ring0.write(DATA + 520, 1n << 63n);
        m.ring0.set({ rdx: 0n });
        m.ring0.vcpu.set("xss", xss);
        expect(
          m.launch(
            `B8 ${[0, 8, 16, 24]
              .map((s) =>
                Number((asked >> BigInt(s)) & 0xffn)
                  .toString(16)
                  .padStart(2, "0"),
              )
              .join(" ")} ${code} ${VMCALL}`,
          ),
        ).toBe(STOP.HALT);
        expect(m.exit.reason === reason).toBe(exits);
      }
  });
});

describe("MWAIT in a guest", () => {
  // mov eax, ebx; xor ecx, ecx; monitor; inc ecx; mwait: interrupts end it though IF is clear
  const WAIT = "89 D8 31 C9 0F 01 C8 FF C1 0F 01 C9";
  it("does not wait for interrupts that are masked, if their window is wanted", () => {
    expect(raised(launch(guest("interruptWindowExiting"), WAIT))).toBeUndefined();
    const m = launch(guest(), WAIT);
    expect(m.ring0.vcpu.getNumber("vmx")).toBe(VMX.NON_ROOT);
  });
});
