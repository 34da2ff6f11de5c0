/** Functions that use memory below the stack pointer are found by name, others are not. Machine code as objdump disassembles it. */
import { describe, expect, it } from "vitest";
import { ElfFile } from "../../src/driver/elf/elf-file.ts";
import { checkRedZone, redZoneUses } from "../../src/driver/red-zone.ts";
import { failure } from "../lib/driver-error.ts";
import { CODE, DATA, elfModule } from "../lib/elf-module.ts";
import { committed, compiled } from "./elf/real-modules.ts";

/** bytes below the stack pointer that a function of this code uses, undefined if none */
function below(hex: string): number | undefined {
  const code = Uint8Array.from(hex.split(" "), (byte) => Number.parseInt(byte, 16));
  const symbols = [{ name: "f", value: CODE, size: code.length }];
  const [use] = redZoneUses(new ElfFile("m", elfModule({ code, symbols })));
  return use?.bytes;
}

describe("code", () => {
  it.each([
    ["mov [rsp-8],rdi", "48 89 7c 24 f8 c3", 8],
    ["mov eax,[rsp-0x48]", "8b 44 24 b8 c3", 0x48],
    ["mov [rsp+rax*4-0x28],edi", "89 7c 84 d8 c3", 0x28],
    ["mov [rsp-0x80],1 with a 32-bit displacement", "c7 84 24 80 ff ff ff 01 00 00 00 c3", 0x80],
    ["movaps [rsp-0x18],xmm0", "0f 29 44 24 e8 c3", 0x18],
    ["lea rax,[rsp-0x20]: a local's address", "48 8d 44 24 e0 c3", 0x20],
    ["push rbp; mov rbp,rsp; mov [rbp-0x14],edi", "55 48 89 e5 89 7d ec 5d c3", 0x14],
    ["the same by mov r64,r/m64", "55 48 8b ec 89 7d ec 5d c3", 0x14],
    ["behind a jump", "eb 01 c3 48 89 7c 24 f8 c3", 8],
    ["where only an indirect jump leads", "ff e0 48 89 7c 24 f8 c3", 8],
    ["sub rsp,8 and 16 below RBP", "55 48 89 e5 48 83 ec 08 89 7d f0 c9 c3", 8],
  ])("%s", (_, hex, bytes) => {
    expect(below(hex)).toBe(bytes);
  });

  it.each([
    ["sub rsp,0x18; mov [rsp],rdi; add rsp,0x18", "48 83 ec 18 48 89 3c 24 48 83 c4 18 c3"],
    ["push rbp; mov rbp,rsp; sub rsp,0x20; mov [rbp-0x14],edi; leave", "55 48 89 e5 48 83 ec 20 89 7d ec c9 c3"],
    ["lea rsp,[rsp-0x20]; mov [rsp],rdi", "48 8d 64 24 e0 48 89 3c 24 48 8d 64 24 20 c3"],
    ["push rbp; mov rbp,rsp; push rbx; mov rbx,[rbp-8]", "55 48 89 e5 53 48 8b 5d f8 c9 c3"],
    ["mov [rdi-8],rsi", "48 89 77 f8 c3"],
    ["mov [r12-8],rsi: the same rm as RSP", "49 89 74 24 f8 c3"],
    ["mov [r13-8],rsi: the same rm as RBP", "49 89 75 f8 c3"],
    ["nop [rsp-8]", "0f 1f 44 24 f8 c3"],
    ["RBP as a plain register: mov rbp,rdi; mov [rbp-8],rsi", "48 89 fd 48 89 75 f8 c3"],
    ["two paths that disagree on the stack pointer", "55 48 89 e5 85 ff 74 04 48 83 ec 20 89 7d ec c9 c3"],
    ["bytes that are no instruction", "06 48 89 7c 24 f8 c3"],
  ])("not: %s", (_, hex) => {
    expect(below(hex)).toBeUndefined();
  });
});

it("much code in one function takes seconds, more of it is refused", () => {
  const nops = (size: number) => {
    const text = { data: new Uint8Array(size).fill(0x90), dataMemory: size, symbols: [{ name: "f", value: DATA }] };
    return new ElfFile(
      "m",
      elfModule({ ...text, segments: (usual) => usual.map((segment, i) => (i === 2 ? { ...segment, flags: 5 } : segment)) }),
    );
  };
  expect(redZoneUses(nops(2 << 20))).toEqual([]);
  expect(failure("BFELF_ERROR_UNSUPPORTED_FILE", () => checkRedZone(nops(17 << 20)))).toMatch(/has \d+ bytes of code/);
});

const fresh = compiled();
describe.each([["committed", committed()], ...(fresh === undefined ? [] : ([["compiled here", fresh]] as const))] as const)(
  "%s",
  (_, modules) => {
    const elf = (name: string) => new ElfFile(name, (modules.find((module) => module.name === name) as (typeof modules)[number]).bytes);

    it("GCC's red zone is found in the leaf function, and in the one that keeps more than it reserves", () => {
      const names = redZoneUses(elf("leaf-red-zone.so")).map(({ functionName }) => functionName);
      expect(names).toContain("leaf_uses_red_zone");
      expect(names).not.toContain("leaf_needs_no_stack");
      const message = failure("BFELF_ERROR_UNSUPPORTED_FILE", () => checkRedZone(elf("leaf-red-zone.so")));
      expect(message).toMatch(
        /^leaf-red-zone\.so: uses memory below the stack pointer: leaf_uses_red_zone\+0x[0-9a-f]+ \(\d+ bytes below\)/,
      );
      expect(message).toContain("-mno-red-zone");
    });
    it("code compiled with -mno-red-zone has none", () => {
      for (const name of ["leaf-no-red-zone.so", "left.so", "left-gnu.so", "left-packed.so", "right.so"])
        expect(redZoneUses(elf(name))).toEqual([]);
    });
  },
);
