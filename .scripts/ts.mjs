/**
 * Runs a TypeScript file without a build step: `node .scripts/ts.mjs FILE ARGS…`.
 *
 * A module hook strips the types with TypeScript's own transpileModule (Node 20 cannot), so that tools under test/ and bench/
 * may import from src/ directly. The output is cached in build/ts by content, so only changed files are transpiled.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { register } from "node:module";
import { resolve as resolvePath } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { isMainThread } from "node:worker_threads";

const CACHE = fileURLToPath(new URL("../build/ts/", import.meta.url));

/** Module hook: runs on Node's loader thread. */
export async function load(url, context, nextLoad) {
  if (!url.startsWith("file:") || !url.endsWith(".ts")) return nextLoad(url, context);
  const path = fileURLToPath(url);
  const text = readFileSync(path, "utf8");
  const cached = `${CACHE}${createHash("sha1").update(`${path}\0${text}`).digest("hex")}.mjs`;
  if (!existsSync(cached)) {
    mkdirSync(CACHE, { recursive: true });
    // two processes may write the same file: rename makes it whole or absent
    const temporary = `${cached}.${process.pid}`;
    writeFileSync(temporary, await transpile(path, text));
    renameSync(temporary, cached);
  }
  return { format: "module", shortCircuit: true, source: readFileSync(cached, "utf8") };
}

async function transpile(path, text) {
  const { default: ts } = await import("typescript");
  const options = {
    module: ts.ModuleKind.ESNext,
    target: ts.ScriptTarget.ES2022,
    verbatimModuleSyntax: true,
    inlineSourceMap: true,
    inlineSources: false,
  };
  return ts.transpileModule(text, { fileName: path, compilerOptions: options }).outputText;
}

const file = process.argv[2];
if (isMainThread && resolvePath(process.argv[1]) === fileURLToPath(import.meta.url)) {
  if (file === undefined) {
    console.error("usage: node .scripts/ts.mjs FILE ARGS…");
    process.exit(2);
  }
  register(import.meta.url);
  process.argv.splice(1, 2, resolvePath(file));
  process.setSourceMapsEnabled(true);
  await import(pathToFileURL(resolvePath(file)).href);
}
