/** Runs one Linux program to its end: core, kernel, first process, scheduler. What the command line and the library use. */
import { Core } from "../../core/core.ts";
import { cpuModel } from "../../cpus/models.ts";
import { execute } from "./exec.ts";
import { findProgram } from "./find-program.ts";
import type { Host } from "./host.ts";
import { Kernel, type Observer } from "./kernel.ts";
import type { Ending } from "./process.ts";
import { type Interruption, type Limits, Scheduler } from "./scheduler.ts";
import { SIG } from "./signals.ts";
import type { Statistics } from "./statistics.ts";

export const DEFAULT_MEMORY_MIB = 512;

export interface RunOptions extends Limits {
  readonly module: WebAssembly.Module;
  readonly host: Host;
  /** path of the program in the tree it will see, or a name to look for along PATH */
  readonly program: string;
  /** arguments behind the program's name */
  readonly args?: readonly string[];
  readonly environment?: readonly string[];
  readonly memoryMib?: number;
  /** CPU model with features added and taken away, as `-cpu` takes it */
  readonly cpu?: string;
  readonly root?: string;
  readonly directory?: string;
  readonly writable?: boolean;
  readonly realTime?: boolean;
  readonly seed?: number;
  readonly observer?: Observer;
}

export interface RunResult {
  /** how the program ended, unless it was interrupted */
  readonly ending?: Ending;
  readonly interruption?: Interruption;
  readonly instructions: number;
  readonly statistics: Statistics;
  readonly kernel: Kernel;
}

export class LinuxUser {
  readonly kernel: Kernel;
  readonly #options: RunOptions;

  constructor(options: RunOptions) {
    const core = new Core(options.module, options.memoryMib ?? DEFAULT_MEMORY_MIB, cpuModel(options.cpu ?? "max"));
    this.#options = options;
    this.kernel = new Kernel(core, options.host, {
      root: options.root ?? "/",
      writable: options.writable ?? false,
      realTime: options.realTime ?? false,
      seed: options.seed ?? 0,
    });
    this.kernel.observer = options.observer ?? {};
  }

  /** A signal from outside, as from the keyboard. */
  interrupt(signo: number): void {
    const { kernel } = this;
    const [first] = kernel.processes.values();
    kernel.sendToGroup(kernel.terminal?.foreground ?? first?.group ?? 0, { signo, code: 0x80 });
  }

  /** Loads the program (failing with LoadError) and runs it. */
  async run(): Promise<RunResult> {
    const { kernel } = this;
    const o = this.#options;
    const encoder = new TextEncoder();
    const process = kernel.createFirst();
    process.directory = o.directory ?? "/";
    const args = [o.program, ...(o.args ?? [])].map((text) => encoder.encode(text));
    const environment = o.environment ?? [];
    const path = findProgram(kernel.tree, process.directory, o.program, environment);
    execute(kernel, process, { path, args, environment: environment.map((text) => encoder.encode(text)) });
    try {
      const interruption = await new Scheduler(kernel, process, o).run();
      const { statistics } = kernel;
      for (const p of kernel.processes.values()) if (p.isAlive) statistics.pageFaults += p.memory.space.faults;
      const result = { instructions: kernel.clock.instructions, statistics, kernel };
      if (interruption !== undefined && process.ending === undefined) return { ...result, interruption };
      return { ...result, ending: process.ending ?? { signal: SIG.KILL } };
    } finally {
      kernel.terminal?.restore();
      for (const stream of o.host.streams) stream.input?.close();
    }
  }
}
