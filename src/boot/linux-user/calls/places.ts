/** From the path arguments of system calls to places in the tree: *at directories, AT_ flags, the read-only rule. */
import { fail } from "../errno.ts";
import type { FileStatus } from "../file-status.ts";
import { isDirectory } from "../file-status.ts";
import { DirectoryFile, PathFile } from "../host-file.ts";
import type { Location, Node } from "../tree.ts";
import type { CallContext } from "./row.ts";

export const AT = {
  FDCWD: -100,
  SYMLINK_NOFOLLOW: 0x100,
  REMOVEDIR: 0x200,
  EACCESS: 0x200,
  SYMLINK_FOLLOW: 0x400,
  EMPTY_PATH: 0x1000,
} as const;

export type HostNode = Extract<Node, { readonly hostPath: string }>;

/** The directory that a relative path starts from. */
export function baseOf({ process }: CallContext, fd: number): string {
  if (fd === AT.FDCWD) return process.directory;
  const file = process.descriptors.get(fd);
  if (!(file instanceof DirectoryFile) && !(file instanceof PathFile && isDirectory(file.status()))) fail("ENOTDIR");
  return file.path;
}

export function locate(c: CallContext, fd: number, path: string, follow = true): Location {
  return c.kernel.tree.resolve(path.startsWith("/") ? "/" : baseOf(c, fd), path, follow);
}

/** What exists there. */
export function existing(c: CallContext, fd: number, path: string, follow = true): Location & { readonly node: Node } {
  const location = locate(c, fd, path, follow);
  return { ...location, node: location.node ?? fail("ENOENT") };
}

/** A file that is about to be changed: on the host, and only if programs may. */
export function changeable(c: CallContext, fd: number, path: string, follow = true): string {
  const { node } = existing(c, fd, path, follow);
  if (node.made !== undefined || !c.kernel.options.writable) return fail("EROFS");
  return node.hostPath;
}

/** The place of a file that is about to be made: it must not exist. */
export function vacant(c: CallContext, fd: number, path: string): Location & { readonly hostPath: string } {
  const location = locate(c, fd, path, false);
  if (location.node !== undefined) fail("EEXIST");
  if (location.hostPath === undefined || !c.kernel.options.writable) return fail("EROFS");
  return { ...location, hostPath: location.hostPath };
}

/** The status that a stat call reports, also of an open file. */
export function statusAt(c: CallContext, fd: number, path: string, flags: number): FileStatus {
  if (path === "" && (flags & AT.EMPTY_PATH) !== 0) {
    if (fd === AT.FDCWD) return existing(c, fd, ".").node.status;
    return c.process.descriptors.get(fd).status();
  }
  return existing(c, fd, path, (flags & AT.SYMLINK_NOFOLLOW) === 0).node.status;
}
