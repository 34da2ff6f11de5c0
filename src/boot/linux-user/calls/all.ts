/** All system calls by number. */
import { directoryCalls } from "./directories.ts";
import { identityCalls } from "./identity.ts";
import { inputOutputCalls } from "./input-output.ts";
import { memoryCalls } from "./memory.ts";
import { openingCalls } from "./opening.ts";
import { pollingCalls } from "./polling.ts";
import { processCalls } from "./processes.ts";
import type { SystemCall } from "./row.ts";
import { signalCalls } from "./signals.ts";
import { statusCalls } from "./status.ts";
import { refusedCalls, systemCalls } from "./system.ts";
import { terminalCalls } from "./terminal.ts";
import { timeCalls } from "./time.ts";

const ROWS: readonly SystemCall[] = [
  ...inputOutputCalls,
  ...openingCalls,
  ...statusCalls,
  ...directoryCalls,
  ...memoryCalls,
  ...processCalls,
  ...identityCalls,
  ...signalCalls,
  ...timeCalls,
  ...pollingCalls,
  ...terminalCalls,
  ...systemCalls,
  ...refusedCalls,
];

export const SYSTEM_CALLS: ReadonlyMap<number, SystemCall> = new Map(ROWS.map((call) => [call.number, call]));
if (SYSTEM_CALLS.size !== ROWS.length) throw new Error("two system calls have the same number");
