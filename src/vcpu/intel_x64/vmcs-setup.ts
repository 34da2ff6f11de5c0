/**
 * Writes a VMCS: controls, the guest's side, the host's side. SDM Vol. 3 "Virtual Machine Control Structures". The controls are the least that
 * the CPU allows plus what an OS needs that goes on as a guest, so the only exits are those that nothing can turn off, and RDMSR and WRMSR.
 */
import { CR0, CR4, EFER } from "../../spec/registers.ts";
import type { Intrinsics, SegmentName } from "./intrinsics.ts";
import type { VmcsState } from "./state.ts";
import { VmcsFields } from "./vmcs-fields.ts";

const NO_LINK = 0xffff_ffff_ffff_ffffn;
const VMXE = BigInt(CR4.VMXE);
const NE = BigInt(CR0.NE);
export const PE_AND_PG = BigInt(CR0.PE) | BigInt(CR0.PG);
const LMA = BigInt(EFER.LMA);

const GUEST_SEGMENTS: readonly (readonly [SegmentName, string])[] = [
  ["es", "Es"],
  ["cs", "Cs"],
  ["ss", "Ss"],
  ["ds", "Ds"],
  ["fs", "Fs"],
  ["gs", "Gs"],
  ["ldtr", "Ldtr"],
  ["tr", "Tr"],
];
const HOST_SEGMENTS = GUEST_SEGMENTS.filter(([name]) => name !== "ldtr");

export interface HostSide {
  /** top of the stack of exit handlers in machine code */
  readonly stackTop: bigint;
  /** where exits arrive */
  readonly exitEntry: bigint;
  /** virtual address of the state-save page, in GS */
  readonly stateSave: bigint;
}

export function writeVmcs(cpu: Intrinsics, host: VmcsState, guest: VmcsState, side: HostSide, log: (text: string) => void): void {
  const fields = new VmcsFields(cpu, log);
  writeControls(fields, guest);
  writeGuest(fields, guest);
  writeHost(fields, host, side);
}

function writeControls(fields: VmcsFields, guest: VmcsState): void {
  for (const word of ["pin", "primary", "exit", "entry"] as const) fields.setLeast(word);
  fields.enable("primary.activateSecondaryControls");
  fields.setLeast("secondary");
  for (const name of ["enableRdtscp", "enableInvpcid", "enableXsavesXrstors"]) fields.enableIfAllowed(`secondary.${name}`);

  for (const name of ["saveDebugControls", "hostAddressSpaceSize", "saveIa32Pat", "loadHostIa32Pat", "saveIa32Efer", "loadHostIa32Efer"])
    fields.enable(`exit.${name}`);
  if (fields.isAllowed1("exit.loadHostPerfGlobalCtrl")) fields.enable("exit.loadHostPerfGlobalCtrl");

  for (const name of ["loadDebugControls", "loadGuestIa32Pat", "loadGuestIa32Efer"]) fields.enable(`entry.${name}`);
  if ((guest.efer & LMA) !== 0n) fields.enable("entry.ia32eModeGuest");
  else fields.disable("entry.ia32eModeGuest");
  if (fields.isAllowed1("entry.loadGuestPerfGlobalCtrl")) fields.enable("entry.loadGuestPerfGlobalCtrl");

  // bits that VMX operation needs set, whatever the OS has and goes on to see; PE and PG need not be, in an unrestricted guest
  fields.set("cr4GuestHostMask", VMXE);
  fields.set("cr4ReadShadow", guest.cr4 & ~VMXE);
  fields.set("cr0GuestHostMask", fields.isAllowed1("secondary.unrestrictedGuest") ? NE | PE_AND_PG : NE);
  fields.set("cr0ReadShadow", guest.cr0);
}

function writeGuest(fields: VmcsFields, guest: VmcsState): void {
  for (const [name, title] of GUEST_SEGMENTS) {
    const { selector, base, limit, accessRights } = guest.segments[name];
    fields.set(`guest${title}Selector`, BigInt(selector));
    fields.set(`guest${title}Base`, base);
    fields.set(`guest${title}Limit`, BigInt(limit));
    fields.set(`guest${title}AccessRights`, BigInt(accessRights));
  }
  for (const [name, { base, limit }] of [
    ["Gdtr", guest.gdtr],
    ["Idtr", guest.idtr],
  ] as const) {
    fields.set(`guest${name}Base`, base);
    fields.set(`guest${name}Limit`, BigInt(limit));
  }
  fields.set("vmcsLinkPointer", NO_LINK);
  fields.set("guestIa32Debugctl", guest.debugctl);
  fields.set("guestIa32Pat", guest.pat);
  fields.set("guestIa32Efer", guest.efer);
  if (fields.exists("guestIa32PerfGlobalCtrl")) fields.set("guestIa32PerfGlobalCtrl", guest.perfGlobalCtrl);
  fields.set("guestIa32SysenterCs", guest.sysenterCs);
  fields.set("guestIa32SysenterEsp", guest.sysenterEsp);
  fields.set("guestIa32SysenterEip", guest.sysenterEip);
  fields.set("guestCr0", guest.cr0 | NE);
  fields.set("guestCr3", guest.cr3);
  fields.set("guestCr4", guest.cr4);
  fields.set("guestDr7", guest.dr7);
  fields.set("guestRflags", guest.rflags);
  fields.set("guestRip", guest.rip);
  fields.set("guestRsp", guest.rsp);
  fields.set("guestInterruptibilityState", BigInt(guest.interruptibility));
  fields.set("guestActivityState", BigInt(guest.activity));
  fields.set("guestPendingDebugExceptions", guest.pendingDebug);
}

function writeHost(fields: VmcsFields, host: VmcsState, side: HostSide): void {
  for (const [name, title] of HOST_SEGMENTS) fields.set(`host${title}Selector`, BigInt(host.segments[name].selector));
  fields.set("hostIa32Pat", host.pat);
  fields.set("hostIa32Efer", host.efer);
  if (fields.exists("hostIa32PerfGlobalCtrl")) fields.set("hostIa32PerfGlobalCtrl", host.perfGlobalCtrl);
  fields.set("hostIa32SysenterCs", host.sysenterCs);
  fields.set("hostIa32SysenterEsp", host.sysenterEsp);
  fields.set("hostIa32SysenterEip", host.sysenterEip);
  fields.set("hostCr0", host.cr0);
  fields.set("hostCr3", host.cr3);
  fields.set("hostCr4", host.cr4);
  fields.set("hostFsBase", host.segments.fs.base);
  fields.set("hostGsBase", side.stateSave);
  fields.set("hostTrBase", host.segments.tr.base);
  fields.set("hostGdtrBase", host.gdtr.base);
  fields.set("hostIdtrBase", host.idtr.base);
  fields.set("hostRsp", side.stackTop);
  fields.set("hostRip", side.exitEntry);
}
