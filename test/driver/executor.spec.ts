/**
 * Machine code in the driver's context. Expected values come from the SDM and the System V ABI; the machine code was assembled by GNU as.
 */
import { describe, expect, it } from "vitest";
import { BudgetError, ModuleException, ModuleFault, StackOverflow } from "../../src/driver/module-fault.ts";
import { VECTOR } from "../../src/spec/events.ts";
import { SERVICE_VCPU } from "../../src/vmm/constants.ts";
import { ModuleHost } from "../lib/module-host.ts";

const NAMES = { nameOf: (address: bigint) => `test.so: f+0x${(address & 0xfffn).toString(16)}` };

function thrown(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("a call", () => {
  it("passes six arguments and returns RAX", () => {
    const host = new ModuleHost();
    // lea rax,[rdi+rsi*2]; lea rax,[rax+rdx*4]; lea rax,[rax+rcx*8]; add rax,r8; sub rax,r9; ret
    const f = host.code("488D0477 488D0490 488D04C8 4C01C0 4C29C8 C3");
    expect(host.executor.call(f, [1n, 2n, 3n, 4n, 5n, 6n])).toBe(1n + 4n + 12n + 32n + 5n - 6n);
    expect(host.executor.call(f, [0n, 0n, 0n, 0n, 0n, 1n])).toBe(0xffff_ffff_ffff_ffffn);
  });

  it("enters with RSP 8 below a multiple of 16, DF clear and interrupts off", () => {
    const host = new ModuleHost();
    // mov rax,rsp; ret
    expect(host.executor.call(host.code("4889E0C3")) & 15n).toBe(8n);
    // pushfq; pop rax; ret: nothing set but the bit that always is
    expect(host.executor.call(host.code("9C58C3")) & ~0x8d5n).toBe(2n);
  });

  it("runs on a vCPU of its own: the OS's state and RAM stay, bit by bit, in every mode of it", () => {
    for (const mode of ["real", "pae", "57-bit"]) {
      const host = new ModuleHost();
      const os = host.core.vcpu(0);
      for (let i = 0; i < 16; i++) os.bytesOf("xmm", i).fill(i + 1);
      os.set("rax", 0x1234n);
      if (mode === "pae") {
        // PDPTE registers that memory does not have
        os.set("cr0", 0x8000_0011n);
        os.set("cr4", 0x20n);
        os.set("cr3", 0x1000n);
        os.set("pdpte", 0x5001n, 1);
      } else if (mode === "57-bit") {
        os.set("cr0", 0x8000_0011n);
        os.set("cr4", 0x1020n);
        os.set("efer", 0x500n);
      }
      os.bytesOf("flagA").fill(0x5a);
      const before = host.osHash();
      // mov [rsp-64],rax; movq xmm3,rsp; cpuid; mov rax,[0xfffff00000000000 + rdi]; ret
      const f = host.code("48894424C0 66480F6EDC 0FA2 48B80000000000F0FFFF 488B0438 C3");
      host.executor.call(f, [0n]);
      expect(host.osHash()).toBe(before);
      thrown(() => host.executor.call(host.code("0F0B")));
      expect(host.osHash()).toBe(before);
    }
  });

  it("takes no time of the OS, which runs on as if nothing had been", () => {
    const run = (disturbed: boolean) => {
      const host = new ModuleHost();
      const os = host.core.vcpu(0);
      host.core.ram.set([0x40, 0xeb, 0xfd], 0x1000); // inc ax; jmp back
      os.set("csBase", 0n);
      os.set("rip", 0x1000n);
      os.refresh();
      const f = host.code("B8E8030000 FFC8 75FC C3");
      for (let i = 0; i < 20; i++) {
        os.run(97n);
        if (disturbed) host.executor.call(f);
      }
      return { hash: host.osHash(), now: os.now, rax: os.get("rax") };
    };
    expect(run(true)).toEqual(run(false));
  });

  it("the OS's translations do not leak into it, nor its own into the OS", () => {
    const host = new ModuleHost();
    const os = host.core.vcpu(0);
    // 32-bit paging of the OS maps linear 0 to 0x3000; the service vCPU must not see it
    const ram = new DataView(host.core.ram.buffer, host.core.ram.byteOffset);
    ram.setUint32(0x1000, 0x2003, true);
    ram.setUint32(0x2000, 0x3003, true);
    host.core.ram.set([0xa1, 0, 0, 0, 0, 0xeb, 0xf9], 0x3000); // mov eax,[0]; jmp back
    os.set("cr3", 0x1000n);
    os.set("cr0", 0x8000_0011n);
    os.set("csBase", 0n);
    os.set("rip", 0n);
    for (const s of ["cs", "ds", "ss"]) {
      os.setNumber(`${s}Rights`, s === "cs" ? 0xc09b : 0xc093);
      os.setNumber(`${s}Limit`, 0xffff_ffff);
    }
    os.setNumber("mode", 1);
    os.refresh();
    os.run(50n);
    expect(os.get("rax")).toBe(0xa1n);
    // mov rax,[0]; ret
    const error = thrown(() => host.executor.call(host.code("488B042500000000 C3")));
    expect(error).toMatchObject({ vector: VECTOR.PF, address: 0n });
    os.set("rax", 0n);
    os.run(50n);
    expect(os.get("rax")).toBe(0xa1n);
  });

  it("nothing interrupts it: its local APIC is off, its timer not armed", () => {
    const host = new ModuleHost();
    const f = host.code("B840420F00 FFC8 75FC C3"); // a million rounds
    host.core.vcpu(0).raiseNmi();
    host.core.vcpu(0).setIntr(true);
    host.core.message(0xfee0_0000, 0x31);
    host.executor.call(f);
    const service = host.core.vcpu(SERVICE_VCPU);
    expect(service.get("apicBase")).toBe(0n);
    expect(service.nextTimer).toBe(Number.POSITIVE_INFINITY);
    expect(service.getNumber("pending")).toBe(0);
  });

  it("does the same every time", () => {
    const run = () => {
      const host = new ModuleHost();
      const f = host.code("0F31 48C1E220 4809D0 C3"); // rdtsc
      return [host.executor.call(f), host.executor.call(f), host.executor.instructions];
    };
    const first = run();
    expect(first[1]).toBeGreaterThan(first[0]);
    expect(run()).toEqual(first);
  });
});

describe("a gate", () => {
  it("calls TypeScript with six arguments and takes its result", () => {
    const host = new ModuleHost();
    const gate = host.code("F4C3");
    const calls: (readonly bigint[])[] = [];
    host.executor.offer(gate, (...args) => {
      calls.push(args);
      return -1n;
    });
    // sub rsp,8; mov rax,GATE; call rax; add rsp,8; ret
    const f = host.code(`4883EC08 48B8${little(gate)} FFD0 4883C408 C3`);
    expect(host.executor.call(f, [1n, 2n, 3n, 4n, 5n, 6n])).toBe(0xffff_ffff_ffff_ffffn);
    expect(calls).toEqual([[1n, 2n, 3n, 4n, 5n, 6n]]);
  });

  it("may call machine code again, whose registers are its own", () => {
    const host = new ModuleHost();
    const gate = host.code("F4C3");
    // f(n): push rbx; mov rbx,rdi; test rdi,rdi; jz end; dec rdi; mov rax,GATE; call rax; end: add rax,rbx; pop rbx; ret
    const f = host.code(`53 4889FB 31C0 4885FF 740F 48FFCF 48B8${little(gate)} FFD0 4801D8 5B C3`);
    host.executor.offer(gate, (n) => host.executor.call(f, [n]));
    expect(host.executor.call(f, [10n])).toBe(55n);
    expect(thrown(() => host.executor.call(f, [100n]))).toMatchObject({ message: expect.stringContaining("more than 32 calls") });
    expect(host.executor.call(f, [4n])).toBe(10n);
  });

  it("that throws ends the machine code: the caller gets the error itself", () => {
    const host = new ModuleHost();
    const gate = host.code("F4C3");
    const reason = new Error("no");
    host.executor.offer(gate, () => {
      throw reason;
    });
    const before = host.osHash();
    expect(thrown(() => host.executor.call(host.code(`48B8${little(gate)} FFE0`)))).toBe(reason);
    expect(host.osHash()).toBe(before);
    expect(host.executor.call(host.code("4889F8C3"), [7n])).toBe(7n);
  });
});

describe("what machine code does wrong", () => {
  const cases: readonly (readonly [string, string, Readonly<Record<string, unknown>>, RegExp])[] = [
    ["#UD", "90 0F0B", { vector: VECTOR.UD, errorCode: 0, address: undefined }, /^#UD in test\.so: f\+0x1$/],
    ["#DE", "31C9 F7F1", { vector: VECTOR.DE }, /^#DE in test\.so: f\+0x2$/],
    ["#GP", "48B80000000000000080 488B00", { vector: VECTOR.GP, errorCode: 0 }, /^#GP\(0h\) in test\.so: f\+0xa$/],
    ["#PF, read", "8B042510000000", { vector: VECTOR.PF, errorCode: 0, address: 16n }, /^#PF by read of 0x10, which is not mapped, in/],
    ["#PF, write", "88042510000000", { vector: VECTOR.PF, errorCode: 2, address: 16n }, /^#PF by write of 0x10, which is not mapped/],
    // W^X: code may not be written; lea rax,[rip]; mov [rax],al
    ["#PF, write to code", "488D0500000000 8800", { vector: VECTOR.PF, errorCode: 3 }, /not permitted, in test\.so: f\+0x7$/],
    // NX: the stack may not be executed; push -0x3d; jmp rsp
    ["#PF, execution of data", "6AC3 FFE4", { vector: VECTOR.PF, errorCode: 0x11 }, /^#PF by execution of 0x.*, which is not permitted/],
    ["int 0x80", "CD80", { vector: VECTOR.GP, errorCode: 0x402 }, /^#GP\(402h\)/],
    ["int3", "CC", { vector: VECTOR.BP }, /^#BP/],
  ];
  it.each(cases)("%s", (_, code, fields, message) => {
    const host = new ModuleHost(NAMES);
    const before = host.osHash();
    const error = thrown(() => host.executor.call(host.code(code), [0xd1n]));
    expect(error).toBeInstanceOf(ModuleException);
    expect(error).toMatchObject({ ...fields, message: expect.stringMatching(message) });
    expect((error as ModuleException).registers.rdi).toBe(0xd1n);
    expect(host.osHash()).toBe(before);
    expect(host.executor.call(host.code("4889F8C3"), [7n])).toBe(7n);
  });

  it("a HLT of its own", () => {
    const host = new ModuleHost(NAMES);
    const error = thrown(() => host.executor.call(host.code("90F4")));
    expect(error).toBeInstanceOf(ModuleFault);
    expect(error).toMatchObject({ message: "HLT in test.so: f+0x1" });
  });

  it("never to return", () => {
    const host = new ModuleHost(NAMES);
    const error = thrown(() => host.executor.call(host.code("90EBFE"), [], { budget: 10_000n }));
    expect(error).toBeInstanceOf(BudgetError);
    expect(error).toMatchObject({
      budget: 10_000n,
      message: "test.so: f+0x0 has not returned after 10000 instructions; it is in test.so: f+0x1",
    });
  });

  it("to call a gate for ever", () => {
    const host = new ModuleHost(NAMES);
    const gate = host.code("F4C3");
    host.executor.offer(gate, () => 0n);
    // again: mov rax,GATE; call rax; jmp again
    const error = thrown(() => host.executor.call(host.code(`48B8${little(gate)} FFD0 EBF2`), [], { budget: 10_000n }));
    expect(error).toBeInstanceOf(BudgetError);
  });

  it("CONST-13 to run out of its stack: ENTRY_ERROR_STACK_OVERFLOW", () => {
    const host = new ModuleHost(NAMES);
    const error = thrown(() => host.executor.call(host.code("50EBFD"))); // push rax; jmp
    expect(error).toBeInstanceOf(StackOverflow);
    expect(error).toMatchObject({
      code: 0x8000_0000_0000_0010n,
      message: expect.stringMatching(/^stack overflow at 0x[\da-f]+ in test\.so: f\+0x0$/),
    });
  });

  it("to return with another stack pointer", () => {
    const host = new ModuleHost(NAMES);
    // push [rsp]; push [rsp]; ret: comes back 16 bytes too low
    const error = thrown(() => host.executor.call(host.code("FF3424 FF3424 C3")));
    expect(error).toMatchObject({ message: expect.stringContaining("stack pointer that is not the caller's") });
  });
});

function little(value: bigint): string {
  return Array.from({ length: 8 }, (_, i) => ((value >> BigInt(8 * i)) & 0xffn).toString(16).padStart(2, "0")).join("");
}
