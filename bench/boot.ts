/**
 * `npm run bench:boot -- KERNEL [INITRD]`: how long a Linux kernel takes from power-on to its init (without an initrd: to looking for its root
 * file system) under minusone, under minusone with the VMM underneath it from its first line on, and under QEMU without KVM, all with one
 * processor and the same memory, in turns.
 */
import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
const QEMU = "qemu-system-x86_64";
const ROUNDS = 3;
const LIMIT_MS = 300_000;
const VMM = "minusone, in a VM";

const [kernel, initrd] = process.argv.slice(2);
if (kernel === undefined) {
  console.error("usage: npm run bench:boot -- KERNEL [INITRD], for example /boot/vmlinuz-… of Debian's linux-image-cloud-amd64");
  process.exit(2);
}
const UNTIL = initrd === undefined ? "VFS: " : "Run /init";
const shared = ["-kernel", kernel, ...(initrd === undefined ? [] : ["-initrd", initrd]), "-m", "512M", "-append", "console=ttyS0"];
const systems = [
  { name: "minusone", command: process.execPath, args: [MAIN, "run", ...shared, "-nographic"] },
  { name: VMM, command: process.execPath, args: [MAIN, "run", ...shared, "-nographic", "--vmm", "--vmm-start-on", "Linux version"] },
  { name: "QEMU", command: QEMU, args: [...shared, "-accel", "tcg", "-display", "none", "-serial", "stdio", "-no-reboot"] },
].filter(({ command }) => spawnSync(command, ["--version"]).status === 0);

const best = new Map<string, number>();
for (let round = 0; round < ROUNDS; round++)
  for (const { name, command, args } of systems) {
    const seconds = await timeOf(name, command, args);
    best.set(name, Math.min(seconds, best.get(name) ?? Number.POSITIVE_INFINITY));
  }
for (const [name, seconds] of best) console.log(`${name.padEnd(17)} ${seconds.toFixed(2)} s to "${UNTIL.trim()}", best of ${ROUNDS}`);
const [ours, inside, theirs] = [best.get("minusone"), best.get(VMM), best.get("QEMU")];
if (ours !== undefined && inside !== undefined) console.log(`${(inside / ours).toFixed(3)} times as long in a VM`);
if (ours !== undefined && theirs !== undefined) console.log(`${(ours / theirs).toFixed(2)} times QEMU's time`);

/** Seconds until the text is on the serial port. */
function timeOf(name: string, command: string, args: readonly string[]): Promise<number> {
  const start = performance.now();
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "ignore"] });
  const limit = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  let log = "";
  return new Promise((resolve, reject) => {
    let found = false;
    child.stdout.on("data", (bytes: Buffer) => {
      log += bytes.toString("latin1");
      if (found || !log.includes(UNTIL)) return;
      found = true;
      resolve((performance.now() - start) / 1000);
      child.kill("SIGKILL");
    });
    child.on("error", reject);
    child.on("close", () => {
      clearTimeout(limit);
      if (!found) reject(new Error(`${name} ended before "${UNTIL}": …${log.slice(-300)}`));
    });
  });
}
