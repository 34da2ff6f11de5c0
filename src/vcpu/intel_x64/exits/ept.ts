/** EPT violations: for whoever watches the page. SDM Vol. 3 "Exit Qualification for EPT Violations". */
import { EXIT_REASON } from "../../../spec/exits.ts";
import type { Guest } from "../guest.ts";
import type { EptViolation, Hooks } from "../hooks.ts";
import { encodingOf } from "../vmx.ts";
import type { ExitTable, Outcome } from "./exit.ts";

const WRITE = 2n;
const EXECUTE = 4n;
const HAS_LINEAR = 1n << 7n;
const NMI_UNBLOCKED = 1n << 12n;
const BY_NMI = 8;
const INTERRUPTIBILITY = encodingOf("guestInterruptibilityState");

function violation(guest: Guest, hooks: Hooks): Outcome {
  const { fields, cpu, qualification } = guest;
  const access = (qualification & EXECUTE) !== 0n ? "execute" : (qualification & WRITE) !== 0n ? "write" : "read";
  const at: EptViolation = {
    guestPhysical: fields.get("guestPhysicalAddress"),
    guestLinear: (qualification & HAS_LINEAR) !== 0n ? fields.get("guestLinearAddress") : undefined,
    access,
  };
  if (!hooks.eptViolation(at, guest)) return "unhandled";
  // an IRET that will be done again has unblocked NMIs too early
  if (guest.vectoring === undefined && (qualification & NMI_UNBLOCKED) !== 0n)
    cpu.vmwrite32(INTERRUPTIBILITY, cpu.vmread32(INTERRUPTIBILITY) | BY_NMI);
  guest.redeliver();
  return "resume";
}

export const EPT_EXITS: ExitTable = { [EXIT_REASON.EPT_VIOLATION]: violation };
