/** Exceptions that the exception bitmap names. What no handler takes goes on to the guest, as if it had never exited. */
import { EVENT, VECTOR } from "../../../spec/events.ts";
import { EXIT_REASON } from "../../../spec/exits.ts";
import type { Guest } from "../guest.ts";
import type { Hooks } from "../hooks.ts";
import type { ExitTable, Outcome } from "./exit.ts";

function exception(guest: Guest, hooks: Hooks): Outcome {
  const event = guest.interruption;
  if (event === undefined || event.type === EVENT.NMI) return "unhandled";
  const isTaken = hooks.exception.first(event.vector, (handler) => handler(event, guest) || undefined) === true;
  if (isTaken) {
    guest.redeliver();
    return "resume";
  }
  // the CPU would have loaded CR2 by delivering it
  if (event.vector === VECTOR.PF && event.type === EVENT.EXCEPTION) guest.cpu.cr2 = guest.qualification;
  return guest.reflect(event) ? "resume" : "unhandled";
}

export const EXCEPTION_EXITS: ExitTable = { [EXIT_REASON.EXCEPTION_OR_NMI]: exception };
