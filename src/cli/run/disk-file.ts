/** Disk images in files, read and written as the guest asks. */
import { closeSync, fdatasyncSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import type { BlockBackend } from "../../devices/backends/block.ts";
import { CopyOnWrite } from "../../devices/backends/copy-on-write.ts";
import type { Drive } from "../../machine/config.ts";
import type { DriveSpec } from "./options.ts";

const LONGEST_READ = 1 << 20;
const SECTOR = 512;

/** A disk image that cannot be used; the reason alone. */
export class DiskError extends Error {}

export interface OpenDrive extends Drive {
  close(): void;
}

/** Opens an image. Throws a DiskError, or what Node throws for a file that is not there. */
export function openDrive({ path, access }: DriveSpec): OpenDrive {
  const file = openSync(path, access === "write" ? "r+" : "r");
  const status = fstatSync(file);
  const { size } = status;
  if (!status.isFile() && !status.isBlockDevice()) throw new DiskError("a disk is a file, not a directory or a pipe");
  if (size === 0) throw new DiskError("the file is empty; make an image with qemu-img create, or truncate -s 64M");
  if (size % SECTOR !== 0) throw new DiskError(`its ${size} bytes are no whole number of sectors; truncate -s %${SECTOR} fills it up`);
  const backend =
    access === "snapshot" ? new CopyOnWrite(size, (at, into) => readSync(file, into, 0, into.length, at)) : new DiskFile(file, size);
  return { backend, readOnly: access === "read", close: () => closeSync(file) };
}

class DiskFile implements BlockBackend {
  readonly size: number;
  readonly #file: number;
  #buffer = new Uint8Array(0);

  constructor(file: number, size: number) {
    this.#file = file;
    this.size = size;
  }

  read(offset: number, length: number): Uint8Array {
    const wanted = Math.min(length, LONGEST_READ);
    if (this.#buffer.length < wanted) this.#buffer = new Uint8Array(wanted);
    const got = readSync(this.#file, this.#buffer, 0, wanted, offset);
    // somebody has cut the file off: what is missing is zeros
    if (got < wanted) this.#buffer.fill(0, got, wanted);
    return this.#buffer.subarray(0, wanted);
  }

  write(offset: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#file, bytes, done, bytes.length - done, offset + done);
  }

  zero(offset: number, length: number): void {
    const zeros = new Uint8Array(Math.min(length, LONGEST_READ));
    for (let done = 0; done < length; done += zeros.length)
      this.write(offset + done, zeros.subarray(0, Math.min(zeros.length, length - done)));
  }

  flush(): void {
    fdatasyncSync(this.#file);
  }
}
