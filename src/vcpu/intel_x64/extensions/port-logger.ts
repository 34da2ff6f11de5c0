/** Notes what the guest reads and writes at I/O ports; it goes on as before. The oldest notes are dropped. */
import type { PortAccess } from "../hooks.ts";
import type { Extension } from "../vm-api.ts";

export interface PortNote extends PortAccess {
  /** of the instruction */
  readonly rip: bigint;
}

export interface PortLogger {
  readonly extension: Extension;
  readonly notes: readonly PortNote[];
}

/** Ports `from` to `to`, both included. */
export function portLogger(from: number, to: number, keep = 1000): PortLogger {
  const notes: PortNote[] = [];
  const extension: Extension = (vm) => {
    vm.onIo(from, to, (access, guest) => {
      notes.push({ ...access, rip: guest.rip });
      if (notes.length > keep) notes.shift();
      return undefined;
    });
  };
  return { extension, notes };
}
