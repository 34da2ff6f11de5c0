/** Archives in cpio's "newc" format, as Linux unpacks them into its initial file system. Documentation/driver-api/early-userspace/buffer-format.rst */
export interface CpioEntry {
  readonly path: string;
  readonly mode: number;
  readonly data?: Uint8Array;
  /** of device nodes */
  readonly device?: readonly [major: number, minor: number];
}

const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
const S_IFCHR = 0o020000;

export function directory(path: string): CpioEntry {
  return { path, mode: S_IFDIR | 0o755 };
}

export function file(path: string, data: Uint8Array | string): CpioEntry {
  return { path, mode: S_IFREG | 0o755, data: typeof data === "string" ? new TextEncoder().encode(data) : data };
}

export function link(path: string, target: string): CpioEntry {
  return { path, mode: S_IFLNK | 0o777, data: new TextEncoder().encode(target) };
}

export function characterDevice(path: string, major: number, minor: number): CpioEntry {
  return { path, mode: S_IFCHR | 0o600, device: [major, minor] };
}

/** Everything belongs to root and is as old as the epoch, so equal contents make equal archives. */
export function cpio(entries: readonly CpioEntry[]): Uint8Array {
  return Buffer.concat([...entries, { path: "TRAILER!!!", mode: 0 }].flatMap(record));
}

function record({ path, mode, data = new Uint8Array(), device = [0, 0] }: CpioEntry, index: number): readonly Uint8Array[] {
  const name = Buffer.from(`${path}\0`);
  const fields = [index + 1, mode, 0, 0, 1, 0, data.length, 0, 0, ...device, name.length, 0];
  const header = Buffer.from(`070701${fields.map((n) => n.toString(16).padStart(8, "0")).join("")}`);
  return [header, name, padding(header.length + name.length), data, padding(data.length)];
}

function padding(length: number): Uint8Array {
  return new Uint8Array(-length & 3);
}
