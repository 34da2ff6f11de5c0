/** What stands before a block's records. */

@unmanaged
@final
export class Block {
  host: u32;
  key: u32;
  /** instructions */
  count: u32;
  /** records, the closing one included */
  records: u32;
  /** linear address of the second page if the (only) instruction crosses into one, else 0 */
  second: u32;
  /** times entered, modulo 2^32: what the profile and the compiler go by */
  runs: u32;
}
export const BLOCK_HEADER: usize = 32;
