/**
 * What the runtime module (src/modules/runtime) asks of TypeScript: memory, output, and the two ways in which machine code gives up. These
 * end the call that is going on by an error, which reaches the guard around it.
 */
import { BadAlloc } from "../vmm/errors.ts";
import { demangleType } from "./demangle.ts";
import type { Executor, GateFunction } from "./executor.ts";
import { ModuleAbort, UncaughtException } from "./module-fault.ts";

export interface RuntimeServices {
  /** virtual address, or 0 if there is no memory left */
  alloc(bytes: bigint): bigint;
  free(address: bigint): void;
  /** bytes that were allocated at an address, or 0 */
  size(address: bigint): bigint;
  /** Answers how many bytes were taken. */
  write(fd: bigint, bytes: Uint8Array): bigint;
}

const BAD_ALLOC: ReadonlySet<string> = new Set(["std::bad_alloc", "std::bad_array_new_length"]);

export function runtimeGates(executor: Executor, services: RuntimeServices): Readonly<Record<string, GateFunction>> {
  const { memory } = executor;
  return {
    mm_alloc: (bytes) => services.alloc(bytes),
    mm_free: (address) => {
      services.free(address);
      return 0n;
    },
    mm_size: (address) => services.size(address),
    console_write: (fd, buffer, bytes) => services.write(fd, memory.read(buffer, Number(bytes))),
    module_abort: (text) => {
      const { place, registers } = executor.caller;
      throw new ModuleAbort(memory.readText(text), place, registers);
    },
    uncaught_exception: (type, what) => {
      const name = demangleType(memory.readText(type));
      const message = memory.readText(what);
      throw BAD_ALLOC.has(name) ? new BadAlloc(message) : new UncaughtException(name, message);
    },
  };
}
