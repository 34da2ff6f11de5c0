/** SDM Vol. 3 "Event Injection", "Information for VM Exits Due to Vectored Events", "Information for VM Exits During Event Delivery". */
import { describe, expect, it } from "vitest";
import { STOP } from "../../src/spec/events.ts";
import { EXIT_REASON } from "../../src/spec/exits.ts";
import { STACK } from "../lib/ring0.ts";
import { GUEST } from "../lib/vmx.ts";
import { GuestWithHandlers } from "../lib/vmx-guest.ts";

const VALID = 0x8000_0000n;
const HAS_CODE = 1n << 11n;
const IF = 0x200n;
const TYPE = { external: 0n, nmi: 2n, hardware: 3n, software: 4n, privileged: 5n, exception: 6n };
const DR6_AT_RESET = 0xffff_0ff0n;
const info = (type: keyof typeof TYPE, vector: number) => VALID | (TYPE[type] << 8n) | BigInt(vector);
const launch = (m: GuestWithHandlers, code: string) => {
  expect(m.launch(code)).toBe(STOP.HALT);
  return m;
};
const UD2 = "0F 0B";
const NOP = "90";
const [DB, BP, OF, UD, DF, GP, PF] = [1, 3, 4, 6, 8, 13, 14];

describe("an injected event", () => {
  // what is injected, the length of its instruction, RIP and RF as the handler finds them
  const rows: readonly (readonly [keyof typeof TYPE, number, bigint, number, boolean])[] = [
    ["external", 0x31, 5n, 0, false],
    ["nmi", 2, 5n, 0, false],
    ["hardware", UD, 5n, 0, true],
    ["hardware", DB, 5n, 0, false],
    ["software", 0x80, 2n, 2, false],
    ["privileged", DB, 1n, 1, false],
    ["exception", BP, 1n, 1, false],
    ["exception", OF, 0n, 0, false],
  ];
  for (const [type, vector, length, at, resumes] of rows)
    it(`${type} ${vector}: goes through the IDT, to return to RIP + ${at}`, () => {
      const m = new GuestWithHandlers().with({
        vmEntryInterruptionInformation: info(type, vector),
        vmEntryInstructionLength: length,
        guestRflags: 2n | IF,
      });
      launch(m, NOP);
      expect([m.exit.reason, m.atHandler]).toEqual([EXIT_REASON.VMCALL, vector]);
      const sp = Number(m.field("guestRsp"));
      expect(sp).toBe(STACK - 40);
      expect(m.ring0.read(sp)).toBe(BigInt(GUEST + at));
      expect(m.ring0.read(sp + 16)).toBe(2n | IF | (resumes ? 0x1_0000n : 0n));
      expect(m.field("vmEntryInterruptionInformation") & VALID).toBe(0n);
      expect(m.ring0.vcpu.get("dr", 6)).toBe(DR6_AT_RESET);
    });
  it("pushes an error code where the bit says so, and leaves CR2", () => {
    const m = new GuestWithHandlers().with({
      vmEntryInterruptionInformation: info("hardware", PF) | HAS_CODE,
      vmEntryExceptionErrorCode: 0x17n,
    });
    m.ring0.set({ cr2: 0x1234n });
    launch(m, NOP);
    expect(m.atHandler).toBe(PF);
    expect(m.ring0.read(Number(m.field("guestRsp")))).toBe(0x17n);
    expect(m.ring0.vcpu.get("cr2")).toBe(0x1234n);
  });
  it("does not exit by the exception bitmap", () => {
    const m = new GuestWithHandlers().with({ vmEntryInterruptionInformation: info("hardware", UD), exceptionBitmap: 0xffff_ffffn });
    expect(launch(m, NOP).exit.reason).toBe(EXIT_REASON.VMCALL);
  });
  it("whose delivery faults is told as IDT-vectoring information by the exit of the fault", () => {
    for (const [type, vector, code, length] of [
      ["external", 0x31, undefined, undefined],
      ["hardware", GP, 0x50n, undefined],
      ["software", 0x80, undefined, 2n],
      ["exception", BP, undefined, 1n],
    ] as const) {
      const m = new GuestWithHandlers().with({
        // only vectors below 3 fit in the IDT: #GP for the gate
        guestIdtrLimit: 0x2fn,
        exceptionBitmap: (1n << BigInt(GP)) | (1n << BigInt(DF)),
        vmEntryInterruptionInformation: info(type, vector) | (code === undefined ? 0n : HAS_CODE),
        vmEntryExceptionErrorCode: code ?? 0n,
        vmEntryInstructionLength: length ?? 0n,
        guestRflags: 2n | IF,
      });
      launch(m, NOP);
      expect(m.exit).toEqual({ reason: EXIT_REASON.EXCEPTION_OR_NMI, qualification: 0n, at: 0 });
      if (code === undefined) {
        expect(m.field("vmExitInterruptionInformation")).toBe(info("hardware", GP) | HAS_CODE);
        // the gate, its IDT bit, and EXT for events that no software asked for
        expect(m.field("vmExitInterruptionErrorCode")).toBe(BigInt((vector << 3) | 2 | (type === "external" ? 1 : 0)));
        expect(m.field("idtVectoringInformation")).toBe(info(type, vector));
      } else {
        // #GP on the way to #GP is #DF, which counts as no event during delivery
        expect(m.field("vmExitInterruptionInformation")).toBe(info("hardware", DF) | HAS_CODE);
        expect(m.field("idtVectoringInformation") & VALID).toBe(0n);
      }
      if (length !== undefined) expect(m.field("vmExitInstructionLength")).toBe(length);
    }
  });
});

