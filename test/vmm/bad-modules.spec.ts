/**
 * Bad modules over the whole VMM: whatever is wrong with one, the verb ends in its documented error and names the module, and nothing has
 * changed: neither the OS nor its memory, bit by bit, nor what the VMM has. The OS runs on, and good modules can be loaded.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { DriverError } from "../../src/driver/driver-error.ts";
import { STATE } from "../../src/driver/states.ts";
import { type ERROR_CODE, errorName } from "../../src/vmm/error-codes.ts";
import { CODE, DATA, elfModule, type ModuleText, type SegmentText } from "../lib/elf-module.ts";
import { VmmHost } from "../lib/vmm-host.ts";

type Code = keyof typeof ERROR_CODE;
/** instructions of ten rounds of the OS */
const TEN = 60n;

const fixture = (name: string) => new Uint8Array(readFileSync(`test/fixtures/modules/${name}`));
const GOOD = fixture("globals.so");

function errorOf(verb: () => void): DriverError | undefined {
  try {
    verb();
  } catch (error) {
    if (error instanceof DriverError) return error;
    throw error;
  }
  return undefined;
}

/** The verb that fails, what it fails with, and that it is as if it had not been called. */
function refused(verb: "add" | "load" | "start", file: Uint8Array, code: Code, says: RegExp): void {
  const host = new VmmHost();
  const { vmm } = host;
  host.run(7n);
  if (verb === "load") vmm.addModule("good.so", GOOD);
  if (verb !== "add") vmm.addModule("bad.so", file);
  if (verb === "start") vmm.load();
  const { state } = vmm;
  const os = host.osState();
  const used = vmm.usage;
  const error = errorOf(() => (verb === "add" ? vmm.addModule("bad.so", file) : vmm[verb]()));
  expect([errorName(error?.code ?? 0n), error?.message]).toEqual([code, expect.stringMatching(says)]);
  expect([host.changes(os), vmm.state]).toEqual([[], state]);
  // the debug ring of a vCPU stays, since it says what went wrong
  if (verb === "start") expect({ ...vmm.usage, heap: used.heap }).toEqual(used);
  expect(host.run(TEN)).toBe(10n);
  vmm.unload();
  vmm.addModule("good.so", GOOD);
  vmm.load();
  vmm.start();
  expect([vmm.state, host.run(TEN)]).toEqual([STATE.RUNNING, 10n]);
  vmm.stop();
}

const patched = (at: number, ...bytes: number[]) => {
  const file = elfModule({});
  file.set(bytes, at);
  return file;
};
const segment = (index: number, fields: Partial<SegmentText>): ModuleText => ({
  segments: (usual) => usual.map((usually, i) => (i === index ? { ...usually, ...fields } : usually)),
});
const hugeHashTable = () => {
  const file = elfModule({ symbols: [{ name: "f", value: CODE }], buckets: 1 });
  const view = new DataView(file.buffer);
  // its address is what tag 4 of the dynamic section says
  for (let at = 0; at < CODE; at += 8) {
    if (view.getBigUint64(at, true) === 4n && view.getBigUint64(at + 16, true) === 7n) {
      view.setUint32(Number(view.getBigUint64(at + 8, true)) + 4, 0xffff_ffff, true);
      return file;
    }
  }
  throw new Error("no hash table");
};
const hex = (text: string) => Uint8Array.from(text.split(" "), (byte) => Number.parseInt(byte, 16));
/** a module with a function that is called first */
const constructed = (code: string, more: ModuleText = {}) => elfModule({ code: hex(code), dynamic: [[12, CODE]], ...more });

