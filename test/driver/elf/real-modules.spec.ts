/** Modules that GCC and ld made, linked in every order: what readelf lists decides what must be in the images. */
import { describe, expect, it } from "vitest";
import { ElfFile } from "../../../src/driver/elf/elf-file.ts";
import { Loader } from "../../../src/driver/elf/loader.ts";
import { committed, compiled, type RealModule } from "./real-modules.ts";

const BASES: Readonly<Record<string, bigint>> = { left: 0x7000_0000_0000n, right: 0xffff_f000_0000_0000n };
const baseOf = (name: string) => BASES[name.startsWith("left") ? "left" : "right"];

/** `.dynsym` as readelf lists it: value, binding, section, name. */
function symbolsOf({ listing }: RealModule) {
  const lines = listing.matchAll(/^ +\d+: ([0-9a-f]{16}) +\d+ \w+ +(\w+) +\w+ +(\w+) (\S+)$/gm);
  return [...lines].map(([, value, binding, section, name]) => ({ value: BigInt(`0x${value}`), binding, section, name }));
}

function relocationsOf({ listing }: RealModule) {
  const usual = listing.matchAll(/^([0-9a-f]{16}) +[0-9a-f]{16} (R_X86_64_\w+) +(?:[0-9a-f]{16} (\S+) \+ )?([0-9a-f]+)$/gm);
  const packed = listing.matchAll(/^([0-9a-f]{16})$/gm);
  return [
    ...[...usual].map(([, at, type, symbol, addend]) => ({ at: Number(`0x${at}`), type, symbol, addend: BigInt(`0x${addend}`) })),
    ...[...packed].map(([, at]) => ({ at: Number(`0x${at}`), type: "RELR", symbol: undefined, addend: 0n })),
  ];
}

const fresh = compiled();
const sets: [string, readonly RealModule[]][] = [["committed", committed()]];
if (fresh !== undefined) sets.push(["compiled here", fresh]);

describe.each(sets)("%s", (_, modules) => {
  const named = (name: string) => modules.find((module) => module.name === name) as RealModule;

  it.each(["left.so", "left-gnu.so", "left-packed.so"])("ELF-12 ELF-13 ELF-14: %s with right.so, added in either order", (left) => {
    for (const order of [
      [left, "right.so"],
      ["right.so", left],
    ]) {
      const loader = new Loader();
      for (const name of order) {
        const elf = new ElfFile(name, named(name).bytes);
        loader.add(elf, elf.image(), baseOf(name));
      }
      const before = new Map(loader.modules.map(({ module, image }) => [module, image.slice()]));
      loader.relocate();
      for (const { module, image } of loader.modules) {
        const view = new DataView(image.buffer);
        const unrelocated = new DataView((before.get(module) as Uint8Array<ArrayBuffer>).buffer);
        const relocations = relocationsOf(named(module));
        expect(relocations.length).toBeGreaterThan(module === "right.so" ? 0 : 8);
        for (const { at, type, symbol, addend } of relocations) {
          const expected =
            type === "RELR"
              ? unrelocated.getBigUint64(at, true) + baseOf(module)
              : symbol === undefined
                ? baseOf(module) + addend
                : addressOf(symbol, order) + addend;
          expect(view.getBigUint64(at, true), `${module} ${type} ${symbol}`).toBe(expected);
          unrelocated.setBigUint64(at, expected, true);
        }
        expect(Buffer.from(image).equals(Buffer.from(unrelocated.buffer)), "nothing else is changed").toBe(true);
      }
    }
  });

  /** The strong definition; there is one of each symbol, or none. */
  function addressOf(symbol: string, order: readonly string[]): bigint {
    const [found] = order.flatMap((name) =>
      symbolsOf(named(name))
        .filter((s) => s.name === symbol && s.section !== "UND" && s.binding === "GLOBAL")
        .map(({ value }) => value + baseOf(name)),
    );
    return found ?? 0n;
  }

  it("ELF-8 ELF-10: sections as readelf lists them", () => {
    for (const { name, bytes, listing } of modules) {
      const { ranges } = new ElfFile(name, bytes);
      const section = (title: string) => {
        const match = new RegExp(`\\] ${title} +\\w+ +([0-9a-f]{16}) [0-9a-f]{6} ([0-9a-f]{6})`).exec(listing);
        return match === null ? { address: 0n, size: 0n } : { address: BigInt(`0x${match[1]}`), size: BigInt(`0x${match[2]}`) };
      };
      expect(ranges.ehFrame).toMatchObject(section("\\.eh_frame"));
      expect(ranges.initArray).toMatchObject(section("\\.init_array"));
      expect(ranges.finiArray).toMatchObject(section("\\.fini_array"));
    }
  });

  it("ELF-11 ELF-15: as many symbols as readelf lists, each of them found, whatever hash table there is", () => {
    for (const module of modules) {
      const { symbols } = new ElfFile(module.name, module.bytes);
      const listed = symbolsOf(module);
      expect(symbols.count).toBe(listed.length + 1);
      for (const { name, value, section } of listed) expect(symbols.find(name)?.value).toBe(section === "UND" ? undefined : value);
    }
  });

  it("functions are known by name, also of a stripped module", () => {
    const functions = (name: string) => new ElfFile(name, named(name).bytes).functions.map((symbol) => symbol.name);
    expect(functions("left.so")).toEqual(["left_destruct", "left_construct", "shared_choice", "left_sum"]);
    expect(functions("left-packed.so")).toEqual(["shared_choice", "left_sum"]);
  });
});