describe("an exception that exits", () => {
  const rows: readonly (readonly [string, string, keyof typeof TYPE, number, bigint | undefined])[] = [
    ["UD2", UD2, "hardware", UD, undefined],
    ["INT3", "CC", "exception", BP, 1n],
    ["INT1", "F1", "privileged", DB, 1n],
  ];
  for (const [what, code, type, vector, length] of rows)
    it(`${what} is of type ${type}`, () => {
      const m = launch(new GuestWithHandlers().with({ exceptionBitmap: 1n << BigInt(vector) }), `${NOP} ${code}`);
      expect(m.exit).toEqual({ reason: EXIT_REASON.EXCEPTION_OR_NMI, qualification: 0n, at: 1 });
      expect(m.field("vmExitInterruptionInformation")).toBe(info(type, vector));
      if (length !== undefined) expect(m.field("vmExitInstructionLength")).toBe(length);
      expect(m.field("guestRflags")).toBe(type === "hardware" ? 0x1_0002n : 2n);
      expect(m.ring0.vcpu.get("dr", 6)).toBe(DR6_AT_RESET);
    });
  it("INT n never does, whatever the vector is", () => {
    const m = launch(new GuestWithHandlers().with({ exceptionBitmap: 0xffff_ffffn }), "CD 03");
    expect([m.exit.reason, m.atHandler]).toEqual([EXIT_REASON.VMCALL, BP]);
  });
  it("while INT n is delivered tells the instruction and its length", () => {
    const m = launch(new GuestWithHandlers().with({ exceptionBitmap: 1n << BigInt(GP), guestIdtrLimit: 0x2fn }), `${NOP} CD 80`);
    expect(m.exit.at).toBe(1);
    expect(m.field("idtVectoringInformation")).toBe(info("software", 0x80));
    expect(m.field("vmExitInstructionLength")).toBe(2n);
  });
});

describe("a triple fault", () => {
  it("is no event during delivery", () => {
    const m = launch(new GuestWithHandlers().with({ guestIdtrLimit: 0n }), `${NOP} ${UD2}`);
    expect(m.exit).toEqual({ reason: EXIT_REASON.TRIPLE_FAULT, qualification: 0n, at: 1 });
    expect(m.field("idtVectoringInformation") & VALID).toBe(0n);
    expect(m.field("vmExitInterruptionInformation") & VALID).toBe(0n);
    expect(m.field("guestActivityState")).toBe(0n);
  });
});
