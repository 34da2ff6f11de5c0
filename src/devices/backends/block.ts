/** Where a disk's bytes are. Offsets and lengths are bytes and always lie within `size`. */
export interface BlockBackend {
  readonly size: number;
  /** From 1 to `length` bytes from `offset` on, as many as lie together; valid until the next call. */
  read(offset: number, length: number): Uint8Array;
  write(offset: number, bytes: Uint8Array): void;
  /** Makes a range read as zeros, and gives back what it took. */
  zero(offset: number, length: number): void;
  flush(): void;
}
