/** Why an image cannot be booted. Every message says what is wrong, where, and what would help, since it ends up on a terminal. */
export class LoadError extends Error {}

/** The file is none of the formats that can be booted. */
export class UnknownFormatError extends LoadError {}

/** A Linux kernel that cannot be entered in 64-bit mode. */
export class No64BitEntryError extends LoadError {}

/** An ELF file that says nothing of how to boot it. */
export class NoBootHeaderError extends LoadError {}

/** The file ends before something it promises. */
export class TruncatedError extends LoadError {}

/** A header whose values cannot be meant. */
export class DamagedError extends LoadError {}

/** Kernel, initrd, module or command line does not fit; `neededBytes` of RAM would do, where more RAM is the answer. */
export class DoesNotFitError extends LoadError {
  readonly neededBytes: number | undefined;

  constructor(message: string, neededBytes?: number) {
    super(neededBytes === undefined ? message : `${message}; ${mebibytes(neededBytes)} of memory would do (-m ${mebibytes(neededBytes)})`);
    this.neededBytes = neededBytes;
  }
}

export function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)}M`;
}
