/** A program's name without a slash is looked for in the directory and then along PATH, as a shell and then a kernel would. */
import { SystemCallError } from "./errno.ts";
import { isDirectory } from "./file-status.ts";
import type { Tree } from "./tree.ts";

export function findProgram(tree: Tree, directory: string, name: string, environment: readonly string[]): string {
  if (name.includes("/")) return name;
  const path = environment.find((line) => line.startsWith("PATH="))?.slice("PATH=".length) ?? "/usr/bin:/bin";
  const candidates = [name, ...path.split(":").map((folder) => `${folder}/${name}`)];
  return candidates.find((candidate) => isFile(tree, directory, candidate)) ?? name;
}

function isFile(tree: Tree, directory: string, path: string): boolean {
  try {
    const { node } = tree.resolve(directory, path);
    return node !== undefined && !isDirectory(node.status);
  } catch (error) {
    if (error instanceof SystemCallError) return false;
    throw error;
  }
}
