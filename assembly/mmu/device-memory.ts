/**
 * Accesses to physical addresses that are not RAM. They go to the host at once, in pieces of 8, 4, 2 and 1 bytes, whose data pass through
 * the first bytes of the bounce buffer. The caller has put the time into the state (`stamp`).
 */
import { mmioRead, mmioWrite } from "../env";
import { BOUNCE } from "../memory-map";

/** Reads `size` bytes from `gpa` on into linear memory at `to`. */
export function readDevice(gpa: u64, to: usize, size: u32): void {
  for (let done: u32 = 0; done < size; ) {
    const n = piece(size - done);
    mmioRead(<f64>(gpa + <u64>done), n);
    memory.copy(to + done, BOUNCE, n);
    done += n;
  }
}

/** Writes `size` bytes at `from` in linear memory to `gpa`. */
export function writeDevice(gpa: u64, from: usize, size: u32): void {
  for (let done: u32 = 0; done < size; ) {
    const n = piece(size - done);
    memory.copy(BOUNCE, from + done, n);
    mmioWrite(<f64>(gpa + <u64>done), n);
    done += n;
  }
}

function piece(left: u32): u32 {
  return left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
}
