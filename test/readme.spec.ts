/**
 * The README's library examples do what the README says. What the kernel prints, it prints under QEMU too. The program's lines are its own
 * natively; its instruction count is what `qemu-x86_64 -singlestep -d exec,nochain` 7.2 counts.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";

/** below the package, so that it may import it by its name */
const SCRIPT = "build/readme-example.mjs";

const blocks = [...readFileSync("README.md", "utf8").matchAll(/```(\w*)\n([\s\S]*?)```/g)];
const examples = blocks.flatMap(([, language], at) => (language === "ts" ? [at] : []));

test.each(examples)("README example in block %i", (at) => {
  writeFileSync(SCRIPT, blocks[at][2]);
  const { stdout, stderr, status } = spawnSync(process.execPath, [SCRIPT], { encoding: "utf8" });
  rmSync(SCRIPT);
  expect(stderr).toBe("");
  // on a serial line, lines end with CR LF
  expect(stdout.replaceAll("\r", "")).toBe(blocks[at + 1][2]);
  expect(status).toBe(0);
});
