/** What the core counts for the statistics: src/spec/counters.ts. Only rare things are, so counting costs nothing worth switching off. */
import { COUNTERS } from "./memory-map";

export function count(counter: u32): void {
  const at = COUNTERS + ((<usize>counter) << 3);
  store<u64>(at, load<u64>(at) + 1);
}
