/** Modules whose code handles VM exits, in the whole VMM: loaded, started, stopped and unloaded as any other. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { VMX } from "../../src/spec/events.ts";
import { CODE } from "../lib/ring0.ts";
import { OS, VmmHost } from "../lib/vmm-host.ts";

const COUNTER = "src/modules/examples/cpuid-counter.so";
const EXITS = "test/fixtures/modules/exits.so";
/** a round of the OS, with one CPUID */
const ROUND = 6n;

function started(file: string): VmmHost {
  const host = new VmmHost();
  // exceptions go where the CPU's go
  host.os.set({ options: 0 });
  host.vmm.addModule("example.so", readFileSync(file));
  host.vmm.load();
  host.vmm.start();
  return host;
}

/** instructions of the handlers are the OS's time, as on any CPU: runs until the OS has gone round so often */
function rounds(host: VmmHost, count: bigint): void {
  const { vcpu } = host.os;
  const end = vcpu.get("r15") + count;
  for (let i = 0; vcpu.get("r15") < end || vcpu.getNumber("vmx") === VMX.ROOT; i++) {
    if (i === 100_000) throw new Error(`the OS does not go on: RIP ${vcpu.get("rip").toString(16)}, stop ${vcpu.getNumber("stop")}`);
    vcpu.run(1n);
  }
}

describe("a module that counts CPUID", () => {
  it("counts what the OS does, which gets the answers of the CPU", () => {
    const host = started(COUNTER);
    const { vcpu } = host.os;
    rounds(host, 25n);
    // leaf 0 of the CPU that it runs on
    const vendor = ["rbx", "rdx", "rcx"].map((name) => vcpu.get(name));
    // mov eax,40000000h; cpuid; inc r15; jmp: behind the 25 of the rounds, whose last one has gone on to its CPUID
    host.os.code("B800000040 0FA2 49FFC7 EBF4").set({ rip: BigInt(CODE) });
    vcpu.refresh();
    rounds(host, 1n);
    expect([vcpu.get("rax"), vcpu.get("rbx")]).toEqual([26n, 0x756e_696dn]);
    host.os.code(OS).set({ rip: BigInt(CODE) });
    vcpu.refresh();
    host.vmm.stop();
    host.run(ROUND * 2n);
    expect(["rbx", "rdx", "rcx"].map((name) => vcpu.get(name))).toEqual(vendor);
    expect(host.vmm.status()).toContain("VMM_LOADED");
    host.vmm.unload();
  });

  it("TypeScript does not hear of its exits, and of all others", () => {
    const host = started(COUNTER);
    rounds(host, 10n);
    const vcpu = host.vmm.session.vcpus.get(0n) as unknown as { exitHandler: { exitStats(): Readonly<Record<string, number>> } };
    expect(vcpu.exitHandler.exitStats().cpuid).toBeUndefined();
    // the driver's vmcalls: versions
    expect(host.vmm.vmcall([1n, 0xb045_eacd_acd5_2e22n, 0n])[1]).toBe(0n);
    host.vmm.stop();
    expect(host.run(ROUND)).toBe(1n);
  });

  it("is loaded and started again and again, and nothing is lost", () => {
    const host = new VmmHost();
    const file = readFileSync(COUNTER);
    const cycle = () => {
      host.vmm.addModule("example.so", file);
      host.vmm.load();
      host.vmm.start();
      rounds(host, 3n);
      host.vmm.stop();
      host.vmm.unload();
      return host.vmm.usage;
    };
    const used = cycle();
    for (let i = 0; i < 10; i++) expect(cycle()).toEqual(used);
  });
});

describe("a module whose handler fails", () => {
  it("EXIT-10 faults: it is told, TypeScript handles the exit, the OS runs on, and the VMM stops as always", () => {
    const host = started(EXITS);
    const { vcpu } = host.os;
    // leaf 0 leaves something else in RBX, so that the handler takes it; then it is 1, and the handler faults
    host.os.code("49FFC7 BB01000000 31C0 31C9 0FA2 EBF0");
    vcpu.set("rip", vcpu.get("rip") & ~0xfffn);
    vcpu.refresh();
    rounds(host, 5n);
    expect(host.vmm.dump()).toMatch(/not asked again: #PF by write of 0x10, which is not mapped, in example\.so: on_cpuid\+0x/);
    const answer = ["rbx", "rdx", "rcx"].map((name) => vcpu.get(name));
    host.vmm.stop();
    rounds(host, 1n);
    vcpu.run(4n);
    expect(["rbx", "rdx", "rcx"].map((name) => vcpu.get(name))).toEqual(answer);
    host.vmm.unload();
  });
});
