/**
 * What a mapping allows and how it is cached: a class of permissions plus a memory type, as Bareflank numbers them, and the PAT that the VMM
 * runs with. SDM Vol. 3 "Page Attribute Table (PAT)".
 */
import { LogicError, RuntimeError } from "./errors.ts";
import { MEMORY_TYPE } from "./memory-manager.ts";

/** data; code that is not written; page tables and identity maps: both */
export const PERMISSION = { RW: 0x100n, RE: 0x200n, PT: 0x300n } as const;
export const CACHE = { UC: 0n, WC: 1n, WT: 4n, WP: 5n, WB: 6n, UC_MINUS: 7n } as const;

export const RW_WB = PERMISSION.RW | CACHE.WB;
export const RE_WB = PERMISSION.RE | CACHE.WB;
export const PT_WB = PERMISSION.PT | CACHE.WB;

const PERMISSION_BITS = ~0xffn;
const CACHE_BITS = 0xffn;

/** Value of IA32_PAT: entries 0 to 7 are UC WC WT WB WT WP WB UC-. */
export const VMM_PAT = 0x0706_0504_0604_0100n;
export const WRITE_BACK_INDEX = 3n;

const PAT_INDEX: ReadonlyMap<bigint, bigint> = new Map([
  [CACHE.UC, 0n],
  [CACHE.WC, 1n],
  [CACHE.WT, 2n],
  [CACHE.WB, WRITE_BACK_INDEX],
  [CACHE.WP, 5n],
  [CACHE.UC_MINUS, 7n],
]);

/** Which entry of the VMM's PAT has a memory type. */
export function patIndex(type: bigint): bigint {
  const index = PAT_INDEX.get(type);
  if (index === undefined) throw new RuntimeError(`${type} is no memory type`);
  return index;
}

export function patIndexOf(attribute: bigint): bigint {
  return patIndex(attribute & CACHE_BITS);
}

/** The memory type that a PAT has for an index. */
export function patType(pat: bigint, index: bigint): bigint {
  return (pat >> (8n * index)) & 7n;
}

export function memoryTypeToAttribute(permission: bigint, type: bigint): bigint {
  if (permission !== PERMISSION.RW && permission !== PERMISSION.RE)
    throw new RuntimeError(`no attribute has permission 0x${permission.toString(16)}`);
  patIndex(type);
  return permission | type;
}

export interface Rights {
  readonly writable: boolean;
  readonly noExecute: boolean;
  /** as descriptors say it */
  readonly descriptorType: bigint;
}

export function rightsOf(attribute: bigint): Rights {
  const { R, W, E } = MEMORY_TYPE;
  switch (attribute & PERMISSION_BITS) {
    case PERMISSION.RW:
      return { writable: true, noExecute: true, descriptorType: R | W };
    case PERMISSION.RE:
      return { writable: false, noExecute: false, descriptorType: R | E };
    case PERMISSION.PT:
      return { writable: true, noExecute: false, descriptorType: R | W | E };
    default:
      throw new LogicError(`unsupported memory permissions 0x${attribute.toString(16)}`);
  }
}
