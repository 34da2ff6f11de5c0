/** The descriptor table of a process. */
import { fail } from "./errno.ts";
import type { OpenFile } from "./open-file.ts";

export const MAX_DESCRIPTORS = 1024;

interface Descriptor {
  readonly file: OpenFile;
  readonly closeOnExec: boolean;
}

export class Descriptors {
  #table: (Descriptor | undefined)[] = [];
  /** processes that share the table (CLONE_FILES) */
  #users = 1;

  get(fd: number): OpenFile {
    return this.#table[fd]?.file ?? fail("EBADF");
  }

  has(fd: number): boolean {
    return this.#table[fd] !== undefined;
  }

  /** Takes over the file's reference and returns the lowest free number from `from` on. */
  add(file: OpenFile, closeOnExec: boolean, from = 0): number {
    let fd = from;
    while (this.#table[fd] !== undefined) fd++;
    if (fd >= MAX_DESCRIPTORS) {
      file.release();
      fail("EMFILE");
    }
    this.#table[fd] = { file, closeOnExec };
    return fd;
  }

  /** Takes over the file's reference; what stood at `fd` is closed. */
  set(fd: number, file: OpenFile, closeOnExec: boolean): void {
    if (fd < 0 || fd >= MAX_DESCRIPTORS) fail("EBADF");
    this.#table[fd]?.file.release();
    this.#table[fd] = { file, closeOnExec };
  }

  close(fd: number): void {
    const file = this.get(fd);
    this.#table[fd] = undefined;
    file.release();
  }

  closesOnExec(fd: number): boolean {
    return this.#table[fd]?.closeOnExec ?? fail("EBADF");
  }

  setCloseOnExec(fd: number, closeOnExec: boolean): void {
    this.#table[fd] = { file: this.get(fd), closeOnExec };
  }

  /** open descriptors, in order */
  numbers(): number[] {
    return [...this.#table.keys()].filter((fd) => this.#table[fd] !== undefined);
  }

  fork(): Descriptors {
    const copy = new Descriptors();
    copy.#table = [...this.#table];
    for (const d of copy.#table) d?.file.retain();
    return copy;
  }

  share(): Descriptors {
    this.#users++;
    return this;
  }

  /** for execve: a table of its own */
  unshared(): Descriptors {
    if (this.#users === 1) return this;
    this.#users--;
    return this.fork();
  }

  /** for execve: what is not to be inherited is closed */
  exec(): void {
    for (const fd of this.numbers()) if (this.closesOnExec(fd)) this.close(fd);
  }

  release(): void {
    if (--this.#users > 0) return;
    for (const fd of this.numbers()) this.close(fd);
  }
}
