/**
 * The README's library example does what the README says. Its lines are the program's own natively; its instruction count is what
 * `qemu-x86_64 -singlestep -d exec,nochain` 7.2 counts.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";

/** below the package, so that it may import it by its name */
const SCRIPT = "build/readme-example.mjs";

test("README example", () => {
  const blocks = [...readFileSync("README.md", "utf8").matchAll(/```(\w*)\n([\s\S]*?)```/g)];
  const at = blocks.findIndex(([, language]) => language === "ts");
  writeFileSync(SCRIPT, blocks[at][2]);
  const { stdout, stderr, status } = spawnSync(process.execPath, [SCRIPT], { encoding: "utf8" });
  rmSync(SCRIPT);
  expect(stderr).toBe("");
  expect(stdout).toBe(blocks[at + 1][2]);
  expect(status).toBe(0);
});
