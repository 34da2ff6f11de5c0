/** The guest can take an interrupt now, or has done the one instruction that it was let do. */
import { EXIT_REASON } from "../../../spec/exits.ts";
import type { Guest } from "../guest.ts";
import type { Hooks } from "../hooks.ts";
import type { ExitTable, Outcome } from "./exit.ts";

/** What waits is injected behind the handling of every exit, so here nothing is left to do. */
function window(): Outcome {
  return "resume";
}

function trapFlag(guest: Guest, hooks: Hooks): Outcome {
  guest.stepped();
  if (hooks.mtf.isEmpty) return "resume";
  guest.fields.enable("primary.monitorTrapFlag");
  hooks.mtf.first(0, (handler) => {
    handler(guest);
    return undefined;
  });
  return "resume";
}

export const WINDOW_EXITS: ExitTable = { [EXIT_REASON.INTERRUPT_WINDOW]: window, [EXIT_REASON.MONITOR_TRAP_FLAG]: trapFlag };
