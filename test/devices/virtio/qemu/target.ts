/** A machine with a virtio-blk device in slot 2 and a virtio-rng device in slot 3, whichever program it is: QEMU answers over a pipe. */
export interface Target {
  in(port: number, size: number): Promise<number>;
  out(port: number, size: number, value: number): Promise<void>;
  read(address: number, size: number): Promise<number>;
  write(address: number, size: number, value: number): Promise<void>;
  /** memory, as bytes */
  get(gpa: number, length: number): Promise<Uint8Array>;
  put(gpa: number, bytes: Uint8Array): Promise<void>;
}

/** What a program saw: names and values. */
export type Notes = [name: string, value: number | string][];

export const BLOCK_SLOT = 2;
export const RNG_SLOT = 3;
/** The disk: bytes, of which the last sector is not whole. */
export const DISK_BYTES = 300 * 512;

export function diskByte(i: number): number {
  return (Math.imul(i, 0x9e3779b1) >>> 24) & 0xff;
}
