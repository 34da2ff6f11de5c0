/**
 * The task-state segment of 64-bit mode. SDM Vol. 3 "Task Management in 64-bit Mode".
 *
 *     4 rsp0  c rsp1  14 rsp2  24 ist1 … 54 ist7  66 offset of the I/O map; the rest is reserved
 */
export const TSS = { RSP0: 0x04, RSP1: 0x0c, RSP2: 0x14, IST1: 0x24, IO_MAP: 0x66 } as const;
export const TSS_BYTES = 104;

/** One that names no stack: the VMM's own starts at ring 0 and stays there. */
export function emptyTss(): Uint8Array {
  return new Uint8Array(TSS_BYTES);
}
