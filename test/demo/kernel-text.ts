/**
 * What the bundled operating system prints, made comparable: without the lines about the processor, times, and the states that processes
 * happen to be in.
 */
import { spawnSync } from "node:child_process";

const QEMU = "qemu-system-x86_64";
export const HAS_QEMU = spawnSync(QEMU, ["--version"]).status === 0;
export const IMAGE = "src/demo/kernel/image";

const OF_THE_MACHINE = /^(processor|signature|features|paging|memory|clocks|up) {2}/;

export function comparable(text: string): string {
  return text
    .replaceAll("\r", "")
    .split("\n")
    .filter((line) => !OF_THE_MACHINE.test(line))
    .map((line) => line.replace(/^( *\d+) {2}\w+ +\d+ ms/, "$1  state  - ms").replace(/after \d+ ms/, "after - ms"))
    .join("\n");
}

/** The serial port's text when QEMU runs an image that switches itself off, with `command` as its command line. */
export function runQemu(image: string, command: string): string {
  const args = ["-kernel", image, "-append", command, "-serial", "stdio", "-display", "none", "-no-reboot", "-accel", "tcg"];
  const { stdout, stderr, status } = spawnSync(QEMU, args, { encoding: "utf8", timeout: 60_000 });
  if (status !== 0) throw new Error(`QEMU ended with status ${status}\n${stderr}\n${stdout}`);
  return stdout;
}
