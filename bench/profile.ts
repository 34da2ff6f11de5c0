/**
 * `npm run bench -- --profile [NAME…]`: which kinds of record run most in the kernels, each kernel weighing the same. Kinds marked "hot" are
 * cases of the interpreter's switch (src/spec/hot.ts); an operand class behind the others is theirs at run time.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { madeUpStatus, S_IF } from "../src/boot/linux-user/file-status.ts";
import type { StandardStream } from "../src/boot/linux-user/host.ts";
import { nodeHost } from "../src/boot/linux-user/host-node.ts";
import { LinuxUser } from "../src/boot/linux-user/run-program.ts";
import { argumentsFor, KERNELS, type Kernel } from "../src/cli/bench/kernels.ts";

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const SHOWN = 60;
const SCALE = 1;

/** a stream that nobody reads */
const MUTE: StandardStream = { status: () => madeUpStatus(S_IF.IFO | 0o600, 1), write: (bytes) => bytes.length };

/** Share of each kind among all records that ran, by its name. */
async function profile(kernel: Kernel, names: Readonly<Record<string, string>>): Promise<Map<string, number>> {
  const linux = new LinuxUser({
    module: new WebAssembly.Module(readFileSync(path("../dist/core.wasm"))),
    host: nodeHost([MUTE, MUTE, MUTE]),
    program: path("kernels/bench64"),
    args: argumentsFor([kernel], SCALE),
    memoryMib: 64,
  });
  await linux.run();
  const counts = linux.kernel.core.profile();
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0n);
  const shares = new Map<string, number>();
  for (const [key, count] of counts) {
    const [kind, classes] = key.split(" ");
    const name = names[kind] ?? `kind ${kind}`;
    const full = name.endsWith("(hot)") ? name : `${name} ${classes}`;
    shares.set(full, (shares.get(full) ?? 0) + Number(count) / Number(all));
  }
  return shares;
}

export async function printProfile(kernels: readonly Kernel[] = KERNELS): Promise<void> {
  const names = JSON.parse(readFileSync(path("../build/kinds.json"), "utf8")) as Record<string, string>;
  const total = new Map<string, { share: number; most: number; kernel: Kernel }>();
  for (const kernel of kernels)
    for (const [name, share] of await profile(kernel, names)) {
      const before = total.get(name) ?? { share: 0, most: 0, kernel };
      const most = share > before.most ? { most: share, kernel } : { most: before.most, kernel: before.kernel };
      total.set(name, { share: before.share + share / kernels.length, ...most });
    }
  const percent = (x: number): string => (100 * x).toFixed(2).padStart(6);
  let sum = 0;
  console.log(" share    sum  kind                              most in");
  for (const [name, { share, most, kernel }] of [...total].sort((a, b) => b[1].share - a[1].share).slice(0, SHOWN)) {
    sum += share;
    console.log(`${percent(share)} ${percent(sum)}  ${name.padEnd(32)} ${percent(most)} ${kernel}`);
  }
}
