/** The bitmaps of a VMCS. SDM Vol. 3 "MSR-Bitmap Address", "I/O-Bitmap Addresses", "VMCS Shadowing Bitmap Addresses". */
import { State } from "../generated/state";
import * as V from "../generated/vmx";
import { hostOf } from "../mmu/physical";
import { field } from "./vmcs";

const HIGH_MSRS: u32 = 0xc0000000;
const MSRS: u32 = 0x2000;
const ENCODING_BITS: u64 = 15;

/** Bit `n` of the bitmap at a physical address; outside of memory every bit is set. */
export function isBitSet(bitmap: u64, n: u32): bool {
  const at = hostOf(bitmap + <u64>(n >> 3));
  return at == 0 || ((load<u8>(at) >> (n & 7)) & 1) != 0;
}

/** Whether RDMSR (write 0) or WRMSR (write 1) of the MSR exits. */
export function msrExits(s: State, number: u32, write: u32): bool {
  if ((s.vmxPrimary & V.PRIMARY_USE_MSR_BITMAPS) == 0) return true;
  const high = number >= HIGH_MSRS;
  const n = high ? number - HIGH_MSRS : number;
  return n >= MSRS || isBitSet(field(s, V.ADDRESS_OF_MSR_BITMAPS) + <u64>(write * 2048 + <u32>high * 1024), n);
}

/** Whether an access to `size` ports from `port` on exits; one that wraps around 64 KiB does. */
export function portExits(s: State, port: u32, size: u32): bool {
  if ((s.vmxPrimary & V.PRIMARY_USE_IO_BITMAPS) == 0) return (s.vmxPrimary & V.PRIMARY_UNCONDITIONAL_IO_EXITING) != 0;
  if (port + size > 0x10000) return true;
  for (let p = port; p < port + size; p++)
    if (isBitSet(field(s, p < 0x8000 ? V.ADDRESS_OF_IO_BITMAP_A : V.ADDRESS_OF_IO_BITMAP_B), p & 0x7fff)) return true;
  return false;
}

/** Whether VMREAD or VMWRITE exits, by the register with the field's encoding and the bitmap's address. */
export function accessExits(s: State, register: u32, bitmap: u32): bool {
  if ((s.vmxSecondary & V.SECONDARY_VMCS_SHADOWING) == 0) return true;
  const encoding = s.mode == 2 ? load<u64>(<usize>register) : <u64>load<u32>(<usize>register);
  return encoding >> ENCODING_BITS != 0 || isBitSet(field(s, bitmap), <u32>encoding);
}
