/** What the core counts since start, and where: the numbers are places in a table of u64. */
export const COUNTERS = {
  /** accesses to data that the TLB did not answer */
  TLB_MISSES: 0,
  /** fetches that it did not answer */
  FETCH_MISSES: 1,
  /** page walks, with those of the processor's own accesses */
  PAGE_WALKS: 2,
  /** invalidations of more than one page */
  TLB_FLUSHES: 3,
  /** invalidations of one page */
  PAGE_FLUSHES: 4,
  /** calls of the host for memory that is not RAM */
  DEVICE_READS: 5,
  DEVICE_WRITES: 6,
} as const;

/** As programs see the names: "tlbMisses". */
export type CounterName = (typeof COUNTER_NAMES)[number];
export const COUNTER_NAMES = ["tlbMisses", "fetchMisses", "pageWalks", "tlbFlushes", "pageFlushes", "deviceReads", "deviceWrites"] as const;
