/**
 * The tree of files as programs see it: the host's directory under the root, and in it /dev and /proc, which are made up. Paths are
 * walked here, component by component, so that symbolic links cannot lead out of the root. path_resolution(7).
 */
import { fail } from "./errno.ts";
import { type FileStatus, isDirectory, isLink } from "./file-status.ts";
import type { HostFiles } from "./host.ts";
import type { OpenFile } from "./open-file.ts";

/** A file of /dev or /proc. Its other members say what it is. */
export interface MadeNode {
  readonly status: FileStatus;
  /** a directory */
  names?(): readonly string[];
  lookup?(name: string): MadeNode | undefined;
  /** a symbolic link */
  target?(): string;
  /** a link to an open file that has no path (/proc/self/fd/0 of a pipe) */
  readonly file?: OpenFile;
  open?(path: string, flags: number): OpenFile;
}

export type Node =
  | { readonly made: MadeNode; readonly status: FileStatus }
  | { readonly made?: undefined; readonly status: FileStatus; readonly hostPath: string };

export interface Location {
  /** absolute, without links in it (but for the last component, if that was not followed) */
  readonly path: string;
  /** where it would be on the host; undefined inside of /dev and /proc */
  readonly hostPath: string | undefined;
  /** absent: there is no such file, but its directory exists */
  readonly node: Node | undefined;
  /** the path ended in a slash */
  readonly mustBeDirectory: boolean;
}

/** The made-up directories at the root, as the running process sees them. */
export type MadeRoots = ReadonlyMap<string, () => MadeNode>;

const MAX_LINKS = 40;
const PATH_MAX = 4096;

export class Tree {
  readonly files: HostFiles;
  readonly #root: string;
  readonly #made: MadeRoots;

  /** `root`: absolute host path */
  constructor(files: HostFiles, root: string, made: MadeRoots) {
    this.files = files;
    this.#root = root === "/" ? "" : root;
    this.#made = made;
  }

  /** Follows `path` from the directory `base`; the last component only if `follow`. */
  resolve(base: string, path: string, follow = true): Location {
    if (path === "") fail("ENOENT");
    if (path.length >= PATH_MAX) fail("ENAMETOOLONG");
    let at = path.startsWith("/") ? [] : base.split("/").filter((name) => name !== "");
    let pending = path.split("/");
    let mustBeDirectory = path.endsWith("/") || path.endsWith("/.") || path === ".";
    let links = 0;
    let node = this.#at(at);
    pending = pending.filter((name) => name !== "" && name !== ".");
    while (pending.length > 0) {
      if (node === undefined) fail("ENOENT");
      if (!isDirectory(node.status)) fail("ENOTDIR");
      const name = pending.shift() as string;
      if (name === "..") {
        at = at.slice(0, -1);
        node = this.#at(at);
        continue;
      }
      const next = this.#child(node, [...at, name]);
      const isLast = pending.length === 0;
      if (next === undefined || !isLink(next.status) || (isLast && !follow && !mustBeDirectory)) {
        if (next === undefined && !isLast) fail("ENOENT");
        at = [...at, name];
        node = next;
        continue;
      }
      if (++links > MAX_LINKS) fail("ELOOP");
      if (next.made?.file !== undefined) {
        at = [...at, name];
        node = openNode(next.made.file);
        continue;
      }
      const target = this.readLink(next);
      if (target === "") fail("ENOENT");
      if (isLast && target.endsWith("/")) mustBeDirectory = true;
      pending = [...target.split("/").filter((part) => part !== "" && part !== "."), ...pending];
      if (target.startsWith("/")) {
        at = [];
        node = this.#at(at);
      }
    }
    if (mustBeDirectory && node !== undefined && !isDirectory(node.status)) fail("ENOTDIR");
    return { path: `/${at.join("/")}`, hostPath: this.#hostPath(at), node, mustBeDirectory };
  }

  readLink(node: Node): string {
    if (node.made === undefined) return this.files.readLink(node.hostPath);
    return node.made.target?.() ?? fail("EINVAL");
  }

  /** Names in a directory, sorted, without "." and "..". */
  names(path: string, node: Node): readonly string[] {
    if (node.made !== undefined) return node.made.names?.() ?? [];
    const names = [...this.files.list(node.hostPath)];
    if (path === "/") for (const name of this.#made.keys()) if (!names.includes(name)) names.push(name);
    return names.sort();
  }

  /** The entry of a directory, links not followed. */
  entry(path: string, name: string): Node | undefined {
    return this.#at([...path.split("/").filter((part) => part !== ""), name]);
  }

  #at(names: readonly string[]): Node | undefined {
    let made = this.#made.get(names[0])?.();
    if (made === undefined) return this.#onHost(names);
    for (const name of names.slice(1)) {
      made = made.lookup?.(name);
      if (made === undefined) return undefined;
    }
    return { made, status: made.status };
  }

  #child(parent: Node, names: readonly string[]): Node | undefined {
    if (names.length === 1 || parent.made === undefined) {
      const made = names.length === 1 ? this.#made.get(names[0])?.() : undefined;
      return made === undefined ? this.#onHost(names) : { made, status: made.status };
    }
    const made = parent.made.lookup?.(names[names.length - 1]);
    return made === undefined ? undefined : { made, status: made.status };
  }

  #onHost(names: readonly string[]): Node | undefined {
    const hostPath = `${this.#root}/${names.join("/")}`;
    const status = this.files.status(hostPath);
    return status === undefined ? undefined : { status, hostPath };
  }

  #hostPath(names: readonly string[]): string | undefined {
    return this.#made.has(names[0]) ? undefined : `${this.#root}/${names.join("/")}`;
  }
}

/** What a link to an open file leads to: another reference to the same file. */
function openNode(file: OpenFile): Node {
  const status = file.status();
  const open = () => {
    file.retain();
    return file;
  };
  return { made: { status, open }, status };
}
