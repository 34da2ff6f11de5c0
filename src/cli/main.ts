#!/usr/bin/env node
/** The command line: `minusone COMMAND …`. Each command is a file of its own, loaded when it is asked for. */
import { EXIT } from "./exit-codes.ts";
import { UsageError } from "./options.ts";

type Command = (args: readonly string[]) => Promise<number> | number;

const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import("./run.ts")).run,
  exec: async () => (await import("./exec.ts")).exec,
  demo: async () => (await import("./demo.ts")).demo,
  vmm: async () => (await import("./vmm.ts")).vmm,
  bench: async () => (await import("./bench.ts")).bench,
  help: async () => (await import("./help.ts")).help,
  version: async () => (await import("./help.ts")).version,
};

async function main([first, ...rest]: readonly string[]): Promise<number> {
  if (first === undefined)
    throw new UsageError("what to do? minusone run -kernel FILE boots a machine, minusone exec PROGRAM runs a Linux program");
  const name = first.replace(/^--?/, "");
  const known = name === "h" ? "help" : name;
  if (!Object.hasOwn(COMMANDS, known) || (first.startsWith("-") && known !== "help" && known !== "version"))
    throw new UsageError(first.startsWith("-") ? `there is no option ${first}` : `there is no command ${first}`);
  const command = await COMMANDS[known]();
  return command(rest);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof UsageError) console.error(`minusone: ${message}\nminusone --help lists commands and options`);
  else console.error(`minusone: internal error: ${message}`);
  process.exitCode = error instanceof UsageError ? EXIT.USAGE : EXIT.INTERNAL;
}
