/**
 * The bundled operating system: its committed image is what its sources say, and does what it did on QEMU 7.2 (TCG) on 22 November 2026
 * (test/fixtures/demo.txt, made by test/demo/record.ts).
 */
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { expect, test } from "vitest";
import { CAN_REBUILD, rebuild } from "../lib/rebuild.ts";
import { comparable, HAS_QEMU, IMAGE, runQemu } from "./kernel-text.ts";

const recorded = readFileSync("test/fixtures/demo.txt", "utf8");

test("the image is small", () => {
  expect(statSync(IMAGE).size).toBeLessThanOrEqual(65536);
});

test.skipIf(!CAN_REBUILD)("the image is built from src/demo/kernel", () => {
  mkdirSync("build", { recursive: true });
  const built = `${process.cwd()}/build/kernel`;
  const { sameCompiler, sameBytes } = rebuild("src/demo/kernel/build.sh", [built], IMAGE, built);
  if (sameCompiler) expect(sameBytes).toBe(true);
  if (HAS_QEMU) expect(runQemu(built, "selftest")).toMatch(/^selftest: (\d+) of \1 ok\r?$/m);
});

test.skipIf(!HAS_QEMU)("QEMU runs the demonstration as recorded", () => {
  expect(comparable(runQemu(IMAGE, "demo"))).toBe(recorded);
});
