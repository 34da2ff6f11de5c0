/** What stat(2) tells about a file, and the kinds of files. */
export interface FileStatus {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly mode: bigint;
  readonly nlink: bigint;
  readonly uid: bigint;
  readonly gid: bigint;
  readonly rdev: bigint;
  readonly size: bigint;
  readonly blksize: bigint;
  readonly blocks: bigint;
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** File kinds in the mode. */
export const S_IF = {
  MT: 0o170000,
  SOCK: 0o140000,
  LNK: 0o120000,
  REG: 0o100000,
  BLK: 0o060000,
  DIR: 0o040000,
  CHR: 0o020000,
  IFO: 0o010000,
} as const;

export function kindOf(status: FileStatus): number {
  return Number(status.mode) & S_IF.MT;
}

export function isDirectory(status: FileStatus): boolean {
  return kindOf(status) === S_IF.DIR;
}

export function isLink(status: FileStatus): boolean {
  return kindOf(status) === S_IF.LNK;
}

/** The status of a file that the kernel makes up. */
export function madeUpStatus(mode: number, ino: number, more: Partial<FileStatus> = {}): FileStatus {
  return {
    dev: 5n,
    ino: BigInt(ino),
    mode: BigInt(mode),
    nlink: 1n,
    uid: 0n,
    gid: 0n,
    rdev: 0n,
    size: 0n,
    blksize: 4096n,
    blocks: 0n,
    atimeNs: 0n,
    mtimeNs: 0n,
    ctimeNs: 0n,
    ...more,
  };
}
