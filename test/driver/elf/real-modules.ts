/**
 * Real shared objects: `node .scripts/ts.mjs test/driver/elf/real-modules.ts` compiles the sources in test/fixtures/elf again and records
 * what readelf says about the objects. Tests use the committed ones and, where GCC is present, ones compiled on the spot.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const fixtures = join(import.meta.dirname, "../../fixtures/elf");
const COMMON = "-shared -fPIC -O2 -nostdlib -fno-stack-protector -fcf-protection=none -Wl,--build-id=none".split(" ");

const BUILDS: readonly [name: string, source: string, flags: string][] = [
  ["left.so", "left.c", "-mno-red-zone -Wl,--hash-style=sysv"],
  ["left-gnu.so", "left.c", "-mno-red-zone -Wl,--hash-style=gnu -Wl,-z,noseparate-code"],
  ["left-packed.so", "left.c", "-mno-red-zone -Wl,-z,pack-relative-relocs -s"],
  ["right.so", "right.c", "-mno-red-zone"],
  ["leaf-red-zone.so", "leaf.c", ""],
  ["leaf-no-red-zone.so", "leaf.c", "-mno-red-zone"],
];

export interface RealModule {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** what `readelf -W --relocs --dyn-syms --section-headers` prints */
  readonly listing: string;
}

export function committed(): readonly RealModule[] {
  return BUILDS.map(([name]) => ({
    name,
    bytes: new Uint8Array(readFileSync(join(fixtures, name))),
    listing: readFileSync(join(fixtures, `${name}.txt`), "utf8"),
  }));
}

export function compiled(): readonly RealModule[] | undefined {
  const folder = mkdtempSync(join(tmpdir(), "elf-"));
  try {
    execFileSync("gcc", ["--version"]);
    return BUILDS.map(([name, source, flags]) => {
      const path = join(folder, name);
      execFileSync("gcc", [...COMMON, ...flags.split(" ").filter((flag) => flag !== ""), "-o", path, join(fixtures, source)]);
      const options = ["-W", "--relocs", "--dyn-syms", "--section-headers"];
      return {
        name,
        bytes: new Uint8Array(readFileSync(path)),
        listing: execFileSync("readelf", [...options, path], { encoding: "utf8" }),
      };
    });
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (process.argv[1] === import.meta.filename) {
  for (const file of readdirSync(fixtures)) if (/\.so/.test(file)) rmSync(join(fixtures, file));
  for (const { name, bytes, listing } of compiled() ?? []) {
    writeFileSync(join(fixtures, name), bytes);
    writeFileSync(join(fixtures, `${name}.txt`), listing);
  }
}
