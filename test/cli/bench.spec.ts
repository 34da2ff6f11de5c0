/** `minusone bench`: reading the kernels' lines, comparing results, slowdowns and means; the command itself. */
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { Reader, type Timing } from "../../src/cli/bench/kernels.ts";
import { compareChecksums, type Measured, records, table } from "../../src/cli/bench/report.ts";
import type { System } from "../../src/cli/bench/systems.ts";

const system = (name: string): System => ({ name, version: "1", scale: 100, start: () => ({ command: [] }) });
const timing = (kernel: Timing["kernel"], seconds: number, checksum = "1"): Timing => ({ kernel, reps: 10, seconds, checksum });

describe("Reader", () => {
  test("takes times between the lines, however they are cut", () => {
    const reader = new Reader();
    reader.read("S crc32 000000", 1000);
    reader.read("0a\r\n", 2000);
    reader.read("E crc32 df3ccd3b\r\nS list 00000001\r\nE li", 4500);
    reader.read("st 00000002\nDONE\n", 4600);
    expect(reader.timings).toEqual([
      { kernel: "crc32", reps: 10, seconds: 2.5, checksum: "df3ccd3b" },
      { kernel: "list", reps: 1, seconds: 0.1, checksum: "00000002" },
    ]);
    expect(reader.done).toBe(true);
  });
});

describe("report", () => {
  const native: Measured = {
    system: system("native"),
    timings: [timing("crc32", 2), timing("crc32", 1), timing("list", 1), timing("list", 1)],
  };
  const other: Measured = {
    system: system("other"),
    timings: [timing("crc32", 4), timing("crc32", 9), timing("list", 25), timing("list", 27)],
  };

  test("slowdowns compare best with best; the geometric mean of 4 and 25 is 10", () => {
    const [, record] = records([native, other], ["crc32", "list"]);
    expect(record.slowdown).toEqual({ crc32: 4, list: 25 });
    expect(record.geomean?.all).toBe(10);
    expect(record.best).toEqual({ crc32: 400_000, list: 2_500_000 });
    expect(record.median).toEqual({ crc32: 650_000, list: 2_600_000 });
  });

  test("prints a column for each system", () => {
    const lines = table(records([native, other], ["crc32", "list"]), ["crc32", "list"]).split("\n");
    expect(lines[0].trim().split(/\s+/)).toEqual(["kernel", "native", "other"]);
    expect(lines[2].trim().split(/\s+/)).toEqual(["list", "1.0", "25.0"]);
  });

  test("refuses results that differ for the same work", () => {
    expect(compareChecksums([native, other])).toBe(4);
    expect(() => compareChecksums([native, { system: system("wrong"), timings: [timing("list", 1, "2")] }])).toThrow(
      "list × 10: wrong computed 2, native 1",
    );
  });
});

describe("minusone bench", () => {
  const run = (...args: string[]) => spawnSync(process.execPath, ["dist/cli/main.js", "bench", ...args], { encoding: "utf8" });

  test("times a kernel", () => {
    const { status, stdout } = run("--systems", "minusone", "--rounds", "1", "list");
    expect(stdout).toMatch(/^list +\d+\.\d$/m);
    expect(status).toBe(0);
  });

  test.each([
    [["nonsense"], "there is no kernel nonsense", 64],
    [["--systems", "vax"], "there is no system vax", 64],
    [["--rounds", "0"], "--rounds needs a number above 0", 64],
    [["--rounds", "1.5"], "--rounds needs a whole number", 64],
    [["--record", "/no/such/place"], "--record /no/such/place", 73],
  ])("refuses %j", (args, message, expected) => {
    const { status, stderr } = run(...args);
    expect(stderr).toContain(message);
    expect(stderr.split("\n").length).toBeLessThanOrEqual(3);
    expect(status).toBe(expected);
  });
});
