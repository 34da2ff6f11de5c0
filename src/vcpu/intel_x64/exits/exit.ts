/** What a handler of an exit reason is. Each file here has those of a family, and exit-handler.ts puts them into its table. */
import type { Guest } from "../guest.ts";
import type { Hooks } from "../hooks.ts";

/** `resume`: the guest goes on · `promoted`: the OS has left the VM · `unhandled`: nobody knows what to do about it */
export type Outcome = "resume" | "promote" | "unhandled";

export type ExitFunction = (guest: Guest, hooks: Hooks) => Outcome;
export type ExitTable = Readonly<Record<number, ExitFunction>>;
