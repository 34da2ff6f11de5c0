/**
 * VMX instructions. VMXOFF is how the driver takes the OS out of its VM; nothing else may. The guest has no VMX, so for it they are invalid
 * opcodes; VMCALL is the protocol of vmcall.ts.
 */
import { EXIT_REASON } from "../../../spec/exits.ts";
import type { Guest } from "../guest.ts";
import type { ExitFunction, ExitTable, Outcome } from "./exit.ts";

const notThere: ExitFunction = (guest) => {
  guest.raiseInvalidOpcode();
  return "resume";
};

/** From ring 3 it would end the VM for everybody. */
function vmxoff(guest: Guest): Outcome {
  if (guest.isDriversCall || guest.cpl === 0) return "promote";
  guest.raiseInvalidOpcode();
  return "resume";
}

const { VMCLEAR, VMLAUNCH, VMPTRLD, VMPTRST, VMREAD, VMRESUME, VMWRITE, VMXON, INVEPT, INVVPID, VMFUNC } = EXIT_REASON;

export const VMX_EXITS: ExitTable = {
  [EXIT_REASON.VMXOFF]: vmxoff,
  ...Object.fromEntries(
    [VMCLEAR, VMLAUNCH, VMPTRLD, VMPTRST, VMREAD, VMRESUME, VMWRITE, VMXON, INVEPT, INVVPID, VMFUNC].map((reason) => [reason, notThere]),
  ),
};
