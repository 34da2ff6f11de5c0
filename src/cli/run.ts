/** `minusone run`: a PC on this terminal, with the options of QEMU. */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { loadCoreModule } from "../boot/core-module.ts";
import { LoadError } from "../boot/load-error.ts";
import { formatOf } from "../boot/load-kernel.ts";
import { type Module, splitModules } from "../boot/load-options.ts";
import { loadRuntimeModule } from "../boot/runtime-module.ts";
import { MACHINE_TRACE_ITEMS, type MachineTraceItem } from "../debug/trace-items.ts";
import { ConfigError, type MachineOptions, type VmmMachineOptions } from "../machine/config.ts";
import { Machine } from "../machine/machine.ts";
import type { Stop } from "../machine/stop.ts";
import { EXIT } from "./exit-codes.ts";
import { type Parsed, parseOptions, UsageError } from "./options.ts";
import { type Log, OutputError, openLog, writeJson } from "./output-file.ts";
import { openDrive } from "./run/disk-file.ts";
import { RUN_OPTIONS, type RunSettings, runSettings, type VmmSettings } from "./run/options.ts";
import { type Ending, Session } from "./run/session.ts";
import { type VmmModule, VmmSession } from "./run/vmm.ts";

const MIB = 1 << 20;

/** A file that was named and cannot be used. */
class InputError extends Error {}

/** What the process says and returns, for every way in which a run can end. */
const SAID: Readonly<Record<Stop["reason"], readonly [status: number, text?: string]>> = {
  "power off": [EXIT.OK],
  reset: [EXIT.OK],
  exit: [EXIT.OK],
  stopped: [EXIT.OK],
  until: [EXIT.OK],
  cycles: [EXIT.OK],
  instructions: [EXIT.INSTRUCTION_LIMIT, "stopped: the instruction limit (--max-instructions) is reached"],
  "vmm stopped": [EXIT.VMM_STOPPED, "the VMM has stopped the processor (its messages, and the monitor's `vmm dump`, say why)"],
  "triple fault": [EXIT.TRIPLE_FAULT, "triple fault: an exception came up while a double fault was delivered (-d int,cpu_reset shows how)"],
  halted: [EXIT.DEADLOCK, "the processor has halted, and nothing can wake it"],
  unimplemented: [EXIT.UNIMPLEMENTED, "the guest needs something of the processor that is not implemented"],
};

export async function run(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(RUN_OPTIONS, args);
  const settings = runSettings(parsed);
  const items = traceItems(parsed);
  const cleanup: (() => void)[] = [];
  try {
    const drives = settings.drives.map((spec) => {
      const drive = reading(`-drive file=${spec.path}`, () => openDrive(spec));
      cleanup.push(() => drive.close());
      return drive;
    });
    const modules = (settings.vmm?.modules ?? []).map((path) => ({ name: basename(path), bytes: inputFile("--vmm", path) }));
    const options = { ...machineOptions(settings), drives };
    const log = openLog(parsed.options.get("D")?.at(-1));
    cleanup.push(() => log.close());
    return await runMachine(options, settings, modules, items, log);
  } catch (error) {
    return explain(error);
  } finally {
    for (const close of cleanup) close();
  }
}

async function runMachine(
  options: MachineOptions,
  settings: RunSettings,
  modules: readonly VmmModule[],
  items: Set<MachineTraceItem>,
  log: Log,
): Promise<number> {
  const machine = await Machine.create({ ...options, module: loadCoreModule() });
  if (items.size > 0) (await import("../debug/machine-trace.ts")).traceMachine(machine, items, (line) => log.print(line));
  const started = performance.now();
  const vmm = settings.vmm && new VmmSession(machine, settings.vmm, modules, (line) => log.warn(`minusone: ${line}\n`));
  const close = vmm?.open();
  const ending = await new Session(machine, settings).run();
  close?.();
  const seconds = (performance.now() - started) / 1000;
  const [guest, text] = conclusion(ending);
  const status = guest === EXIT.OK && vmm?.failed === true ? EXIT.VMM_FAILED : guest;
  if (text !== undefined) log.warn(`minusone: ${text}\n`);
  if (settings.statistics !== undefined) {
    const stats = machine.stats();
    const mips = stats.instructions / seconds / 1e6;
    writeJson("--stats-json", settings.statistics, { ending: nameOf(ending), status, ...stats, hostSeconds: seconds, mips });
  }
  return status;
}