describe("refused when they are added", () => {
  it.each<readonly [string, Uint8Array, Code, RegExp]>([
    ["nothing", new Uint8Array(0), "BF_ERROR_INVALID_ARG", /^bad\.so: the file is empty/],
    ["a text", new TextEncoder().encode("#!/bin/sh\n".repeat(20)), "BFELF_ERROR_INVALID_SIGNATURE", /^bad\.so: not an ELF file/],
    ["a header cut off", GOOD.subarray(0, 63), "BFELF_ERROR_INVALID_ARG", /^bad\.so: 63 bytes/],
    [
      "a module cut off",
      GOOD.subarray(0, 0x1200),
      "BFELF_ERROR_INVALID_FILE",
      /^bad\.so: the table of section headers .* the file ends at 0x1200/,
    ],
    [
      "a segment cut off",
      elfModule({}).subarray(0, DATA),
      "BFELF_ERROR_INVALID_SEGMENT",
      /^bad\.so: the segment at 0x20000 .* ends at 0x20000/,
    ],
    ["32 bits", patched(4, 1), "BFELF_ERROR_UNSUPPORTED_FILE", /^bad\.so: .*32 bits/],
    ["another machine", patched(18, 183), "BFELF_ERROR_UNSUPPORTED_FILE", /^bad\.so: .*AArch64/],
    ["an object file", patched(16, 1), "BFELF_ERROR_UNSUPPORTED_FILE", /^bad\.so: .*-shared/],
    ["a fixed address", elfModule({ type: 2, base: 0x40_0000 }), "BFELF_ERROR_UNSUPPORTED_FILE", /^bad\.so: linked to stand at 0x400000/],
    ["overlapping segments", elfModule(segment(1, { address: 0x20 })), "BFELF_ERROR_INVALID_SEGMENT", /^bad\.so: .*overlaps/],
    ["writable code", elfModule(segment(1, { flags: 7 })), "BFELF_ERROR_INVALID_SEGMENT", /^bad\.so: .*writable and executable/],
    ["4 GiB of zeros", elfModule({ dataMemory: 0xf000_0000 }), "BF_ERROR_OUT_OF_MEMORY", /bad\.so.*MEMORY_POOL_BYTES/],
    [
      "2^63 bytes of zeros",
      elfModule(segment(2, { memorySize: 1n << 63n })),
      "BFELF_ERROR_INVALID_SEGMENT",
      /^bad\.so: an image of .* too large/,
    ],
    ["a huge symbol table", hugeHashTable(), "BFELF_ERROR_INVALID_FILE", /^bad\.so: the hash table of 1 buckets and 4294967295 symbols/],
    ["a red zone", fixture("red-zone.so"), "BFELF_ERROR_UNSUPPORTED_FILE", /^bad\.so: .*leaf_with_red_zone\+0x[0-9a-f]+ /],
  ])("%s", (_, file, code, says) => {
    refused("add", file, code, says);
  });
});

