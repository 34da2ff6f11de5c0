/** Hosts in 32-bit mode. SDM Vol. 3 "Checking and Loading Host Page-Directory-Pointer-Table Entries", "VMX Aborts". */
import { describe, expect, it } from "vitest";
import { STOP } from "../../src/spec/events.ts";
import { EXIT_REASON } from "../../src/spec/exits.ts";
import { SELECTOR } from "../lib/ring0.ts";
import { HOST, VMCS, VmxMachine } from "../lib/vmx.ts";

const CPUID = "0F A2";
const DIRECTORY = 0x6_8000n;
const PDPT = 0x6_9000;
/** the page directory of ring0.ts, of two pages of 2 MiB */
const PAGES = 0x3000n;
const [PSE, PAE, VMXE] = [0x10n, 0x20n, 0x2000n];
const ABORT_PDPTES = 2n;

/** a 32-bit host with PAE paging, and a guest with 32-bit paging */
const machine = (pdpte: bigint) => {
  const m = new VmxMachine().hostIn32().with({
    vmExitControls: (old) => old & ~(1n << 9n),
    vmEntryControls: (old) => old & ~(1n << 9n),
    hostIa32Efer: 0n,
    hostCr3: BigInt(PDPT),
    hostCr4: PAE | VMXE,
    hostCsSelector: BigInt(SELECTOR.CODE32),
    guestIa32Efer: 0n,
    guestCr3: DIRECTORY,
    guestCr4: PSE | VMXE,
    guestCsSelector: BigInt(SELECTOR.CODE32),
    guestCsAccessRights: 0xc09bn,
  });
  m.ring0.write(PDPT, pdpte);
  return m;
};
const abortIndicator = (m: VmxMachine): bigint => m.ring0.read(VMCS) >> 32n;

describe("a 32-bit host with PAE paging", () => {
  it("has its PDPTEs from memory at its CR3", () => {
    const m = machine(PAGES | 1n);
    expect(m.launch(CPUID)).toBe(STOP.HALT);
    expect(m.field("exitReason")).toBe(BigInt(EXIT_REASON.CPUID));
    const { vcpu } = m.ring0;
    expect([vcpu.get("rip"), vcpu.getNumber("mode"), vcpu.get("pdpte", 0)]).toEqual([BigInt(HOST) + 1n, 1, PAGES | 1n]);
    expect(abortIndicator(m)).toBe(0n);
  });
  it("is lost where one of them has a reserved bit: VMX abort 2", () => {
    for (const bit of [1n, 2n, 5n, 8n, 40n, 63n]) {
      const m = machine(PAGES | 1n | (1n << bit));
      expect(m.launch(CPUID)).toBe(STOP.SHUTDOWN);
      expect(abortIndicator(m)).toBe(ABORT_PDPTES);
    }
  });
});
