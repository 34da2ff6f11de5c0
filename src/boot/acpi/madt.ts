/** MADT: processors and interrupt controllers. ACPI Specification, "Multiple APIC Description Table". */

import { type Aml, littleEndian } from "./aml.ts";
import { POWER } from "./fadt.ts";
import { HEADER_BYTES, seal, table } from "./table.ts";

const LOCAL_APIC = 0xfee0_0000;
const IO_APIC = 0xfec0_0000;
/** the PC has a pair of 8259s as well */
const PCAT_COMPAT = 1;
const ENABLED = 1;
/** APIC identifiers from here on need the x2APIC's structures */
const X2APIC_FROM = 255;
const ALL_PROCESSORS = 0xff;
/** polarity and trigger: as usual on the bus, or level, active high */
const AS_USUAL = 0;
const LEVEL_HIGH = 0x0d;
/** the timer's ISA interrupt 0 arrives where the 8259s' output would */
const TIMER_PIN = 2;

export function madt(processors: number): Uint8Array {
  const entries = [
    ...Array.from({ length: processors }, (_, id) => processor(id)),
    [1, 12, 0, 0, ...littleEndian(IO_APIC, 4), ...littleEndian(0, 4)],
    override(0, TIMER_PIN, AS_USUAL),
    override(POWER.SCI, POWER.SCI, LEVEL_HIGH),
    [4, 6, ALL_PROCESSORS, ...littleEndian(AS_USUAL, 2), 1], // NMI is LINT1
  ].flat();
  const t = table("APIC", 3, HEADER_BYTES + 8 + entries.length);
  t.u32(36, LOCAL_APIC).u32(40, PCAT_COMPAT).put(44, Uint8Array.from(entries));
  return seal(t);
}

function processor(id: number): Aml {
  if (id < X2APIC_FROM) return [0, 8, id, id, ...littleEndian(ENABLED, 4)];
  return [9, 16, 0, 0, ...littleEndian(id, 4), ...littleEndian(ENABLED, 4), ...littleEndian(id, 4)];
}

/** Interrupt Source Override of an ISA interrupt */
function override(irq: number, gsi: number, flags: number): Aml {
  return [2, 10, 0, irq, ...littleEndian(gsi, 4), ...littleEndian(flags, 2)];
}
