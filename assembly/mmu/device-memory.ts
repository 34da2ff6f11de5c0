/**
 * Accesses to physical addresses that are not RAM. They go to the host at once, in pieces of 8, 4, 2 and 1 bytes, whose data pass through
 * the first bytes of the bounce buffer. The caller has put the time into the state (`stamp`). The local APIC's page is the processor's own:
 * SDM Vol. 3 "Local APIC Register Address Map", 32-bit accesses aligned to 16 bytes; others read zeros and change nothing.
 */
import { count } from "../counters";
import { lapicPage, lapicRead, lapicWrite } from "../devices/lapic";
import { mmioRead, mmioWrite } from "../env";
import { COUNTER_DEVICE_READS, COUNTER_DEVICE_WRITES } from "../generated/constants";
import { State } from "../generated/state";
import { BOUNCE, PAGE_MASK } from "../memory-map";

/** Reads `size` bytes from `gpa` on into linear memory at `to`. */
export function readDevice(s: State, gpa: u64, to: usize, size: u32): void {
  if ((gpa & PAGE_MASK) == s.apicAccess) return copyOrOnes(s, <u32>gpa & 0xfff, to, size);
  if ((gpa & PAGE_MASK) == lapicPage(s)) return readLapic(s, <u32>gpa & 0xfff, to, size);
  for (let done: u32 = 0; done < size; ) {
    const n = piece(size - done);
    count(COUNTER_DEVICE_READS);
    mmioRead(<f64>(gpa + <u64>done), n);
    memory.copy(to + done, BOUNCE, n);
    done += n;
  }
}

/** Writes `size` bytes at `from` in linear memory to `gpa`. */
export function writeDevice(s: State, gpa: u64, from: usize, size: u32): void {
  if ((gpa & PAGE_MASK) == s.apicAccess) {
    if (s.virtualApic != 0) memory.copy(<usize>s.virtualApic + (<usize>gpa & 0xfff), from, size);
    return;
  }
  if ((gpa & PAGE_MASK) == lapicPage(s)) {
    if (size == 4 && (gpa & 15) == 0) lapicWrite(s, <u32>gpa & 0xfff, load<u32>(from));
    return;
  }
  for (let done: u32 = 0; done < size; ) {
    const n = piece(size - done);
    memory.copy(BOUNCE, from + done, n);
    count(COUNTER_DEVICE_WRITES);
    mmioWrite(<f64>(gpa + <u64>done), n);
    done += n;
  }
}

/** Of the virtual-APIC page, which stands for the APIC-access page. */
function copyOrOnes(s: State, offset: u32, to: usize, size: u32): void {
  if (s.virtualApic != 0) memory.copy(to, <usize>s.virtualApic + offset, size);
  else memory.fill(to, 0xff, size);
}

function readLapic(s: State, offset: u32, to: usize, size: u32): void {
  memory.fill(to, 0, size);
  if ((offset & 15) >= 4) return;
  const value = lapicRead(s, offset) >> ((offset & 3) * 8);
  for (let i: u32 = 0; i < min<u32>(size, 4 - (offset & 3)); i++) store<u8>(to + i, <u8>(value >> (i * 8)));
}

function piece(left: u32): u32 {
  return left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
}
