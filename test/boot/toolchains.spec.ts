/** Programs that this machine's compilers make: the same output here as natively. Each runs where its compiler is installed. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { run } from "./linux-user/program.ts";

const folder = mkdtempSync(join(tmpdir(), "toolchains-"));
afterAll(() => rmSync(folder, { recursive: true }));

const has = (command: string) => process.platform === "linux" && process.arch === "x64" && spawnSync(command, ["--version"]).status === 0;

function build(source: string, command: string, ...options: string[]): string {
  const output = join(folder, source.replace(".", "-"));
  const input = new URL(`toolchains/${source}`, import.meta.url).pathname;
  const { status, stderr } = spawnSync(command, [...options, "-o", output, input], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return output;
}

async function expectAsNative(program: string): Promise<void> {
  const { status, stdout } = spawnSync(program, { encoding: "utf8", env: {} });
  expect(await run(program, [])).toMatchObject({ status, stdout });
}

describe("compiled programs", () => {
  // skipped without the compiler: these programs are built here, for they are too large to commit
  test.skipIf(!has("g++")).each(["-static", "-static-pie", "-pie"])("C++ with exceptions and streams, %s", async (linkage) => {
    await expectAsNative(build("streams.cpp", "g++", "-O2", linkage));
  });

  // skipped without the compiler, as above
  test.skipIf(!has("g++"))("a thread is refused, and the program told so", async () => {
    const { status, stdout } = await run(build("thread.cpp", "g++", "-O2", "-static"), []);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "refused: Resource temporarily unavailable\n" });
  });

  // skipped without the compiler, as above
  test.skipIf(!has("rustc"))("Rust, static", async () => {
    await expectAsNative(build("hello.rs", "rustc", "-O", "-C", "target-feature=+crt-static"));
  });
});
