/**
 * The guest's model-specific registers. What the CPU switches with the guest stands in the VMCS; everything else is the CPU's own register,
 * which the VMM leaves to the guest. The registers of VMX are hidden, as CPUID says that there is none.
 */
import { VECTOR } from "../../spec/events.ts";
import { CR0, EFER } from "../../spec/registers.ts";
import { hasOnlyKnownEferBits, isPat } from "./checks/host.ts";
import { CpuFault, type Intrinsics, isAddressCanonical } from "./intrinsics.ts";
import type { VmcsFields } from "./vmcs-fields.ts";

const EFER_MSR = 0xc000_0080;
/** the guest sees it locked with VMX off */
export const FEATURE_CONTROL = 0x3a;
const LOCKED = 1n;
const VMX_FIRST = 0x480;
const VMX_LAST = 0x491;
const LMA = BigInt(EFER.LMA);
const LME = BigInt(EFER.LME);
const PG = BigInt(CR0.PG);
const DEBUGCTL_KNOWN = 3n;

interface Mirrored {
  readonly field: string;
  /** what WRMSR accepts */
  readonly accepts: (value: bigint) => boolean;
}
const anything = () => true;

/** registers whose value for the guest is a field of the VMCS */
const MIRRORED: ReadonlyMap<number, Mirrored> = new Map([
  [0x1d9, { field: "guestIa32Debugctl", accepts: (v) => (v & ~DEBUGCTL_KNOWN) === 0n }],
  [0x277, { field: "guestIa32Pat", accepts: isPat }],
  [EFER_MSR, { field: "guestIa32Efer", accepts: hasOnlyKnownEferBits }],
  [0x38f, { field: "guestIa32PerfGlobalCtrl", accepts: anything }],
  [0x174, { field: "guestIa32SysenterCs", accepts: (v) => v >> 32n === 0n }],
  [0x175, { field: "guestIa32SysenterEsp", accepts: isAddressCanonical }],
  [0x176, { field: "guestIa32SysenterEip", accepts: isAddressCanonical }],
  [0xc000_0100, { field: "guestFsBase", accepts: isAddressCanonical }],
  [0xc000_0101, { field: "guestGsBase", accepts: isAddressCanonical }],
]);
/** read as 0, whatever the CPU has: Bareflank's list of what an OS asks for without need */
const IGNORED: ReadonlySet<number> = new Set([0x31, 0x39, 0x1ae, 0x1af, 0x602]);

export const isIgnored = (msr: number): boolean => IGNORED.has(msr);
export const isHidden = (msr: number): boolean => msr >= VMX_FIRST && msr <= VMX_LAST;

/** The CPU, and the VMCS of the guest. */
export interface MsrContext {
  readonly cpu: Intrinsics;
  readonly fields: VmcsFields;
}

/** What the guest reads; throws a CpuFault where it gets #GP. */
export function readMsr({ cpu, fields }: MsrContext, msr: number): bigint {
  if (isHidden(msr)) throw refused(msr);
  if (msr === FEATURE_CONTROL) return LOCKED;
  if (IGNORED.has(msr)) return 0n;
  const mirrored = MIRRORED.get(msr);
  // a register that the CPU does not have is none for the guest, whatever the VMCS has
  const hardware = cpu.rdmsr(msr);
  return mirrored === undefined || !fields.exists(mirrored.field) ? hardware : fields.get(mirrored.field);
}

/** What the guest writes, likewise. */
export function writeMsr({ cpu, fields }: MsrContext, msr: number, value: bigint): void {
  if (isHidden(msr) || msr === FEATURE_CONTROL) throw refused(msr);
  const mirrored = MIRRORED.get(msr);
  if (mirrored === undefined || !fields.exists(mirrored.field)) {
    cpu.wrmsr(msr, value);
    return;
  }
  cpu.rdmsr(msr);
  if (!mirrored.accepts(value)) throw refused(msr);
  fields.set(mirrored.field, msr === EFER_MSR ? mergedEfer(fields, value) : value);
}

function mergedEfer(fields: VmcsFields, value: bigint): bigint {
  const old = fields.get("guestIa32Efer");
  // LME may change only while paging is off; LMA is the CPU's
  if (((old ^ value) & LME) !== 0n && (fields.get("guestCr0") & PG) !== 0n) throw refused(EFER_MSR);
  return (value & ~LMA) | (old & LMA);
}

const refused = (msr: number): CpuFault => new CpuFault(`MSR 0x${msr.toString(16)}`, VECTOR.GP);
