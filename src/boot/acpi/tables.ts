/**
 * The ACPI tables of a PC, placed where systems that were not told look for them: the RSDP at the start of 0xE0000-0xFFFFF, which the memory
 * map reserves, the others behind it. ACPI Specification, "ACPI System Description Tables".
 */
import type { Memory } from "../../bus/device.ts";
import { Structure } from "../bytes.ts";
import { EXTENDED, FIRMWARE } from "../e820.ts";
import { LoadError } from "../load-error.ts";
import { type DsdtFields, dsdt, type SerialPortRow } from "./dsdt.ts";
import { facs, fadt } from "./fadt.ts";
import { madt } from "./madt.ts";
import { checksum, HEADER_BYTES, seal, table } from "./table.ts";

const RSDP_BYTES = 36;
/** the FACS must stand so; for the others it does no harm */
const ALIGN = 64;

export const COM_PORTS: readonly SerialPortRow[] = [
  { port: 0x3f8, irq: 4 },
  { port: 0x2f8, irq: 3 },
  { port: 0x3e8, irq: 4 },
  { port: 0x2e8, irq: 3 },
];

export interface AcpiFields extends Partial<DsdtFields> {
  readonly vga?: boolean;
}

export interface PlacedTable {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** Writes the tables; returns the address of the RSDP. */
export function placeAcpiTables(memory: Memory, fields: AcpiFields = {}): number {
  const placed = acpiTables(fields);
  for (const { address, bytes } of placed)
    if (!memory.write(address, bytes)) throw new LoadError("the ACPI tables need RAM at 0xe0000-0xfffff: at least 1 MiB of memory (-m 1M)");
  return placed[0].address;
}

/** The tables with their addresses, the RSDP first. */
export function acpiTables({
  processors = 1,
  serialPorts = COM_PORTS,
  mouse = false,
  vga = false,
}: AcpiFields = {}): readonly PlacedTable[] {
  let next = FIRMWARE + ALIGN;
  const place = (bytes: Uint8Array): PlacedTable => {
    const address = next;
    next = Math.ceil((address + bytes.length) / ALIGN) * ALIGN;
    if (next > EXTENDED) throw new LoadError(`the ACPI tables of ${processors} processors do not fit below 1 MiB`);
    return { address, bytes };
  };
  const control = place(facs());
  const devices = place(dsdt({ processors, serialPorts, mouse }));
  const tables = [place(fadt({ facs: control.address, dsdt: devices.address, vga })), place(madt(processors))];
  const rsdt = place(pointers("RSDT", tables, 4));
  const xsdt = place(pointers("XSDT", tables, 8));
  return [{ address: FIRMWARE, bytes: rsdp(rsdt.address, xsdt.address) }, control, devices, ...tables, rsdt, xsdt];
}

function pointers(signature: "RSDT" | "XSDT", tables: readonly PlacedTable[], size: 4 | 8): Uint8Array {
  const t = table(signature, 1, HEADER_BYTES + tables.length * size);
  tables.forEach(({ address }, i) => {
    t.u32(HEADER_BYTES + i * size, address);
  });
  return seal(t);
}

function rsdp(rsdt: number, xsdt: number): Uint8Array {
  const r = new Structure(RSDP_BYTES).text(0, "RSD PTR ").text(9, "MINUS1").u8(15, 2);
  r.u32(16, rsdt).u32(20, RSDP_BYTES).u64(24, xsdt);
  r.u8(8, checksum(r.bytes.subarray(0, 20))); // as revision 0 has it
  return r.u8(32, checksum(r.bytes)).bytes;
}
