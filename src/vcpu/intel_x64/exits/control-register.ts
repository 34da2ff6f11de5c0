/**
 * Accesses to control registers that a mask or a control makes exit. CR4.VMXE is the VMM's: the guest reads it as 0, and setting it is #GP, as
 * on a CPU without VMX. CR0.NE is, too: the guest reads what it has written. A guest that turns paging or protection off becomes an
 * unrestricted one, with EPT. Every other access is told to handlers and then done by the CPU itself, with the mask out of the way for one
 * instruction. SDM Vol. 3 "Exit Qualification for Control-Register Accesses".
 */
import { EXIT_REASON } from "../../../spec/exits.ts";
import { CR0, CR4 } from "../../../spec/registers.ts";
import type { Guest } from "../guest.ts";
import type { CrAccess, Hooks } from "../hooks.ts";
import { PE_AND_PG } from "../vmcs-setup.ts";
import type { ExitTable, Outcome } from "./exit.ts";

const KINDS = ["write", "read", "clts", "lmsw"] as const;
const VMXE = BigInt(CR4.VMXE);
const NE = BigInt(CR0.NE);
/** by register: its fields, and the bits that the guest never gets to write */
const SHARED = {
  0: { real: "guestCr0", mask: "cr0GuestHostMask", shadow: "cr0ReadShadow", owned: NE },
  4: { real: "guestCr4", mask: "cr4GuestHostMask", shadow: "cr4ReadShadow", owned: VMXE },
} as const;
const CONTROLS = {
  3: ["primary.cr3LoadExiting", "primary.cr3StoreExiting"],
  8: ["primary.cr8LoadExiting", "primary.cr8StoreExiting"],
} as const;

function controlRegister(guest: Guest, hooks: Hooks): Outcome {
  const qualification = Number(guest.qualification & 0xffff_ffffn);
  const kind = KINDS[(qualification >>> 4) & 3];
  const gpr = (qualification >>> 8) & 15;
  const register = kind === "clts" || kind === "lmsw" ? 0 : qualification & 15;
  const value = kind === "write" ? guest.gpr(gpr) : kind === "lmsw" ? BigInt(qualification >>> 16) : 0n;
  if (register === 4 && kind === "write" && (value & VMXE) !== 0n) {
    guest.raiseGeneralProtection();
    return "resume";
  }
  const access: CrAccess = { register, kind, value };
  hooks.cr.first(register, (handler) => {
    handler(access, guest);
    return undefined;
  });
  if (register === 0 && kind === "write" && (value & PE_AND_PG) !== PE_AND_PG) hooks.unrestrict?.();
  if (register === 0 || register === 4) stepWithoutMask(guest, register, kind === "write" ? value : undefined);
  else if (register === 3 || register === 8) stepWithout(guest, CONTROLS[register]);
  else return "unhandled";
  return "resume";
}

/** Afterwards the mask is back, and the guest reads what it has written. */
function stepWithoutMask(guest: Guest, register: 0 | 4, value: bigint | undefined): void {
  const { fields } = guest;
  const { real, mask, shadow, owned } = SHARED[register];
  const watched = fields.get(mask);
  fields.set(mask, owned);
  // a write that the shadow has already does not exit
  if (value !== undefined) fields.set(shadow, (fields.get(shadow) & ~owned) | (value & owned));
  guest.step(() => {
    fields.set(shadow, (fields.get(real) & ~owned) | (fields.get(shadow) & owned));
    fields.set(mask, watched);
  });
}

function stepWithout(guest: Guest, controls: readonly string[]): void {
  const { fields } = guest;
  const enabled = controls.filter((name) => fields.isEnabled(name));
  for (const name of enabled) fields.disable(name);
  guest.step(() => {
    for (const name of enabled) fields.enable(name);
  });
}

export const CONTROL_REGISTER_EXITS: ExitTable = { [EXIT_REASON.CR_ACCESS]: controlRegister };
