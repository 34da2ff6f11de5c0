/** Task switches. SDM Vol. 3 "Task Management". */
import { Op } from "../decode/op";
import { UNIMPLEMENTED_TASK_SWITCH } from "../generated/constants";
import { State } from "../generated/state";
import { unimplemented } from "../raise";

export function interruptTask(s: State, op: Op, selector: u32, returnRip: u64): void {
  unimplemented(s, op, UNIMPLEMENTED_TASK_SWITCH);
}
