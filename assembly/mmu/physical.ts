/** The physical map: which guest-physical addresses are RAM, and where RAM stands in linear memory. */
import { RAM } from "../memory-map";

/** bytes of RAM, set once by the host */
let ramSize: u64 = 0;

export function setRamSize(bytes: u64): void {
  ramSize = bytes;
}

export function isRam(gpa: u64): bool {
  return gpa < ramSize;
}

/** Linear address of a byte of RAM; outside of RAM reads of the guard page give zeros and writes are lost. */
export function hostOf(gpa: u64): usize {
  return gpa < ramSize ? RAM + <usize>gpa : 0;
}
