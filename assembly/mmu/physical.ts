/**
 * The physical map: which guest-physical addresses are RAM, and where RAM stands in linear memory. As in the PC, RAM fills the addresses up
 * to 3 GiB, the rest of it those from 4 GiB on; what lies between belongs to devices.
 *
 *      0                      3 GiB          4 GiB
 *     ┌──────────────────────┬──────────────┬───────────────────┐
 *     │ RAM, the first 3 GiB │ devices      │ RAM, what is left │
 *     └──────────────────────┴──────────────┴───────────────────┘
 */
import { RAM } from "../memory-map";

const HOLE: u64 = 0xc0000000;
const HOLE_END: u64 = 0x100000000;

/** end of the low part; bytes of the high one: set once by the host */
let lowEnd: u64 = 0;
let highSize: u64 = 0;

export function setRamSize(bytes: u64): void {
  lowEnd = min<u64>(bytes, HOLE);
  highSize = bytes - lowEnd;
}

/** Physical address of a byte of RAM at a linear address. */
export function physicalOf(host: usize): u64 {
  const at = <u64>(host - RAM);
  return at < lowEnd ? at : at - lowEnd + HOLE_END;
}

/** Linear address of a byte of RAM, or 0: the address belongs to a device, or to nobody. */
export function hostOf(gpa: u64): usize {
  if (gpa < lowEnd) return RAM + <usize>gpa;
  const high = gpa - HOLE_END;
  return high < highSize ? RAM + <usize>(lowEnd + high) : 0;
}
