/**
 * The guest of vmx.ts behind extended page tables: its 4 MiB are mapped to themselves by pages of 4 KiB. One more page is there to be played
 * with: linear LINEAR → guest-physical FAR → physical PAGE, by entries of guest page tables and of EPT that nothing else uses.
 */
import { EXIT_REASON } from "../../src/spec/exits.ts";
import { PTE } from "../../src/spec/registers.ts";
import { SECONDARY, VmxMachine } from "./vmx.ts";

const ROOT = 0x10_0000;
const LOW = 0x10_1000;
const FAR_TABLES = 0x10_5000;

export const R = 1n;
export const W = 2n;
export const X = 4n;
export const RWX = 7n;
/** memory type write-back, of entries that map pages */
export const WB = 6n << 3n;
export const LARGE = 1n << 7n;
export const ACCESSED = 1n << 8n;
export const DIRTY = 1n << 9n;

/** memory type write-back, walk length 4; accessed and dirty flags */
export const EPTP = BigInt(ROOT) | 6n | (3n << 3n);
export const EPTP_FLAGS = EPTP | (1n << 6n);

export const PAGE = 0x20_0000;
/** second entry of its PML4 table, PDPT and page directory, first of its page table */
export const FAR = 0x80_4020_0000n;
export const LINEAR = 0x4000_0000;
export const GUEST_DIRECTORY = 0x20_1000;
/** the guest's page table: its first entry maps LINEAR */
export const GUEST_TABLE = 0x20_2000;
/** the PDPT of ring0.ts */
const GUEST_PDPT = 0x2000;
const TABLE = BigInt(PTE.P | PTE.W | PTE.U);

export interface Refused {
  readonly reason: number;
  readonly qualification: bigint;
  readonly physical: bigint;
  readonly linear: bigint;
}

export class EptMachine extends VmxMachine {
  constructor() {
    super();
    const { ring0 } = this;
    const table = (at: number): bigint => BigInt(at) | RWX;
    ring0.write(ROOT, table(LOW)).write(LOW, table(LOW + 0x1000));
    ring0.write(LOW + 0x1000, table(LOW + 0x2000)).write(LOW + 0x1008, table(LOW + 0x3000));
    for (let page = 0; page < 1024; page++) ring0.write(this.lowAt(page << 12), (BigInt(page) << 12n) | RWX | WB);
    for (const level of [4, 3, 2]) ring0.write(this.farAt(level), table(this.farAt(level - 1) & ~0xfff));
    ring0.write(this.farAt(1), BigInt(PAGE) | RWX | WB);
    ring0.write(GUEST_PDPT + 8, BigInt(GUEST_DIRECTORY) | TABLE).write(GUEST_DIRECTORY, BigInt(GUEST_TABLE) | TABLE);
    ring0.write(GUEST_TABLE, FAR | TABLE);
    this.secondary(SECONDARY.enableEpt).with({ eptPointer: EPTP });
  }

  /** where the EPT entry stands that maps one of the lowest 4 MiB */
  lowAt(gpa: number): number {
    return LOW + 0x2000 + 8 * (gpa >>> 12);
  }

  /** where the EPT entry of a level, 4 to 1, stands on the way to FAR */
  farAt(level: number): number {
    return level === 4 ? ROOT + 8 : FAR_TABLES + (3 - level) * 0x1000 + (level === 1 ? 0 : 8);
  }

  /** Changes an EPT entry: other rights and flags. */
  change(at: number, clear: bigint, set: bigint): this {
    this.ring0.write(at, (this.ring0.read(at) & ~clear) | set);
    return this;
  }

  /** what an exit over EPT tells */
  get refused(): Refused {
    const { reason, qualification } = this.exit;
    return { reason, qualification, physical: this.field("guestPhysicalAddress"), linear: this.field("guestLinearAddress") };
  }
}

export function violation(qualification: bigint, physical: bigint | number, linear: number): Refused {
  return { reason: EXIT_REASON.EPT_VIOLATION, qualification, physical: BigInt(physical), linear: BigInt(linear) };
}
