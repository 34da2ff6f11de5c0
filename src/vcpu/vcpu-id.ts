/** The numbers of vCPUs: 64 bits, so that the guests' vCPUs of a host vCPU are told by the bits above it. */

export type VcpuId = bigint;

/** The vCPU that the OS starts on. */
export const BOOTSTRAP: VcpuId = 0n;
export const INVALID: VcpuId = 0xffff_ffff_ffff_ffffn;
export const CURRENT: VcpuId = 0xffff_ffff_ffff_fff0n;

const RESERVED = 1n << 63n;
const GUEST = 0x7fff_ffff_ffff_0000n;
const HOST = 0xffffn;

export const isReserved = (id: VcpuId): boolean => (id & RESERVED) !== 0n;
/** It runs the OS itself and not a guest beside it. */
export const isHost = (id: VcpuId): boolean => (id & GUEST) === 0n;
/** Number of the host vCPU that it is, or that it belongs to. */
export const hostOf = (id: VcpuId): number => Number(id & HOST);
