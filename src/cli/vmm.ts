/**
 * `minusone vmm VERB [ARGS…] [, VERB [ARGS…]]…`: the verbs of the VMM's manager, one after the other, on a machine in which the bundled
 * operating system waits at its prompt and runs on for a while between two verbs. Without verbs, a round of them.
 *
 *   minusone vmm load cpuid-counter.so , start , status , vmcall versions 1 , stop , unload
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { loadCoreModule } from "../boot/core-module.ts";
import { loadRuntimeModule } from "../boot/runtime-module.ts";
import { exitsText } from "../debug/inspect/exits-text.ts";
import { Machine } from "../machine/machine.ts";
import { EXIT } from "./exit-codes.ts";
import { vmmCommand } from "./run/vmm-command.ts";

// copies made by the build
const KERNEL = fileURLToPath(new URL("../demo/kernel", import.meta.url));
const COUNTER = fileURLToPath(new URL("../modules/cpuid-counter.so", import.meta.url));

const ROUND = `load ${COUNTER} , status , start , status , vmcall versions 1 , vmcall string unformatted hello , dump , stop , unload , status`;
/** the prompt of the system's shell, and a command to run between two verbs */
const PROMPT = "> ";
const WORK = "cpuid\n";

export async function vmm(args: readonly string[]): Promise<number> {
  const verbs = commands(args.length > 0 ? args : ROUND.split(" "));
  const machine = await Machine.create({
    module: loadCoreModule(),
    kernel: readFileSync(KERNEL),
    append: "sh",
    vmm: { runtime: loadRuntimeModule() },
  });
  await machine.run({ until: PROMPT });
  for (const words of verbs) {
    console.log(`> vmm ${words.join(" ")}`);
    const { status, out, error } = vmmCommand(machine, words);
    if (out !== "") console.log(out);
    if (status !== 0) {
      console.error(error);
      return EXIT.VMM_FAILED;
    }
    const typed = machine.serial.write(new TextEncoder().encode(WORK));
    await machine.run({ until: PROMPT });
    await typed;
  }
  console.log(`\n${exitsText(machine.pc.core.exitStats())}`);
  return EXIT.OK;
}

/** The arguments between commas, with or without spaces. */
function commands(args: readonly string[]): readonly (readonly string[])[] {
  const lists: string[][] = [[]];
  for (const arg of args) {
    if (arg === ",") lists.push([]);
    else if (arg.endsWith(",")) {
      lists.at(-1)?.push(arg.slice(0, -1));
      lists.push([]);
    } else lists.at(-1)?.push(arg);
  }
  return lists.filter((words) => words.length > 0);
}
