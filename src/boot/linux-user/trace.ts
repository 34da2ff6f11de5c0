/** System calls as text, in the manner of strace. */
import type { PARAMETER, SystemCall } from "./calls/row.ts";
import { errnoName, SystemCallError } from "./errno.ts";
import { signalName } from "./signals.ts";
import type { UserMemory } from "./user-memory.ts";

/** as much of a buffer as is shown */
const SHOWN = 32;
const AT_FDCWD = -100;

export function callText(call: SystemCall, args: readonly number[], memory: UserMemory): string {
  return call.parameters.map((parameter, i) => argument(parameter, args[i], args[i + 1], memory)).join(", ");
}

export function resultText(call: SystemCall, result: number | undefined): string {
  if (result === undefined) return "?";
  if (result < 0 && result > -4096) return `-1 ${errnoName(-result)}`;
  return call.name === "mmap" || call.name === "brk" || call.name === "mremap" ? hex(result) : String(result);
}

function argument(parameter: keyof typeof PARAMETER, value: number, next: number, memory: UserMemory): string {
  switch (parameter) {
    case "fd":
      return value === AT_FDCWD ? "AT_FDCWD" : String(value);
    case "pointer":
      return value === 0 ? "NULL" : hex(value);
    case "flags":
      return hex(value);
    case "mode":
      return `0${value.toString(8)}`;
    case "signal":
      return signalName(value);
    case "path":
      return value === 0 ? "NULL" : quiet(value, () => quote(memory.bytesOfString(value)));
    case "data":
      return quiet(value, () => quote(memory.read(value, Math.min(next, SHOWN))) + (next > SHOWN ? "..." : ""));
    default:
      return String(value);
  }
}

function quiet(address: number, show: () => string): string {
  try {
    return show();
  } catch (error) {
    if (error instanceof SystemCallError) return hex(address);
    throw error;
  }
}

function quote(bytes: Uint8Array): string {
  return JSON.stringify(new TextDecoder("latin1").decode(bytes));
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
