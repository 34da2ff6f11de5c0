/**
 * The driver's states, and what each verb does in each of them: it goes ahead, is done already, or is refused. The numbers are what the
 * status control code answers.
 */
import { ERROR_CODE, type ErrorCode } from "../vmm/error-codes.ts";

export const STATE = { UNLOADED: 10, LOADED: 11, RUNNING: 12, CORRUPT: 100 } as const;
export type State = (typeof STATE)[keyof typeof STATE];

/** `vmm status` prints this. */
export const STATE_NAME: Readonly<Record<State, string>> = {
  [STATE.UNLOADED]: "VMM_UNLOADED",
  [STATE.LOADED]: "VMM_LOADED",
  [STATE.RUNNING]: "VMM_RUNNING",
  [STATE.CORRUPT]: "VMM_CORRUPT",
};

export type Verb = "add_module" | "load" | "unload" | "start" | "stop" | "dump" | "vmcall";
/** `goes`; `done`: success without doing anything; `state`: invalid state; `corrupt`: the VMM is corrupted */
type Reaction = "goes" | "done" | "state" | "corrupt";

// biome-ignore format: a table
const REACTIONS: Readonly<Record<Verb, readonly [unloaded: Reaction, loaded: Reaction, running: Reaction, corrupt: Reaction]>> = {
  //            unloaded  loaded   running  corrupt
  add_module: [ "goes",   "state", "state", "corrupt" ],
  load:       [ "goes",   "done",  "state", "corrupt" ],
  unload:     [ "goes",   "goes",  "state", "corrupt" ],
  start:      [ "state",  "goes",  "done",  "corrupt" ],
  stop:       [ "state",  "done",  "goes",  "corrupt" ],
  dump:       [ "state",  "goes",  "goes",  "goes"    ],
  vmcall:     [ "state",  "state", "goes",  "corrupt" ],
};
const COLUMNS: readonly State[] = [STATE.UNLOADED, STATE.LOADED, STATE.RUNNING, STATE.CORRUPT];

const REFUSAL: Readonly<Record<State, string>> = {
  [STATE.UNLOADED]: "no VMM is loaded",
  [STATE.LOADED]: "the VMM is loaded and not running",
  [STATE.RUNNING]: "the VMM is running",
  [STATE.CORRUPT]: "the VMM is corrupted, since it could not be stopped or unloaded; only a reset helps",
};

/** Whether the verb has anything to do; or why it is refused. */
export function reactionOf(verb: Verb, state: State): "goes" | "done" | { readonly code: ErrorCode; readonly problem: string } {
  const reaction = REACTIONS[verb][COLUMNS.indexOf(state)];
  if (reaction === "goes" || reaction === "done") return reaction;
  const code = reaction === "corrupt" ? ERROR_CODE.BF_ERROR_VMM_CORRUPTED : ERROR_CODE.BF_ERROR_VMM_INVALID_STATE;
  return { code, problem: `${verb}: ${REFUSAL[state]}` };
}