describe("refused when they are loaded", () => {
  const relocation = (fields: object): Uint8Array => {
    const symbols = [{ name: "nobody_has_it" }];
    return elfModule({ symbols, relocations: [{ at: DATA, type: 6, symbol: "nobody_has_it", ...fields }] });
  };
  it.each<readonly [string, Uint8Array, Code, RegExp]>([
    ["a symbol that nobody defines", relocation({}), "BFELF_ERROR_NO_SUCH_SYMBOL", /^bad\.so: needs nobody_has_it/],
    [
      "a relocation outside of the image",
      relocation({ at: 0x7fff_ff00 }),
      "BFELF_ERROR_INVALID_FILE",
      /^bad\.so: .*0x7fffff00, outside of the image/,
    ],
    ["a relocation below the image", relocation({ at: -8n }), "BFELF_ERROR_INVALID_FILE", /^bad\.so: .*outside of the image/],
    ["thread-local storage", relocation({ type: 16 }), "BFELF_ERROR_UNSUPPORTED_RELA", /^bad\.so: .*R_X86_64_DTPMOD64/],
    [
      "relocations that the file does not hold",
      elfModule({ dynamic: [[8, 1n << 50n]] }),
      "BFELF_ERROR_INVALID_FILE",
      /^bad\.so: .*DT_RELA/,
    ],
    ["a constructor that faults", fixture("faulting-constructor.so"), "CRT_FAILURE", /local_init of bad\.so: .*bad\.so: /],
    ["a constructor that throws", fixture("throwing-constructor.so"), "CRT_FAILURE", /local_init of bad\.so: /],
    ["an undefined instruction", constructed("0f 0b"), "CRT_FAILURE", /local_init of bad\.so: #UD in bad\.so: 0x10000/],
    [
      "a read of the OS's memory",
      constructed("48 8b 04 25 00 00 10 00 c3"),
      "CRT_FAILURE",
      /local_init of bad\.so: #PF by read of 0x100000/,
    ],
    ["a write to its own code", constructed("c6 05 f9 ff ff ff 90 c3"), "CRT_FAILURE", /local_init of bad\.so: #PF by write/],
    ["a jump into its own data", constructed("e9 fb ff 00 00"), "CRT_FAILURE", /local_init of bad\.so: #PF by execution/],
    ["endless recursion", constructed("e8 fb ff ff ff c3"), "ENTRY_ERROR_STACK_OVERFLOW", /local_init of bad\.so: stack overflow/],
    // mov ecx, n; lea rdi, [rsp+8]; mov al, 0x55; rep stosb; ret
    [
      "a stack overwritten by 64 bytes",
      constructed("b9 40 00 00 00 48 8d 7c 24 08 b0 55 f3 aa c3"),
      "CRT_FAILURE",
      /local_init of bad\.so: /,
    ],
    [
      "a stack overwritten to its top",
      constructed("b9 00 40 00 00 48 8d 7c 24 08 b0 55 f3 aa c3"),
      "CRT_FAILURE",
      /local_init of bad\.so: /,
    ],
    ["a stack pointer into its own code", constructed("48 8d 25 00 00 00 00 50 c3"), "CRT_FAILURE", /local_init of bad\.so: #PF by write/],
    ["a stack pointer to nowhere", constructed("31 e4 50 c3"), "CRT_FAILURE", /local_init of bad\.so: #PF by write of 0xfffffffffffffff8/],
    [
      "a triple fault in earnest: no descriptor tables, then #UD",
      constructed("50 48 31 c0 0f 01 1c 24 0f 0b"),
      "CRT_FAILURE",
      /local_init of bad\.so: /,
    ],
    ["interrupts off and HLT", constructed("fa f4 c3"), "CRT_FAILURE", /local_init of bad\.so: HLT in bad\.so: 0x10001/],
  ])("%s", (_, file, code, says) => {
    refused("load", file, code, says);
  });
  it("a constructor that never returns", () => {
    refused("load", constructed("eb fe"), "CRT_FAILURE", /local_init of bad\.so: .*has not returned after \d+ instructions/);
  }, 60_000);
});

describe("refused when the VMM is started", () => {
  const starting = (code: string) => elfModule({ code: hex(code), symbols: [{ name: "start_vmm", value: CODE }] });
  it.each<readonly [string, string, Code, RegExp]>([
    ["a start_vmm that faults", "0f 0b", "ENTRY_ERROR_VMM_START_FAILED", /start_vmm on CPU 0: #UD in bad\.so: start_vmm\+0x0/],
    ["a start_vmm that answers an error", "b8 05 00 00 00 c3", "UNDEFINED_ERROR_CODE" as Code, /start_vmm on CPU 0: it answered 0x5/],
    // it says that it has started what has not: then nobody answers the vmcall
    ["a start_vmm that does nothing", "31 c0 c3", "ENTRY_ERROR_VMM_START_FAILED", /vmcall start on CPU 0: the OS is not in a VM/],
  ])("%s", (_, code, name, says) => {
    refused("start", starting(code), name, says);
  });
});

describe("handlers that fail", () => {
  it("EXIT-10: a handler that throws stops the CPU and says why; stop takes the OS out, which runs on from the instruction that it was at", () => {
    for (const error of [new Error("the extension is broken"), "no error at all"]) {
      const host = new VmmHost();
      const { vmm, os } = host;
      let isBroken = true;
      vmm.use((vm) => {
        vm.onCpuid(0, () => {
          if (isBroken) throw error;
          return undefined;
        });
      });
      vmm.load();
      vmm.start();
      // inc, two xors, CPUID
      expect([host.run(TEN), vmm.cpu.isStopped, host.run(TEN)]).toEqual([1n, true, 0n]);
      expect(host.serial).toContain(error instanceof Error ? error.message : "Unknown Exception Caught");
      expect(host.serial).toContain("vCPU 0x0 halts");
      expect(errorOf(() => void vmm.vmcall([1n, 0xb045eacdacd52e22n]))?.message).toContain("the VMM has stopped the CPU");
      vmm.stop();
      expect([vmm.state, vmm.cpu.isStopped]).toEqual([STATE.LOADED, false]);
      expect(os.vcpu.getNumber("vmx")).toBe(0);
      expect(host.run(TEN)).toBe(10n);
      // it is as if there had been no VMM
      const alone = new VmmHost();
      alone.run(os.vcpu.get("instructions"));
      const registers = ({ os: { vcpu } }: VmmHost) =>
        (["rax", "rbx", "rcx", "rdx", "rsp", "r15", "rip", "cr4"] as const).map((name) => vcpu.get(name));
      expect(registers(host)).toEqual(registers(alone));
      isBroken = false;
      vmm.start();
      expect(host.run(TEN)).toBe(10n);
      vmm.stop();
      vmm.unload();
      expect(vmm.state).toBe(STATE.UNLOADED);
    }
  });
  it("EXIT-10: reset takes the OS out as well", () => {
    const host = new VmmHost();
    host.vmm.use((vm) => {
      vm.onCpuid(0, () => {
        throw new Error("broken");
      });
    });
    host.vmm.load();
    host.vmm.start();
    host.run(TEN);
    host.vmm.reset();
    expect([host.vmm.state, host.run(TEN)]).toEqual([STATE.UNLOADED, 10n]);
  });
});
