/** `minusone --help` and `--version`. */
import { readFileSync } from "node:fs";
import { MACHINE_TRACE_ITEMS, TRACE_ITEMS } from "../debug/trace-items.ts";
import { KERNELS } from "./bench/kernels.ts";
import { BENCH_OPTIONS } from "./bench.ts";
import { EXEC_OPTIONS } from "./exec.ts";
import { EXIT_TEXT } from "./exit-codes.ts";
import { optionsText } from "./options.ts";
import { RUN_OPTIONS } from "./run/options.ts";
import { KEYS_HELP } from "./run/terminal.ts";

const list = (rows: readonly (readonly [string, string])[]) => rows.map(([name, text]) => `  ${name.padEnd(9)} ${text}`).join("\n");

export function help(): number {
  console.log(`usage: minusone run [OPTIONS]                    boot a machine, a PC with a kernel
       minusone exec [OPTIONS] PROGRAM [ARGS…]   run a Linux program for x86-64
       minusone demo [COMMAND]                   boot the bundled operating system, which shows what there is
       minusone vmm VERB [ARGS…] [, VERB…]       run the VMM underneath the bundled operating system
       minusone bench [OPTIONS] [NAME…]          speed of kernels against this machine and other emulators
       minusone --help | --version

Options come before the program's name or the kernels. All options take one or two dashes.

run's options, which mean what they do in QEMU:
${optionsText(RUN_OPTIONS)}

exec's options:
${optionsText(EXEC_OPTIONS)}

bench's options and kernels:
${optionsText(BENCH_OPTIONS)}
  ${KERNELS.join(" ")}

Items of run -d:
${list(Object.entries(MACHINE_TRACE_ITEMS))}

Items of exec -d:
${list(Object.entries(TRACE_ITEMS))}

Keys while run is on a terminal:
${KEYS_HELP.replace(/^/gm, "  ").trimEnd()}

Exit status:
${list(EXIT_TEXT)}`);
  return 0;
}

export function version(): number {
  const about = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string };
  console.log(`minusone ${about.version}`);
  return 0;
}
