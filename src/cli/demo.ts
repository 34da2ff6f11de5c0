/**
 * `minusone demo`, and `npm start` without arguments: boots the bundled operating system of src/demo/kernel, with a command for its shell, and
 * says what the machine has done. On a terminal there is a prompt after the demonstration.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { loadCoreModule } from "../boot/core-module.ts";
import { loadRuntimeModule } from "../boot/runtime-module.ts";
import { Machine } from "../machine/machine.ts";
import type { MachineStatistics } from "../machine/statistics.ts";
import { VmmTour } from "./demo/vmm-tour.ts";
import { EXIT } from "./exit-codes.ts";
import { parseOptions } from "./options.ts";
import { RUN_OPTIONS, runSettings } from "./run/options.ts";
import { type Ending, Session } from "./run/session.ts";

// copies made by the build
const KERNEL = fileURLToPath(new URL("../demo/kernel", import.meta.url));
const COUNTER = { name: "cpuid-counter.so", file: new URL("../modules/cpuid-counter.so", import.meta.url) };

export async function demo(args: readonly string[]): Promise<number> {
  const interactive = process.stdin.isTTY === true && process.stdout.isTTY === true;
  const command = args.length > 0 ? args.join(" ") : interactive ? "demo; sh" : "demo";
  const settings = runSettings(parseOptions(RUN_OPTIONS, ["-kernel", KERNEL, "-append", command]));
  const { memory, cpu, append } = settings;
  const kernel = readFileSync(KERNEL);
  const module = loadCoreModule();
  const vmm = { runtime: loadRuntimeModule() };
  const make = () => Machine.create({ module, memory, cpu, append, kernel, kernelName: "kernel", vmm });
  const machine = await make();
  const tour = command.startsWith("demo")
    ? new VmmTour(machine, [{ name: COUNTER.name, bytes: readFileSync(COUNTER.file) }], (text) => console.log(text))
    : undefined;
  console.log(`A PC in WebAssembly boots a 64-bit operating system of its own (src/demo/kernel); its serial port is this terminal.`);
  if (tour !== undefined) console.log("| Lines like this are from underneath: a VMM starts while the system runs, and leaves again.");
  console.log();
  const before = process.cpuUsage();
  const ending = await new Session(machine, settings).run();
  const { user, system } = process.cpuUsage(before);
  if (tour !== undefined) console.log(`\n| ${await tour.compare(await make())}`);
  console.log(summary(machine.stats(), (user + system) / 1e6));
  return status(ending);
}

function summary(stats: MachineStatistics, seconds: number): string {
  const { instructions, cycles, exceptions, interrupts } = stats;
  const number = (n: number) => n.toLocaleString("en");
  const count = (byName: Readonly<Record<string, number>>) => number(Object.values(byName).reduce((sum, n) => sum + n, 0));
  const kinds = Object.entries(exceptions).map(([name, n]) => `${number(n)} ${name}`);
  const accesses = ({ reads, writes }: { readonly reads: number; readonly writes: number }) => reads + writes;
  const ports = Object.values(stats.portAccesses).reduce((sum, device) => sum + accesses(device), 0);
  return `
${number(instructions)} instructions in ${seconds.toFixed(2)} s of processor time: ${(instructions / seconds / 1e6).toFixed(0)} million a second
${(cycles / 1e9).toFixed(3)} s on the guest's clock, ${(stats.idleCycles / 1e9).toFixed(3)} s of them waiting; ${number(stats.blocksDecoded)} blocks decoded
${count(interrupts)} interrupts, ${number(ports)} port accesses; exceptions: ${kinds.join(", ") || "none"}

npm start -- demo COMMAND           a command for the shell of this system: demo help; demo selftest; demo sh, which gives a prompt
npm start -- run -kernel FILE …     boots a kernel of yours, with the options of QEMU
npm start -- run … --vmm            the same with a VMM: --vmm-start-on TEXT, or vmm start in the monitor (-monitor stdio)
npm start -- exec PROGRAM ARGS…     runs a static x86-64 Linux program of yours, for example busybox
npm start -- --help                 lists commands and options
npm run bench                       compares the speed with this machine and with other emulators`;
}

function status({ stop, cause }: Ending): number {
  if (typeof cause === "number") return EXIT.SIGNAL + cause;
  return stop.reason === "power off" || stop.reason === "stopped" ? EXIT.OK : EXIT.INTERNAL;
}
