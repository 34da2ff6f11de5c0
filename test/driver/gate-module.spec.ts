/** The shared object of the gates: a real one, as binutils read it, and its functions as the executor runs them. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { gateModule } from "../../src/driver/gate-module.ts";
import { Gates } from "../../src/driver/gates.ts";
import { ModuleHost } from "../lib/module-host.ts";

const HAS_BINUTILS = spawnSync("objdump", ["--version"]).status === 0;

function tool(image: Uint8Array, ...command: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "gates-"));
  writeFileSync(join(folder, "gates.so"), image);
  const { stdout, stderr } = spawnSync(command[0], [...command.slice(1), join(folder, "gates.so")], { encoding: "utf8" });
  rmSync(folder, { recursive: true });
  expect(stderr).toBe("");
  return stdout;
}

// skipped without binutils, which are the second opinion on the file
// skipped without readelf and objdump, which are the second implementation
it.skipIf(!HAS_BINUTILS)("binutils find its symbols, weak functions of HLT and RET", () => {
  const { image, offsets } = gateModule(["mm_alloc", "console_write"]);
  const symbols = tool(image, "readelf", "-W", "--dyn-syms");
  expect(symbols).toMatch(/ 1: 0*1000 +2 FUNC +WEAK +DEFAULT +4 mm_alloc\n/);
  expect(symbols).toMatch(/ 2: 0*1010 +2 FUNC +WEAK +DEFAULT +4 console_write\n/);
  expect([...offsets]).toEqual([
    ["mm_alloc", 0x1000],
    ["console_write", 0x1010],
  ]);
  expect(tool(image, "objdump", "-d", "--no-show-raw-insn")).toMatch(
    /<mm_alloc>:\s+1000:\s+hlt\s+1001:\s+ret[\s\S]*<console_write>:\s+1010:\s+hlt/,
  );
  const segments = tool(image, "readelf", "-W", "-l", "-D", "--use-dynamic");
  expect(segments).toMatch(/LOAD .* R +0x1000\s+LOAD .* R E 0x1000\s+LOAD .* RW +0x1000\s+DYNAMIC/);
  expect(tool(image, "readelf", "-W", "-d")).toMatch(/\(HASH\)[\s\S]*\(STRTAB\)[\s\S]*\(SYMTAB\)[\s\S]*\(NULL\)/);
  expect(tool(image, "readelf", "-W", "-I")).toMatch(/bucket list length \(total of 1 bucket/);
});

it("answers while it is connected", () => {
  const host = new ModuleHost();
  const gates = new Gates({ add: (a, b) => a + b, negate: (a) => -a });
  const base = host.allocate(BigInt(gates.image.length));
  host.memory.write(base, gates.image);
  host.executor.protect(base + 0x1000n, 0x1000n, "code");
  gates.connect(host.executor, base);
  expect(host.executor.call(base + 0x1000n, [2n, 3n])).toBe(5n);
  expect(host.executor.call(base + 0x1010n, [2n])).toBe(0xffff_ffff_ffff_fffen);
  gates.disconnect(host.executor, base);
  expect(() => host.executor.call(base + 0x1000n, [2n, 3n])).toThrow("HLT in 0x");
});
