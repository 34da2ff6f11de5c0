/** `minusone exec`: runs a Linux program on this terminal and ends with its status. */
import { realpathSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { loadCoreModule } from "../boot/core-module.ts";
import { ERRNO } from "../boot/linux-user/errno.ts";
import { LoadError } from "../boot/linux-user/exec.ts";
import { nodeHost } from "../boot/linux-user/host-node.ts";
import { nodeStreams } from "../boot/linux-user/host-streams.ts";
import type { Observer } from "../boot/linux-user/kernel.ts";
import { DEFAULT_MEMORY_MIB, LinuxUser, type RunOptions, type RunResult } from "../boot/linux-user/run-program.ts";
import { type Interruption, UnimplementedError } from "../boot/linux-user/scheduler.ts";
import { MAX_MEMORY_MIB, MIN_MEMORY_MIB } from "../core/core.ts";
import { CpuModelError, cpuModel, MODELS } from "../cpus/models.ts";
import { TRACE_ITEMS, type TraceItem } from "../debug/trace-items.ts";
import { EXIT } from "./exit-codes.ts";
import { type OptionTable, type Parsed, parseOptions, parsePositive, parseSize, UsageError } from "./options.ts";
import { type Log, OutputError, openLog, writeJson } from "./output-file.ts";
import { statisticsRecord } from "./statistics.ts";

export const EXEC_OPTIONS: OptionTable = {
  m: { value: "SIZE", help: `guest memory, ${MIN_MEMORY_MIB}M to ${MAX_MEMORY_MIB}M (${DEFAULT_MEMORY_MIB}M)` },
  cpu: {
    value: "MODEL[,+F,-F]",
    help: `CPU model: ${MODELS.map((m) => m.name).join(", ")} (max, everything that works); features added, taken away`,
  },
  root: { value: "DIR", help: "the directory that the program sees as / (/)" },
  writable: { help: "let the program change files; otherwise writing fails with EROFS" },
  env: { value: "K=V", help: "set an environment variable for the program; may be repeated" },
  "real-time": { help: "clocks show real time and sleeping takes it; otherwise time follows the instruction count" },
  seed: { value: "N", help: "seed of everything random in the program (0)" },
  timeout: { value: "SECONDS", help: "stop after so much real time" },
  "max-instructions": { value: "N", help: "stop after so many instructions" },
  "stats-json": { value: "FILE", help: "write counters as JSON when the program has ended" },
  d: { value: "ITEMS", help: `log ${Object.keys(TRACE_ITEMS).join(",")} (any of them, with commas)` },
  D: { value: "FILE", help: "the log goes there instead of the standard error output" },
};

const INTERRUPTED: Readonly<Record<Interruption, readonly [number, string]>> = {
  "time limit": [EXIT.TIMEOUT, "stopped: the time limit (--timeout) is reached"],
  "instruction limit": [EXIT.INSTRUCTION_LIMIT, "stopped: the instruction limit (--max-instructions) is reached"],
  aborted: [EXIT.TIMEOUT, "stopped from outside"],
  deadlock: [EXIT.DEADLOCK, "stopped: every process waits for something that cannot come"],
};
/** passed on to the program */
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGTERM: 15, SIGTSTP: 20, SIGWINCH: 28 } as const;
const SIGCONT = 18;

export async function exec(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(EXEC_OPTIONS, args);
  const [program, ...programArgs] = parsed.rest;
  if (program === undefined) throw new UsageError("exec needs a program: minusone exec PROGRAM [ARGS…]");
  const options = { ...settings(parsed), program, args: programArgs };
  try {
    const log = openLog(last(parsed, "D"));
    try {
      return await run(parsed, options, log);
    } finally {
      log.close();
    }
  } catch (error) {
    return explain(error);
  }
}

async function run(parsed: Parsed, options: Omit<RunOptions, "observer">, log: Log): Promise<number> {
  const reports: Promise<void>[] = [];
  const observer = await observe(parsed, log, reports);
  const linux = new LinuxUser({ ...options, observer });
  observer.stopped = () => {
    process.kill(process.pid, "SIGSTOP");
    // somebody has continued this process
    linux.interrupt(SIGCONT);
  };
  const forward = Object.entries(SIGNALS).map(([name, signo]) => [name, () => linux.interrupt(signo)] as const);
  for (const [name, listener] of forward) process.on(name, listener);
  const started = performance.now();
  try {
    const result = await linux.run();
    const seconds = (performance.now() - started) / 1000;
    await Promise.all(reports);
    finish(parsed, result, seconds, log);
    return statusOf(result);
  } finally {
    for (const [name, listener] of forward) process.off(name, listener);
  }
}

function last({ options }: Parsed, name: string): string | undefined {
  return options.get(name)?.at(-1);
}

