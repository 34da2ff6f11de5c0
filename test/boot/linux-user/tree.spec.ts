/** Paths: links stay under the root, /dev and /proc are made up, errors are Linux's. path_resolution(7) */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { directory, link } from "../../../src/boot/linux-user/dev-tree.ts";
import { nodeFiles } from "../../../src/boot/linux-user/host-node.ts";
import { Tree } from "../../../src/boot/linux-user/tree.ts";

const outside = mkdtempSync(join(tmpdir(), "tree-"));
const root = join(outside, "root");
const made = directory(1, new Map([["self", link(2, "100")]]));
const tree = new Tree(nodeFiles, root, new Map([["proc", () => made]]));

beforeAll(() => {
  mkdirSync(join(root, "a/b"), { recursive: true });
  writeFileSync(join(outside, "secret"), "outside");
  writeFileSync(join(root, "a/file"), "inside");
  for (const [target, path] of [
    ["/a", "absolute"],
    ["../a/./b/../file", "a/relative"],
    ["../../../../../secret", "escape"],
    ["/secret", "escape-absolute"],
    [join(outside, "secret"), "escape-host"],
    ["loop-2", "loop-1"],
    ["loop-1", "loop-2"],
    ["nowhere", "dangling"],
  ])
    symlinkSync(target, join(root, path));
});
afterAll(() => rmSync(outside, { recursive: true }));

const resolve = (path: string, follow = true, base = "/") => {
  const { path: found, node, hostPath } = tree.resolve(base, path, follow);
  return { path: found, exists: node !== undefined, hostPath };
};
const at = (path: string) => ({ path, exists: true, hostPath: join(root, path) });

describe("resolve", () => {
  test("plain paths, from the root and from a directory", () => {
    expect(resolve("/a/file")).toEqual(at("/a/file"));
    expect(resolve("./b/../file", true, "/a")).toEqual(at("/a/file"));
    expect(resolve("/a//b/./")).toEqual(at("/a/b"));
    expect(resolve("/../../a")).toEqual(at("/a"));
  });

  test("links are followed inside the root", () => {
    expect(resolve("/absolute/file")).toEqual(at("/a/file"));
    expect(resolve("/a/relative")).toEqual(at("/a/file"));
    expect(resolve("/absolute", false)).toEqual(at("/absolute"));
    expect(resolve("/absolute/", false)).toEqual(at("/a"));
  });

  test.each(["/escape", "/escape-absolute", "/escape-host"])("%s does not lead out of the root", (path) => {
    try {
      expect(resolve(path).exists).toBe(false);
      expect(resolve(path).hostPath).toMatch(new RegExp(`^${root}/`));
    } catch (error) {
      expect(error).toMatchObject({ message: "ENOENT" });
    }
  });

  test("what does not exist has a place, if its directory exists", () => {
    expect(resolve("/a/new")).toEqual({ path: "/a/new", exists: false, hostPath: join(root, "a/new") });
    expect(resolve("/dangling")).toEqual({ path: "/nowhere", exists: false, hostPath: join(root, "nowhere") });
  });

  test.each([
    ["", "ENOENT"],
    ["/x/y", "ENOENT"],
    ["/a/file/x", "ENOTDIR"],
    ["/a/file/", "ENOTDIR"],
    ["/a/file/..", "ENOTDIR"],
    ["/loop-1", "ELOOP"],
    [`/${"x".repeat(5000)}`, "ENAMETOOLONG"],
    [`/${"x".repeat(300)}`, "ENAMETOOLONG"],
  ])("%.20s fails with %s", (path, name) => {
    expect(() => resolve(path)).toThrow(name);
  });

  test("made-up directories stand in the root and have no place on the host", () => {
    expect(resolve("/proc/self", false)).toEqual({ path: "/proc/self", exists: true, hostPath: undefined });
    expect(resolve("/proc/other")).toEqual({ path: "/proc/other", exists: false, hostPath: undefined });
    const { node } = tree.resolve("/", "/");
    expect(node && tree.names("/", node)).toContain("proc");
  });
});
