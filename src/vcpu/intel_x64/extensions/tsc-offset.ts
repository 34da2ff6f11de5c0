/** The guest's time-stamp counter is so many cycles ahead of the CPU's, or behind it. RDTSC and RDTSCP do not exit for it. */
import type { Extension } from "../vm-api.ts";

export function tscOffset(cycles: bigint): Extension {
  return (vm) => vm.setTscOffset(cycles);
}