function settings(parsed: Parsed) {
  const { options } = parsed;
  const cpu = last(parsed, "cpu") ?? "max";
  checkCpu(cpu);
  const memoryMib = parseSize(last(parsed, "m") ?? `${DEFAULT_MEMORY_MIB}M`);
  if (!Number.isInteger(memoryMib) || memoryMib < MIN_MEMORY_MIB || memoryMib > MAX_MEMORY_MIB)
    throw new UsageError(`-m ${last(parsed, "m")} is not possible; choose from ${MIN_MEMORY_MIB}M to ${MAX_MEMORY_MIB}M`);
  const root = rootDirectory(last(parsed, "root") ?? "/");
  const timeout = last(parsed, "timeout");
  const maxInstructions = last(parsed, "max-instructions");
  traceItems(parsed);
  return {
    module: loadCoreModule(),
    host: nodeHost(nodeStreams()),
    environment: environment(options.get("env") ?? []),
    memoryMib,
    cpu,
    root,
    directory: directoryUnder(root),
    writable: options.has("writable"),
    realTime: options.has("real-time"),
    seed: Number(last(parsed, "seed") ?? 0),
    ...(timeout === undefined ? {} : { timeLimit: parsePositive("--timeout", timeout) * 1000 }),
    ...(maxInstructions === undefined ? {} : { maxInstructions: parsePositive("--max-instructions", maxInstructions) }),
  };
}

function checkCpu(text: string): void {
  try {
    cpuModel(text);
  } catch (error) {
    throw error instanceof CpuModelError ? new UsageError(error.message) : error;
  }
}

function rootDirectory(path: string): string {
  try {
    if (statSync(path).isDirectory()) return realpathSync(path);
  } catch {
    throw new UsageError(`--root ${path}: there is no such directory`);
  }
  throw new UsageError(`--root ${path}: not a directory`);
}

/** Where this process stands, if that is inside the root. */
function directoryUnder(root: string): string {
  const here = resolve(".");
  if (root === "/") return here;
  return here === root || here.startsWith(`${root}/`) ? here.slice(root.length) || "/" : "/";
}

function environment(added: readonly string[]): string[] {
  const variables = new Map(Object.entries(process.env));
  for (const line of added) {
    const at = line.indexOf("=");
    if (at <= 0) throw new UsageError(`--env ${line}: write it as NAME=VALUE`);
    variables.set(line.slice(0, at), line.slice(at + 1));
  }
  return [...variables].map(([name, value]) => `${name}=${value}`);
}

/** The disassembler and its tables are loaded when there is something to disassemble: a start does not wait for them. */
async function observe(parsed: Parsed, log: Log, reports: Promise<void>[]): Promise<Observer> {
  const items = traceItems(parsed);
  const observer = items.size === 0 ? {} : (await import("../debug/trace.ts")).traceObserver(items, (line) => log.print(line));
  observer.crash = (crash) => {
    reports.push(import("../debug/crash-report.ts").then(({ crashReport }) => log.warn(crashReport(crash))));
  };
  observer.notice = (text) => log.warn(`minusone: ${text}\n`);
  return observer;
}

function traceItems({ options }: Parsed): Set<TraceItem> {
  const items = (options.get("d") ?? []).flatMap((list) => list.split(","));
  for (const item of items)
    if (!Object.hasOwn(TRACE_ITEMS, item)) throw new UsageError(`-d ${item}: there are ${Object.keys(TRACE_ITEMS).join(", ")}`);
  return new Set(items as TraceItem[]);
}

function finish(parsed: Parsed, result: RunResult, seconds: number, log: Log): void {
  if (traceItems(parsed).has("syscall"))
    for (const [number, count] of result.statistics.unknownCalls) log.print(`unknown system call ${number}: ${count} times`);
  if (result.interruption !== undefined) log.warn(`minusone: ${INTERRUPTED[result.interruption][1]}\n`);
  const path = last(parsed, "stats-json");
  if (path === undefined) return;
  writeJson("--stats-json", path, statisticsRecord(result, seconds));
}

function statusOf({ ending, interruption }: RunResult): number {
  if (interruption !== undefined) return INTERRUPTED[interruption][0];
  if (ending === undefined) return EXIT.INTERNAL;
  return "status" in ending ? ending.status : EXIT.SIGNAL + ending.signal;
}

/** Says what went wrong; returns the exit status. What is not expected is thrown on. */
function explain(error: unknown): number {
  if (error instanceof LoadError) {
    console.error(`minusone: cannot run ${error.path}: ${error.reason}`);
    return error.errno === ERRNO.ENOENT ? EXIT.NOT_FOUND : EXIT.CANNOT_LOAD;
  }
  if (error instanceof UnimplementedError) {
    console.error(`minusone: ${error.message}`);
    return EXIT.UNIMPLEMENTED;
  }
  if (error instanceof OutputError) {
    console.error(`minusone: ${error.message}`);
    return EXIT.CANNOT_WRITE;
  }
  throw error;
}
