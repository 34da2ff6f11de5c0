/**
 * What the runtime module (src/modules/runtime) asks of TypeScript: memory, output, and the two ways in which machine code gives up. These
 * end the call that is going on by an error, which reaches the guard around it.
 */
import { BadAlloc } from "../vmm/errors.ts";
import { demangleType } from "./demangle.ts";
import type { GateFunction } from "./executor.ts";
import { Stopped, UncaughtException } from "./module-fault.ts";
import type { VmmMemory } from "./vmm-memory.ts";

export interface RuntimeServices {
  /** virtual address, or 0 if there is no memory left */
  alloc(bytes: bigint): bigint;
  free(address: bigint): void;
  /** bytes that were allocated at an address, or 0 */
  size(address: bigint): bigint;
  /** Answers how many bytes were taken. */
  write(fd: bigint, bytes: Uint8Array): bigint;
  /** A module handles VM exits, which are to arrive at `entry`; the address of the gate goes to `gateVariable`. Absent: none can. */
  handlesExits?(entry: bigint, gateVariable: bigint): void;
}

const BAD_ALLOC: ReadonlySet<string> = new Set(["std::bad_alloc", "std::bad_array_new_length"]);

export function runtimeGates(
  { memory }: { readonly memory: VmmMemory },
  services: RuntimeServices,
): Readonly<Record<string, GateFunction>> {
  return {
    mm_alloc: (bytes) => services.alloc(bytes),
    mm_free: (address) => {
      services.free(address);
      return 0n;
    },
    mm_size: (address) => services.size(address),
    console_write: (fd, buffer, bytes) => services.write(fd, memory.read(buffer, Number(bytes))),
    module_abort: (text) => {
      throw new Stopped(memory.readText(text));
    },
    exit_handler_registered: (entry, gateVariable) => {
      if (services.handlesExits === undefined) throw new Stopped("exit handlers in machine code are not possible here");
      services.handlesExits(entry, gateVariable);
      return 0n;
    },
    uncaught_exception: (type, what) => {
      const name = demangleType(memory.readText(type));
      const message = memory.readText(what);
      throw BAD_ALLOC.has(name) ? new BadAlloc(message) : new UncaughtException(name, message);
    },
  };
}
