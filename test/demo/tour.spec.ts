/**
 * The demonstration: its committed program is what its sources say, and does on minusone what it did on an AMD EPYC (Zen 4) on 22 November
 * 2026 (test/fixtures/tour.txt). Only the lines about the processor may differ.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CAN_REBUILD, nativeOutput, rebuild } from "../lib/rebuild.ts";

const recorded = readFileSync("test/fixtures/tour.txt", "utf8");

test.skipIf(!CAN_REBUILD)("tour is built from src/demo/guest", () => {
  mkdirSync("build", { recursive: true });
  const { sameCompiler, sameBytes } = rebuild(
    "src/demo/guest/build.sh",
    [`${process.cwd()}/build/tour`],
    "src/demo/guest/tour",
    "build/tour",
  );
  if (sameCompiler) expect(sameBytes).toBe(true);
  for (const program of ["src/demo/guest/tour", "build/tour"])
    expect(nativeOutput(program, []).split("\n").slice(2).join("\n")).toBe(recorded);
});

test("npm start runs it", () => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [".scripts/start.mjs"], { encoding: "utf8" });
  expect(stderr).toBe("");
  expect(stdout).toMatch(/^processor {3}minusone/m);
  expect(stdout).toContain(recorded);
  expect(stdout).toMatch(/^[\d,]+ instructions in [\d.]+ s: \d+ million a second$/m);
  expect(status).toBe(0);
});