function conclusion({ stop, cause }: Ending): readonly [status: number, text?: string] {
  if (cause === "timeout") return [EXIT.TIMEOUT, "stopped: the time limit (--timeout) is reached"];
  if (typeof cause === "number") return [EXIT.SIGNAL + cause];
  if (stop.reason === "exit") return [stop.code];
  const [status, text] = SAID[stop.reason];
  return stop.reason === "unimplemented" ? [status, `${text}: ${stop.what}`] : SAID[stop.reason];
}

function nameOf({ stop, cause }: Ending): string {
  return cause === "timeout" ? cause : typeof cause === "number" ? `signal ${cause}` : stop.reason;
}

function traceItems({ options }: Parsed): Set<MachineTraceItem> {
  const items = (options.get("d") ?? []).flatMap((list) => list.split(","));
  for (const item of items)
    if (!Object.hasOwn(MACHINE_TRACE_ITEMS, item))
      throw new UsageError(`-d ${item}: there are ${Object.keys(MACHINE_TRACE_ITEMS).join(", ")}`);
  return new Set(items as MachineTraceItem[]);
}

function machineOptions(s: RunSettings): MachineOptions {
  return {
    memory: s.memory,
    cpu: s.cpu,
    append: s.append,
    seed: s.seed,
    onReset: s.restarts ? "restart" : "stop",
    debugExit: s.devices.debugExit,
    testDevice: s.devices.testDevice,
    virtioConsole: s.virtioConsole,
    ...(s.clock === undefined ? {} : { clock: s.clock }),
    ...(s.vmm === undefined ? {} : { vmm: vmmOptions(s.vmm) }),
    ...kernelFiles(s),
  };
}

function vmmOptions({ poolMib }: VmmSettings): VmmMachineOptions {
  return { runtime: loadRuntimeModule(), ...(poolMib === undefined ? {} : { poolBytes: poolMib * MIB }) };
}

/** What -initrd names depends on the kernel: one file, or several modules. */
function kernelFiles({ kernel: path, initrd }: RunSettings): Pick<MachineOptions, "kernel" | "kernelName" | "initrd" | "modules"> {
  if (path === undefined) return {};
  const kernel = inputFile("-kernel", path);
  const named = { kernel, kernelName: path };
  if (initrd === undefined) return named;
  if (formatOf(kernel) !== "multiboot") return { ...named, initrd: inputFile("-initrd", initrd) };
  const modules: readonly Module[] = splitModules(initrd).map((m) => ({ bytes: inputFile("-initrd", m.path), commandLine: m.commandLine }));
  return { ...named, modules };
}

function inputFile(option: string, path: string): Uint8Array {
  const bytes = reading(`${option} ${path}`, () => readFileSync(path));
  if (bytes.length === 0) throw new InputError(`${option} ${path}: the file is empty`);
  return bytes;
}

function reading<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new InputError(`${what}: ${reasonOf(error)}`);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EISDIR: "it is a directory",
  EACCES: "permission denied; a disk that may only be read needs readonly=on or snapshot=on",
};

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return REASONS[code ?? ""] ?? (code === "ERR_FS_FILE_TOO_LARGE" ? "the file is too large" : message);
}

/** Says what went wrong; returns the exit status. What is not expected is thrown on. */
function explain(error: unknown): number {
  const [status, prefix] =
    error instanceof ConfigError
      ? [EXIT.USAGE, ""]
      : error instanceof LoadError
        ? [EXIT.CANNOT_LOAD, "cannot boot this kernel: "]
        : error instanceof InputError
          ? [EXIT.NO_INPUT, ""]
          : error instanceof OutputError
            ? [EXIT.CANNOT_WRITE, ""]
            : [undefined, ""];
  if (status === undefined) throw error;
  console.error(`minusone: ${prefix}${(error as Error).message}`);
  return status;
}
