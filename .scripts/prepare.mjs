/**
 * Behind `npm install` in a checkout, and before `npm pack`: builds, so that `npm start` starts at once. An install does not fail if the
 * build does: whatever needs it builds again and says what is wrong.
 */
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);

/** `npm install --omit=dev` brings no compilers */
function hasCompilers() {
  try {
    return [require.resolve("typescript/package.json"), require.resolve("assemblyscript/package.json")].length > 0;
  } catch {
    return false;
  }
}

if (hasCompilers()) spawnSync(process.execPath, [fileURLToPath(new URL("build.mjs", import.meta.url))], { stdio: "inherit" });
