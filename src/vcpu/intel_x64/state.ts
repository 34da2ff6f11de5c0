/**
 * What a VMCS says about one side of a transition: the guest that is entered, or the host that an exit returns to. Everything is 0 and every
 * segment unusable unless it is said otherwise.
 */
import { ACCESS_RIGHTS, SEGMENTS, type Segment, type SegmentName, type TableRegister } from "./intrinsics.ts";

export interface VmcsState {
  readonly segments: Readonly<Record<SegmentName, Segment>>;
  readonly gdtr: TableRegister;
  readonly idtr: TableRegister;
  readonly cr0: bigint;
  readonly cr3: bigint;
  readonly cr4: bigint;
  readonly dr7: bigint;
  readonly rflags: bigint;
  readonly rip: bigint;
  readonly rsp: bigint;
  readonly debugctl: bigint;
  readonly pat: bigint;
  readonly efer: bigint;
  readonly perfGlobalCtrl: bigint;
  readonly sysenterCs: bigint;
  readonly sysenterEsp: bigint;
  readonly sysenterEip: bigint;
  /** what keeps the CPU from taking events at this instruction boundary; as the VMCS fields of these names */
  readonly interruptibility: number;
  readonly activity: number;
  readonly pendingDebug: bigint;
  /** a guest beside the OS, whose registers are in the state-save page; the OS itself goes on with those that the CPU has */
  readonly isGuest: boolean;
}

const NO_SEGMENT: Segment = { selector: 0, base: 0n, limit: 0, accessRights: ACCESS_RIGHTS.UNUSABLE };
const NO_TABLE: TableRegister = { base: 0n, limit: 0 };

export const NO_SEGMENTS = Object.fromEntries(SEGMENTS.map((name) => [name, NO_SEGMENT])) as Readonly<Record<SegmentName, Segment>>;

export const EMPTY_STATE: VmcsState = {
  segments: NO_SEGMENTS,
  gdtr: NO_TABLE,
  idtr: NO_TABLE,
  cr0: 0n,
  cr3: 0n,
  cr4: 0n,
  dr7: 0n,
  rflags: 0n,
  rip: 0n,
  rsp: 0n,
  debugctl: 0n,
  pat: 0n,
  efer: 0n,
  perfGlobalCtrl: 0n,
  sysenterCs: 0n,
  sysenterEsp: 0n,
  sysenterEip: 0n,
  interruptibility: 0,
  activity: 0,
  pendingDebug: 0n,
  isGuest: false,
};
