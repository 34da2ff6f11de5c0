/** FADT and FACS: fixed hardware. ACPI Specification, "Fixed ACPI Description Table", of revision 3, and "Firmware ACPI Control Structure". */
import { Structure } from "../bytes.ts";
import { portRegister, seal, table } from "./table.ts";

const FADT_BYTES = 244;
export const FACS_BYTES = 64;

/** Fixed hardware of the machine's power management. */
export const POWER = { EVENTS: 0x600, CONTROL: 0x604, TIMER: 0x608, SCI: 9 } as const;
/** The reset control register, and what written to it resets at once. */
const RESET = { PORT: 0xcf9, VALUE: 6 } as const;
const CENTURY = 0x32;
/** latencies that mean: no such state */
const NO_C2 = 101;
const NO_C3 = 1001;

const BOOT = { LEGACY_DEVICES: 1, KEYBOARD_CONTROLLER: 2, NO_VGA: 4 } as const;
/** WBINVD works; HLT works on all processors; no sleep button; the clock wakes nobody; PM timer has 32 bits; reset register */
const FLAGS = (1 << 0) | (1 << 2) | (1 << 5) | (1 << 6) | (1 << 8) | (1 << 10);

export interface FadtFields {
  readonly facs: number;
  readonly dsdt: number;
  readonly vga: boolean;
}

export function fadt({ facs, dsdt, vga }: FadtFields): Uint8Array {
  const t = table("FACP", 3, FADT_BYTES);
  t.u32(36, facs).u32(40, dsdt).u16(46, POWER.SCI); // no SMI command: the machine is always in ACPI mode
  t.u32(56, POWER.EVENTS).u32(64, POWER.CONTROL).u32(76, POWER.TIMER);
  t.u8(88, 4).u8(89, 2).u8(91, 4); // their lengths
  t.u16(96, NO_C2).u16(98, NO_C3);
  t.u8(108, CENTURY).u16(109, BOOT.LEGACY_DEVICES | BOOT.KEYBOARD_CONTROLLER | (vga ? 0 : BOOT.NO_VGA));
  t.u32(112, FLAGS);
  portRegister(t, 116, RESET.PORT, 8, 1).u8(128, RESET.VALUE);
  t.u64(132, facs).u64(140, dsdt);
  portRegister(t, 148, POWER.EVENTS, 32, 2);
  portRegister(t, 172, POWER.CONTROL, 16, 2);
  portRegister(t, 208, POWER.TIMER, 32, 3);
  return seal(t);
}

export function facs(): Uint8Array {
  return new Structure(FACS_BYTES).text(0, "FACS").u32(4, FACS_BYTES).u8(32, 1).bytes;
}
