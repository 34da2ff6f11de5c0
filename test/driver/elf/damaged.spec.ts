/**
 * Damaged modules: real ones with bytes changed at random, mostly where the tables are. Each either loads or is refused with a documented
 * code and the module's name; nothing else may be thrown, and all of them together take seconds. One seed is one damage:
 * `SEED=12345 npx vitest run test/driver/elf/damaged.spec.ts` runs only that one.
 */
import { expect, it } from "vitest";
import { DriverError } from "../../../src/driver/driver-error.ts";
import { ElfFile } from "../../../src/driver/elf/elf-file.ts";
import { Loader } from "../../../src/driver/elf/loader.ts";
import { errorName } from "../../../src/vmm/error-codes.ts";
import { committed, compiled } from "./real-modules.ts";

const ROUNDS = 6000;
const modules = [...committed(), ...(compiled() ?? [])];
const right = modules.find(({ name }) => name === "right.so") as (typeof modules)[number];

function randomOf(seed: number) {
  let state = seed >>> 0 || 1;
  return (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const VALUES = [0, 1, 0x7f, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff];

/** Where damage matters: headers, tables, or anywhere. */
function damaged(seed: number): { name: string; bytes: Uint8Array } {
  const random = randomOf(seed);
  const { name, bytes } = modules[random(modules.length)];
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  const headers = Number(view.getBigUint64(40, true));
  const areas: readonly (readonly [start: number, length: number])[] = [
    [0, 64],
    [64, 56 * 8],
    [0x200, 0x500],
    [headers, copy.length - headers],
    [0, copy.length],
  ];
  for (let n = random(8) + 1; n > 0; n--) {
    const [start, length] = areas[random(areas.length)];
    const at = Math.min(start + random(length), copy.length - 8);
    const value = VALUES[random(VALUES.length)];
    const way = random(4);
    if (way === 0) copy[at] ^= 1 << random(8);
    else if (way === 1) view.setUint16(at & ~1, value & 0xffff, true);
    else if (way === 2) view.setUint32(at & ~3, value, true);
    else view.setBigUint64(at & ~7, BigInt(value) << BigInt(random(33)), true);
  }
  return { name, bytes: random(10) === 0 ? copy.subarray(0, random(copy.length)) : copy };
}

/** Loads it with all that a driver does before anything runs; says what became of it. */
function load(seed: number): string {
  const { name, bytes } = damaged(seed);
  try {
    const loader = new Loader();
    const elf = new ElfFile(name, bytes);
    if (elf.totalSize > 1 << 24) return "too large for the pool";
    loader.add(elf, elf.image(), 0xffff_f000_0000_0000n);
    const other = new ElfFile("right.so", right.bytes);
    loader.add(other, other.image(), 0x7000_0000_0000n);
    loader.relocate();
    for (const module of loader.modules) module.sectionInfo();
    void elf.functions;
    return "loaded";
  } catch (error) {
    if (!(error instanceof DriverError)) throw new Error(`seed ${seed}: ${error}`, { cause: error });
    expect(error.message, `seed ${seed}`).toMatch(/^(leaf|left|right)[-a-z]*\.so: ./);
    return errorName(error.code);
  }
}

it("any damage ends in a documented code, or does not matter", () => {
  const only = process.env.SEED;
  const results = new Map<string, number>();
  const start = performance.now();
  for (let i = 0; i < (only === undefined ? ROUNDS : 1); i++) {
    const result = load(only === undefined ? i : Number(only));
    results.set(result, (results.get(result) ?? 0) + 1);
  }
  expect(performance.now() - start).toBeLessThan(40_000);
  if (only !== undefined) console.log(results);
  // each way that a module can be refused is met
  else expect([...results.keys()]).toEqual(expect.arrayContaining(["loaded", "BFELF_ERROR_INVALID_FILE", "BFELF_ERROR_INVALID_SEGMENT"]));
});

it.each([16, 64, 256, 1024])("a file cut off after each multiple of %i bytes", (step) => {
  for (let length = 0; length < right.bytes.length; length += step * 7) {
    try {
      void new ElfFile("right.so", right.bytes.subarray(0, length)).functions;
    } catch (error) {
      expect(error).toBeInstanceOf(DriverError);
    }
  }
});
