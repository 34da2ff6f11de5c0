/** SDM Vol. 3 "VM-Exit Control Fields" and "VM-Entry Control Fields" of "Checks on VMX Controls", and the MSR areas. */
import { EVENT, VECTOR } from "../../../spec/events.ts";
import { CR0 } from "../../../spec/registers.ts";
import { allows } from "./execution-controls.ts";
import type { Predicates, VmcsView } from "./view.ts";

const MSR_ENTRY = 16n;
const MSR_ENTRY_WORDS = 4;
const OTHER_EVENT = 7;
const RESERVED_TYPE = 1;
const VALID = 0x8000_0000;
const DELIVER_ERROR_CODE = 1 << 11;
const RESERVED = 0x7fff_f000;
const MAX_LENGTH = 15;
const VMX_MISC = 0x485;
const ZERO_LENGTH = 30n;

/** An area of MSRs may be anywhere if it has no entries; of one that has, the last byte counts as well. */
function isMsrArea(v: VmcsView, address: string, countField: string): boolean {
  const count = v.field(countField);
  return count === 0n || (v.isAddress(address, 4n) && v.isPhysical(v.field(address) + count * MSR_ENTRY - 1n));
}

/** The event that is injected at the next entry, if one is. */
export function injected(v: VmcsView): { readonly type: number; readonly vector: number; readonly word: number } | undefined {
  const word = v.low("vmEntryInterruptionInformation");
  return (word & VALID) === 0 ? undefined : { type: (word >>> 8) & 7, vector: word & 0xff, word };
}

const ERROR_CODES: readonly number[] = [VECTOR.DF, VECTOR.TS, VECTOR.NP, VECTOR.SS, VECTOR.GP, VECTOR.PF, VECTOR.AC];
const SOFTWARE: readonly number[] = [EVENT.SOFTWARE_INTERRUPT, EVENT.PRIVILEGED_EXCEPTION, EVENT.SOFTWARE_EXCEPTION];

function wantsErrorCode(v: VmcsView, type: number, vector: number): boolean {
  const inRealMode = v.control("secondary.unrestrictedGuest") && (v.field("guestCr0") & BigInt(CR0.PE)) === 0n;
  return type === EVENT.EXCEPTION && ERROR_CODES.includes(vector) && !inRealMode;
}

const fitsType = (v: VmcsView, type: number, vector: number): boolean => {
  if (type === EVENT.NMI) return vector === VECTOR.NMI;
  if (type === EVENT.EXCEPTION) return vector < 32;
  return type !== OTHER_EVENT || (vector === 0 && allowsMtf(v));
};

/** Injecting "other event" is for CPUs that have the monitor trap flag. */
const allowsMtf = (v: VmcsView): boolean => ((v.msr(0x482) >> (32n + 27n)) & 1n) !== 0n;

const FS_BASE = 0xc000_0100;
const GS_BASE = 0xc000_0101;
const X2APIC = 0x800;

/** SDM Vol. 3 "Loading MSRs", as far as it can be said without writing them: which value an MSR takes, only WRMSR knows. */
function isLoadable(v: VmcsView, msr: number, reserved: number): boolean {
  if (reserved !== 0 || msr === FS_BASE || msr === GS_BASE || msr >>> 8 === X2APIC >>> 8) return false;
  try {
    v.msr(msr);
    return true;
  } catch {
    return false;
  }
}

export const EXIT_CHECKS: Predicates = {
  exitControlsAllowed: (v) => allows(v, "exit"),
  saveTimerNeedsTimer: (v) => !v.control("exit.saveVmxPreemptionTimerValue") || v.control("pin.activatePreemptionTimer"),
  exitMsrStoreAreaValid: (v) => isMsrArea(v, "vmExitMsrStoreAddress", "vmExitMsrStoreCount"),
  exitMsrLoadAreaValid: (v) => isMsrArea(v, "vmExitMsrLoadAddress", "vmExitMsrLoadCount"),
};

export const ENTRY_CHECKS: Predicates = {
  entryControlsAllowed: (v) => allows(v, "entry"),
  injectionTypeNotReserved: (v) => injected(v)?.type !== RESERVED_TYPE,
  injectionVectorFitsType: (v) => {
    const event = injected(v);
    return event === undefined || fitsType(v, event.type, event.vector);
  },
  injectionErrorCodeFitsVector: (v) => {
    const event = injected(v);
    return event === undefined || wantsErrorCode(v, event.type, event.vector) === ((event.word & DELIVER_ERROR_CODE) !== 0);
  },
  injectionReservedBitsClear: (v) => ((injected(v)?.word ?? 0) & RESERVED) === 0,
  injectionErrorCodeUpperBitsClear: (v) =>
    ((injected(v)?.word ?? 0) & DELIVER_ERROR_CODE) === 0 || v.low("vmEntryExceptionErrorCode") >>> 16 === 0,
  injectionLengthAtMost15: (v) => {
    const event = injected(v);
    if (event === undefined || !SOFTWARE.includes(event.type)) return true;
    const least = ((v.msr(VMX_MISC) >> ZERO_LENGTH) & 1n) !== 0n ? 0 : 1;
    const length = v.low("vmEntryInstructionLength");
    return length >= least && length <= MAX_LENGTH;
  },
  entryMsrLoadAreaValid: (v) => isMsrArea(v, "vmEntryMsrLoadAddress", "vmEntryMsrLoadCount"),
};

export const MSR_CHECKS: Predicates = {
  entryMsrLoadable: (v) => {
    const count = v.low("vmEntryMsrLoadCount");
    if (count === 0) return true;
    const words = v.words(v.field("vmEntryMsrLoadAddress"), count * MSR_ENTRY_WORDS);
    if (words === undefined) return false;
    for (let at = 0; at < words.length; at += MSR_ENTRY_WORDS) if (!isLoadable(v, words[at], words[at + 1])) return false;
    return true;
  },
};
