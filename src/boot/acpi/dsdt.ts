/**
 * DSDT: the devices that cannot be found by asking them, and how the machine is switched off. Reads as ASL. ACPI Specification, "ACPI-Defined
 * Devices and Device-Specific Objects", "_PRT (PCI Routing Table)".
 */
import { SLOTS } from "../../devices/pci/bus.ts";
import { gsiOf, PCI_MEMORY, PIRQ_IRQS, PIRQ_PIN } from "../../devices/pci/host.ts";
import { type Aml, Arg0, Device, EisaId, If, Method, Name, nameString, Package, Return, Scope, Store } from "./aml.ts";
import { DWordMemory, DWordMemoryCacheable, IO, IRQNoFlags, ResourceTemplate, WordBusNumber, WordIO } from "./resources.ts";
import { HEADER_BYTES, seal, table } from "./table.ts";

export interface SerialPortRow {
  readonly port: number;
  readonly irq: number;
}

export interface DsdtFields {
  readonly processors: number;
  readonly serialPorts: readonly SerialPortRow[];
  /** whether a mouse is connected to the keyboard controller */
  readonly mouse: boolean;
}

/** SLP_TYP that switches the machine off */
export const S5 = 0;

export function dsdt(fields: DsdtFields): Uint8Array {
  const code = definitionBlock(fields);
  return seal(table("DSDT", 2, HEADER_BYTES + code.length).put(HEADER_BYTES, Uint8Array.from(code)));
}

function definitionBlock({ processors, serialPorts, mouse }: DsdtFields): Aml {
  return [
    Name("PICF", 0),
    Method("_PIC", 1, Store(Arg0, nameString("PICF"))),
    Name("_S5", Package(S5, S5, 0, 0)),
    Scope("_SB", ...Array.from({ length: processors }, (_, id) => processor(id)), hostBridge()),
    Scope("_SB.PCI0", isaBridge(serialPorts, mouse)),
  ].flat();
}

function processor(id: number): Aml {
  return Device(`C${id.toString(16).toUpperCase().padStart(3, "0")}`, Name("_HID", "ACPI0007"), Name("_UID", id));
}

function hostBridge(): Aml {
  return Device(
    "PCI0",
    Name("_HID", EisaId("PNP0A03")),
    Name("_UID", 0),
    Name(
      "_CRS",
      ResourceTemplate(
        WordBusNumber(0, 0xff),
        IO(0xcf8, 8),
        WordIO(0, 0xcf7),
        WordIO(0xd00, 0xffff),
        DWordMemoryCacheable(0xa_0000, 0xb_ffff),
        DWordMemory(PCI_MEMORY.base, PCI_MEMORY.end - 1),
      ),
    ),
    Name("PRTA", routing(gsiOf)),
    Name(
      "PRTP",
      routing((slot, pin) => PIRQ_IRQS[gsiOf(slot, pin) - PIRQ_PIN]),
    ),
    Method("_PRT", 0, If(nameString("PICF"), Return(nameString("PRTA"))), Return(nameString("PRTP"))),
  );
}

/** A row for each pin of each slot: address, pin, no link device, interrupt. */
function routing(interruptOf: (slot: number, pin: number) => number): Aml {
  const pins = Array.from({ length: SLOTS * 4 }, (_, i) => ({ slot: i >> 2, pin: i & 3 }));
  return Package(...pins.map(({ slot, pin }) => Package(slot * 0x1_0000 + 0xffff, pin, 0, interruptOf(slot, pin))));
}

function isaBridge(serialPorts: readonly SerialPortRow[], mouse: boolean): Aml {
  return Device(
    "ISA",
    Name("_ADR", 0x1_0000),
    Device("RTC", Name("_HID", EisaId("PNP0B00")), Name("_CRS", ResourceTemplate(IO(0x70, 2), IRQNoFlags(8)))),
    Device("KBD", Name("_HID", EisaId("PNP0303")), Name("_CRS", ResourceTemplate(IO(0x60, 1), IO(0x64, 1), IRQNoFlags(1)))),
    ...(mouse ? [Device("MOU", Name("_HID", EisaId("PNP0F13")), Name("_CRS", ResourceTemplate(IRQNoFlags(12))))] : []),
    ...serialPorts.map(({ port, irq }, i) => serialPort(i + 1, port, irq)),
  );
}

/** a 16550A */
function serialPort(number: number, port: number, irq: number): Aml {
  return Device(
    `COM${number}`,
    Name("_HID", EisaId("PNP0501")),
    Name("_UID", number),
    Name("_CRS", ResourceTemplate(IO(port, 8), IRQNoFlags(irq))),
  );
}
