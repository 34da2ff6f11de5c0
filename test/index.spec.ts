/** The library: what a program that embeds minusone relies on. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { LoadError, runProgram } from "../src/index.ts";
import { MODULE, pathOf } from "./boot/linux-user/program.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const calls = (...args: string[]) => ({ module: MODULE, program: pathOf("calls"), args, memoryMib: 32 });

describe("runProgram", () => {
  test("gives status, output and instructions", async () => {
    const result = await runProgram({ ...calls("echo", "a b"), environment: ["X=1"] });
    expect({ ...result, stdout: text(result.stdout) }).toMatchObject({ status: 0, stdout: "[echo][a b]{X=1} fds 0 1 2\n" });
    expect(result.instructions).toBeGreaterThan(1000);
    expect((await runProgram(calls("status", "42"))).status).toBe(42);
  });

  test("two runs are the same to the instruction", async () => {
    const [a, b] = [await runProgram(calls("restart")), await runProgram(calls("restart"))];
    expect(a.instructions).toBe(b.instructions);
    expect(text(a.stdout)).toBe(text(b.stdout));
  });

  test("limits and signals end a run", async () => {
    const endless = calls("endless");
    expect(await runProgram({ ...endless, maxInstructions: 1e6 })).toMatchObject({ interruption: "instruction limit" });
    expect(await runProgram({ ...endless, timeLimit: 100 })).toMatchObject({ interruption: "time limit" });
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 100);
    expect(await runProgram({ ...endless, signal: abort.signal })).toMatchObject({ interruption: "aborted" });
  });

  test("what cannot be loaded fails with the reason", async () => {
    const missing = runProgram({ module: MODULE, program: "/no/such/program" });
    await expect(missing).rejects.toThrow(LoadError);
    await expect(missing).rejects.toMatchObject({ path: "/no/such/program", reason: "there is no such file" });
  });

  test("writing needs leave", async () => {
    const { stdout } = await runProgram(calls("changes"));
    expect(text(stdout)).toMatch(/^mkdir\("d", 0755\) = -1 Read-only file system/);
  });
});

/** the numbers of the real kernel, where its headers are installed */
const HEADER = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h";
const header = (() => {
  try {
    return readFileSync(HEADER, "utf8");
  } catch {
    return undefined;
  }
})();

describe("system calls", () => {
  test.skipIf(header === undefined)("have the numbers of the kernel's header", async () => {
    const { SYSTEM_CALLS } = await import("../src/boot/linux-user/calls/all.ts");
    const numbers = new Map([...(header ?? "").matchAll(/^#define __NR_(\w+) (\d+)$/gm)].map(([, name, number]) => [name, Number(number)]));
    for (const { name, number } of SYSTEM_CALLS.values()) expect({ name, number }).toEqual({ name, number: numbers.get(name) });
  });
});
