/** What a program that embeds minusone imports. */
import { loadCoreModule } from "./boot/core-module.ts";
import { madeUpStatus, S_IF } from "./boot/linux-user/file-status.ts";
import type { StandardStream } from "./boot/linux-user/host.ts";
import { nodeHost, nodeIdentity } from "./boot/linux-user/host-node.ts";
import { BytesInput } from "./boot/linux-user/host-streams.ts";
import { LinuxUser, type RunOptions } from "./boot/linux-user/run-program.ts";
import type { Interruption } from "./boot/linux-user/scheduler.ts";
import { loadRuntimeModule } from "./boot/runtime-module.ts";
import { checkOptions, type MachineOptions, type VmmMachineOptions } from "./machine/config.ts";
import { Machine as EmbeddedMachine } from "./machine/machine.ts";

export { loadCoreModule } from "./boot/core-module.ts";
export { LoadError } from "./boot/linux-user/exec.ts";
export type { Host, HostFiles, Input, StandardStream } from "./boot/linux-user/host.ts";
export type { Observer } from "./boot/linux-user/kernel.ts";
export { LinuxUser, type RunOptions, type RunResult } from "./boot/linux-user/run-program.ts";
export { LoadError as KernelError } from "./boot/load-error.ts";
export { Core, type StopReason, Vcpu } from "./core/core.ts";
export type { StaleUse, StaleUses } from "./core/stale.ts";
export type { BlockBackend } from "./devices/backends/block.ts";
export { CopyOnWrite, readFrom } from "./devices/backends/copy-on-write.ts";
export { DriverError } from "./driver/driver-error.ts";
export type { Vmm } from "./driver/vmm.ts";
export { ConfigError, type Drive, type MachineOptions, type VmmMachineOptions } from "./machine/config.ts";
export type { Access, Delivery, Hooks } from "./machine/hooks.ts";
export type { MachineEvents, RunOptions as MachineRunOptions } from "./machine/machine.ts";
export type { Output } from "./machine/output.ts";
export type { Registers } from "./machine/registers.ts";
export type { SerialPort } from "./machine/serial.ts";
export type { MachineStatistics } from "./machine/statistics.ts";
export type { Stop } from "./machine/stop.ts";
export type { MachineVmx, VmcsValues } from "./machine/vmx.ts";
export type { EntryExplanation, Violation } from "./vcpu/intel_x64/explain.ts";
export type { Extension, VmApi } from "./vcpu/intel_x64/vm-api.ts";

/** A PC: src/machine/machine.ts, with this package's own core. */
export class Machine extends EmbeddedMachine {
  static override async create(options: MachineOptions & { readonly module?: WebAssembly.Module }): Promise<Machine> {
    const { module = loadCoreModule(), vmm } = options;
    const config = checkOptions(vmm === undefined || vmm === false ? options : { ...options, vmm: withRuntime(vmm) });
    return new Machine(module, config, await Machine.vmmFor(config));
  }
}

function withRuntime(vmm: true | VmmMachineOptions): VmmMachineOptions {
  return { runtime: loadRuntimeModule(), ...(vmm === true ? {} : vmm) };
}

export interface ProgramOptions extends Omit<RunOptions, "module" | "host"> {
  readonly module?: WebAssembly.Module;
  readonly stdin?: Uint8Array | string;
}

export interface ProgramResult {
  /** exit status; 128 + n if signal n killed the program */
  readonly status: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly instructions: number;
  readonly interruption?: Interruption;
}

/** Runs a static Linux program on its own input and collects its output. */
export async function runProgram(options: ProgramOptions): Promise<ProgramResult> {
  const stdin = typeof options.stdin === "string" ? new TextEncoder().encode(options.stdin) : (options.stdin ?? new Uint8Array(0));
  const [stdout, stderr] = [new Collector(), new Collector()];
  const host = { ...nodeHost([{ input: new BytesInput(stdin), status: pipeStatus }, stdout, stderr]), identity: nodeIdentity() };
  const result = await new LinuxUser({ ...options, module: options.module ?? loadCoreModule(), host }).run();
  const { ending, instructions, interruption } = result;
  const status = ending === undefined ? 0 : "status" in ending ? ending.status : 128 + ending.signal;
  const output = { status, stdout: stdout.bytes, stderr: stderr.bytes, instructions };
  return interruption === undefined ? output : { ...output, interruption };
}

function pipeStatus() {
  return madeUpStatus(S_IF.IFO | 0o600, 1);
}

class Collector implements StandardStream {
  readonly #chunks: Uint8Array[] = [];

  status = pipeStatus;

  write(bytes: Uint8Array): number {
    this.#chunks.push(bytes.slice());
    return bytes.length;
  }

  get bytes(): Uint8Array {
    const all = new Uint8Array(this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    let at = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  }
}
