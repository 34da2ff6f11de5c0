/** The ACPI tables against what Intel's compiler makes of the same source, and against the field lists of the specification. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Device, EisaId, nameString, Package } from "../../src/boot/acpi/aml.ts";
import { dsdt } from "../../src/boot/acpi/dsdt.ts";
import { acpiTables, COM_PORTS, placeAcpiTables } from "../../src/boot/acpi/tables.ts";
import { LoadError } from "../../src/boot/load-error.ts";
import { GuestRam } from "../lib/guest-ram.ts";

const hex = (bytes: Iterable<number>) => [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");

describe("AML", () => {
  it("of the DSDT is what iasl makes of its ASL source", () => {
    const [, ...lines] = readFileSync("test/fixtures/acpi/dsdt.txt", "utf8").trim().split("\n");
    const ours = dsdt({ processors: 2, serialPorts: COM_PORTS, mouse: true });
    expect(hex(ours.subarray(36))).toBe(lines.join(""));
  });

  it("packs names, identifiers and lengths", () => {
    expect(hex(nameString("\\_SB.PCI0.ISA"))).toBe(`5c2f03${hex(Buffer.from("_SB_PCI0ISA_"))}`);
    expect(hex(nameString("^A.B"))).toBe(`5e2e${hex(Buffer.from("A___B___"))}`);
    expect(EisaId("PNP0A03")).toBe(0x030a_d041); // as in the specification's example
    expect(hex(Device("A").slice(0, 3))).toBe("5b8205");
    const lengthOf = (elements: number) => hex(Package(...new Array<number>(elements).fill(0)).slice(1, 3));
    expect([61, 62].map(lengthOf)).toEqual(["3f3d", "4104"]); // one byte up to 63, then the low four bits first
  });

  it("refuses what is no name", () => {
    expect(() => Device("COM10")).toThrow(/"COM10" is no ACPI name/);
    expect(() => Device("com1")).toThrow(RangeError);
  });
});

describe("tables", () => {
  const memory = new GuestRam(16 * 2 ** 20);
  const rsdp = placeAcpiTables(memory, { processors: 2, vga: true });
  const bytesAt = (address: number, length: number) => new Uint8Array(memory.at(address, length).buffer);
  const tableAt = (address: number) => memory.at(address, memory.at(address + 4, 4).getUint32(0, true));
  const signature = (address: number) => new TextDecoder().decode(bytesAt(address, 4));
  const sum = (bytes: Uint8Array) => bytes.reduce((a, b) => a + b, 0) & 0xff;
  const root = memory.at(rsdp, 36);
  const xsdt = tableAt(Number(root.getBigUint64(24, true)));
  const tables = Array.from({ length: (xsdt.byteLength - 36) / 8 }, (_, i) => Number(xsdt.getBigUint64(36 + i * 8, true)));
  const fadt = tableAt(tables[0]);
  const dsdtAt = fadt.getUint32(40, true);

  it("are found from the RSDP at the start of the BIOS area", () => {
    expect(rsdp).toBe(0xe_0000);
    expect(new TextDecoder().decode(bytesAt(rsdp, 8))).toBe("RSD PTR ");
    expect(tables.map(signature)).toEqual(["FACP", "APIC"]);
    expect(signature(dsdtAt)).toBe("DSDT");
  });

  it("are the same in RSDT and XSDT", () => {
    const rsdt = tableAt(root.getUint32(16, true));
    expect(Array.from({ length: (rsdt.byteLength - 36) / 4 }, (_, i) => rsdt.getUint32(36 + i * 4, true))).toEqual(tables);
  });

  it("have sums of 0", () => {
    const all = [root.getUint32(16, true), Number(root.getBigUint64(24, true)), dsdtAt, ...tables];
    for (const address of all) expect(sum(new Uint8Array(tableAt(address).buffer))).toBe(0);
    expect([sum(bytesAt(rsdp, 20)), sum(bytesAt(rsdp, 36))]).toEqual([0, 0]);
  });

  it("FADT says where power management is, and how to reset", () => {
    expect([56, 64, 76].map((at) => fadt.getUint32(at, true))).toEqual([0x600, 0x604, 0x608]);
    expect([150, 174, 210].map((at) => fadt.getUint8(at - 1))).toEqual([32, 16, 32]); // widths of the same as generic addresses
    expect([152, 176, 212].map((at) => Number(fadt.getBigUint64(at, true)))).toEqual([0x600, 0x604, 0x608]);
    expect(fadt.getUint16(46, true)).toBe(9);
    expect([Number(fadt.getBigUint64(120, true)), fadt.getUint8(128)]).toEqual([0xcf9, 6]);
    expect(fadt.getUint16(109, true)).toBe(3);
    expect(Number(fadt.getBigUint64(140, true))).toBe(dsdtAt);
  });

  it("FADT points to an aligned FACS", () => {
    const facs = fadt.getUint32(36, true);
    expect([signature(facs), facs % 64, Number(fadt.getBigUint64(132, true))]).toEqual(["FACS", 0, facs]);
  });

  it("MADT has the processors, the I/O APIC, the two overrides and the NMI", () => {
    const madt = new Uint8Array(tableAt(tables[1]).buffer);
    expect(hex(madt.subarray(36, 44))).toBe("0000e0fe01000000");
    const entries: string[] = [];
    for (let at = 44; at < madt.length; at += madt[at + 1]) entries.push(hex(madt.subarray(at, at + madt[at + 1])));
    expect(entries).toEqual([
      "0008000001000000",
      "0008010101000000",
      "010c00000000c0fe00000000",
      "020a0000020000000000",
      "020a0009090000000d00",
      "0406ff000001",
    ]);
  });

  it("say so when there is no VGA, and no room", () => {
    const bytes = acpiTables().find((t) => hex(t.bytes.subarray(0, 4)) === hex(Buffer.from("FACP")))?.bytes ?? new Uint8Array();
    expect(bytes[109]).toBe(7);
    expect(() => placeAcpiTables(new GuestRam(0x8_0000))).toThrow(LoadError);
    expect(() => acpiTables({ processors: 4000 })).toThrow(/4000 processors do not fit/);
  });
});
