/**
 * Imports point one way: a file may import from its own part and from parts above it in this list (parts on one line may not import each
 * other). `npm run lint` runs this; there are no exceptions, because if two parts need each other, what they share is a third part.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

process.chdir(join(dirname(fileURLToPath(import.meta.url)), ".."));

/** The longest prefix that fits says which part a file belongs to. */
const LAYERS = [
  ["src/spec"],
  ["src/cpus", "src/decode"],
  ["src/bus", "src/core", "src/profiles"],
  ["src/devices", "src/vmm"],
  ["src/boot", "src/vcpu"],
  ["src/driver"],
  ["src/machine"],
  ["src/boot/linux-user"],
  ["src/debug", "src/snapshot"],
  ["src/index"],
  ["src/worker", "src/demo"],
  ["src/cli", "src/web"],

  [
    "assembly/generated/constants",
    "assembly/generated/state",
    "assembly/generated/msrs",
    "assembly/generated/vmx",
    "assembly/memory-map",
    "assembly/env",
    "assembly/wide",
    "assembly/float80",
  ],
  ["assembly/decode/op", "assembly/decode/header", "assembly/generated/kinds", "assembly/generated/decode-tables"],
  ["assembly/flags", "assembly/counters", "assembly/clock", "assembly/breakpoints"],
  ["assembly/raise"],
  ["assembly/devices"],
  ["assembly/mmu"],
  ["assembly/cpu"],
  ["assembly/backend"],
  ["assembly/decode"],
  ["assembly/vmx"],
  ["assembly/semantics"],
  ["assembly/generated/group"],
  ["assembly/generated/cold"],
  ["assembly/engine", "assembly/fused", "assembly/timing"],
  ["assembly/generated"],
  ["assembly/run", "assembly/jit", "assembly/host-vmx"],
  ["assembly/index"],

  ["test", "bench"],
];

/** Parts that must run in a browser: no `node:` modules. */
const ANYWHERE =
  /^src\/(core|decode|bus|devices|boot\/(?!linux-user|core-module|runtime-module)|machine|vmm|vcpu|driver|worker|web|spec\/(?!generate))/;

const parts = LAYERS.flatMap((names, rank) => names.map((name) => ({ name, rank }))).sort((a, b) => b.name.length - a.name.length);
const partOf = (path) => parts.find(({ name }) => path.startsWith(name));
const files = ["src", "assembly", "test", "bench"].flatMap((root) => sources(root));
const faults = files.flatMap((path) => faultsOf(path));
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
else console.log(`Imports of ${files.length} files point one way.`);

/** the core and its host side know each other only through generated code and the host ABI */
function crosses(from, to) {
  return from.startsWith("assembly") && to.startsWith("src");
}

function sources(folder) {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((e) => e.isFile() && e.name.endsWith(".ts")).map((e) => join(e.parentPath ?? e.path, e.name));
}

function faultsOf(path) {
  const part = partOf(path);
  if (part === undefined) return [`${path}: no part of .scripts/lint-imports.mjs has this file`];
  const found = [];
  for (const [, to] of readFileSync(path, "utf8").matchAll(/\b(?:from|import)\s*\(?\s*"([^"]+)"/g)) {
    if (to.startsWith("node:") && ANYWHERE.test(path)) found.push(`${path}: ${to} does not exist in a browser`);
    if (!to.startsWith(".")) continue;
    const target = partOf(join(dirname(path), to));
    if (target === undefined) found.push(`${path}: ${to} belongs to no part`);
    else if (target !== part && (target.rank >= part.rank || crosses(part.name, target.name)))
      found.push(`${path} (${part.name}) may not import ${to} (${target.name})`);
  }
  return found;
}
