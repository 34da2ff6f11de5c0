/** SDM Vol. 3 "VM-Exit Control Fields" and "VM-Entry Control Fields" of "Checks on VMX Controls", and the MSR areas. */
import { EVENT, VECTOR } from "../../../spec/events.ts";
import { CR0 } from "../../../spec/registers.ts";
import { capabilityOf } from "../capability.ts";
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
const MTF = 32n + 27n;
const MSR_LIST = 512;

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

const fitsType = (type: number, vector: number): boolean => {
  if (type === EVENT.NMI) return vector === VECTOR.NMI;
  if (type === EVENT.EXCEPTION) return vector < 32;
  return type !== OTHER_EVENT || vector === 0;
};

/** Injecting "other event" is for CPUs that have the monitor trap flag. */
const allowsMtf = (v: VmcsView): boolean => ((capabilityOf(v.cpu, "primary") >> MTF) & 1n) !== 0n;

const FS_BASE = 0xc000_0100;
const GS_BASE = 0xc000_0101;
const X2APIC = 0x800;

interface MsrEntry {
  readonly msr: number;
  readonly reserved: number;
}

const ENTRY_AREA = ["vmEntryMsrLoadAddress", "vmEntryMsrLoadCount"] as const;

/** Entries of the list that an entry loads; undefined where there is no memory. Another rule is about a list that stands nowhere. */
function entries(v: VmcsView): readonly MsrEntry[] | undefined {
  const [address, countField] = ENTRY_AREA;
  const count = v.low(countField);
  if (count === 0 || !isMsrArea(v, address, countField)) return [];
  const words = v.words(v.field(address), count * MSR_ENTRY_WORDS);
  if (words === undefined) return undefined;
  return Array.from({ length: count }, (_, n) => ({ msr: words[n * MSR_ENTRY_WORDS], reserved: words[n * MSR_ENTRY_WORDS + 1] }));
}

const ofEntries = (holds: (entry: MsrEntry) => boolean) => (v: VmcsView) => (entries(v) ?? []).every(holds);

const isBase = ({ msr }: MsrEntry): boolean => msr === FS_BASE || msr === GS_BASE;
const isX2apic = ({ msr }: MsrEntry): boolean => msr >>> 8 === X2APIC >>> 8;
const isReserved = ({ reserved }: MsrEntry): boolean => reserved !== 0;

/** Which values an MSR takes only WRMSR knows: here it is one that there is, unless another rule keeps it out. */
function isThere(v: VmcsView, entry: MsrEntry): boolean {
  if (isBase(entry) || isX2apic(entry) || isReserved(entry)) return true;
  try {
    v.msr(entry.msr);
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
  injectionTypeNotReserved: (v) => {
    const type = injected(v)?.type;
    return type !== RESERVED_TYPE && (type !== OTHER_EVENT || allowsMtf(v));
  },
  injectionVectorFitsType: (v) => {
    const event = injected(v);
    return event === undefined || fitsType(event.type, event.vector);
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
  // IA32_VMX_MISC bits 27-25
  entryMsrCountAtMost512: (v) => v.low("vmEntryMsrLoadCount") <= MSR_LIST * (1 + Number((v.msr(VMX_MISC) >> 25n) & 7n)),
  entryMsrNotFsOrGsBase: ofEntries((entry) => !isBase(entry)),
  entryMsrNotX2apic: ofEntries((entry) => !isX2apic(entry)),
  entryMsrReservedBitsClear: ofEntries((entry) => !isReserved(entry)),
  entryMsrWritable: (v) => entries(v)?.every((entry) => isThere(v, entry)) ?? false,
};
