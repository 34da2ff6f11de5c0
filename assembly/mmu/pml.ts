/** The page-modification log: which guest-physical pages have become dirty. SDM Vol. 3 "Page-Modification Logging". */
import { State } from "../generated/state";
import { PML_ADDRESS, PML_INDEX } from "../generated/vmx";
import { PAGE_MASK } from "../memory-map";
import { codeWritten, isCode } from "./code-pages";
import { hostOf } from "./physical";

/** entries of the log; the index counts down to 0, and then is 65535 */
const ENTRIES: u16 = 512;

export function isLogFull(s: State): bool {
  return load<u16>(<usize>s.vmcs + PML_INDEX) >= ENTRIES;
}

/** The log has room. */
export function logModification(s: State, gpa: u64): void {
  const index = load<u16>(<usize>s.vmcs + PML_INDEX);
  const to = hostOf(load<u64>(<usize>s.vmcs + PML_ADDRESS) + ((<u64>index) << 3));
  if (to != 0) {
    if (isCode(to)) codeWritten(s, to);
    store<u64>(to, gpa & PAGE_MASK);
  }
  store<u16>(<usize>s.vmcs + PML_INDEX, index - 1);
}
