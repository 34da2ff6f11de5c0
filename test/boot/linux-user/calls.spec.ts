/** Every family of system calls: the same program, the same output as on a real Linux (calls.json says which and when). */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CALLS, pathOf, type Recording, run } from "./program.ts";

const { answers } = JSON.parse(readFileSync(new URL("calls.json", import.meta.url), "utf8")) as Recording;

describe("system calls", () => {
  test.each(CALLS)("%s", async (name) => {
    const directory = mkdtempSync(join(tmpdir(), "calls-"));
    try {
      const { stdout, status } = await run(pathOf("calls"), [name], { directory });
      expect(stdout).toBe(answers[name].stdout);
      expect(status).toBe(answers[name].status);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
