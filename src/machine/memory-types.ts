/**
 * The memory types that firmware programs: RAM write-back, the VGA's memory and the devices below 4 GiB uncacheable. Without them Linux does
 * not use its page attribute table. SDM Vol. 3 "Memory Type Range Registers (MTRRs)".
 */
import type { Vcpu } from "../core/core.ts";
import { ADDRESS_BITS } from "../spec/cpuid.ts";
import { LOW_RAM_END } from "./guest-memory.ts";

const UNCACHEABLE = 0n;
const WRITE_BACK = 6n;
/** E and FE of IA32_MTRR_DEF_TYPE */
const ENABLED = 0xc00n;
const MASK_VALID = 0x800n;
const HOLE = BigInt(0x1_0000_0000 - LOW_RAM_END);
const FIXED_RANGES = 11;
/** the fixed range 16K_A0000 */
const VGA = 2;
const EACH_BYTE = 0x0101_0101_0101_0101n;

export function setMemoryTypes(vcpu: Vcpu): void {
  vcpu.set("mtrrDefault", ENABLED | WRITE_BACK);
  for (let n = 0; n < FIXED_RANGES; n++) vcpu.set("mtrrFixed", (n === VGA ? UNCACHEABLE : WRITE_BACK) * EACH_BYTE, n);
  vcpu.set("mtrrVariable", BigInt(LOW_RAM_END) | UNCACHEABLE, 0);
  vcpu.set("mtrrVariable", ((1n << BigInt(ADDRESS_BITS.PHYSICAL)) - HOLE) | MASK_VALID, 1);
}
