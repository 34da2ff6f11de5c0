/**
 * One page at a linear address, mapped in every form of paging, for tests of the rules in SDM Vol. 3 "Paging". The code that accesses it and
 * everything else stays mapped to itself by a large page of its own.
 */
import { EFER, PTE, CR0 as REGISTER0, CR4 as REGISTER4, RFLAGS } from "../../src/spec/registers.ts";
import { DATA, Ring0 } from "./ring0.ts";

/** the page maps DATA, whatever its size */
export const AT = 0x4000_0000n + BigInt(DATA);

export const FORMS = ["32-bit 4K", "32-bit 4M", "PAE 4K", "PAE 2M", "4-level 4K", "4-level 2M", "4-level 1G", "5-level 4K"] as const;
export type Form = (typeof FORMS)[number];

export interface Setting {
  /** bits of the entry that maps the page, and of the one above it; P, R/W and U/S unless said otherwise */
  readonly leaf?: bigint;
  readonly upper?: bigint;
  readonly user?: boolean;
  /** the large page of the code, when it is not the user's or the supervisor's as `user` says */
  readonly own?: bigint;
  readonly wp?: boolean;
  readonly smep?: boolean;
  readonly smap?: boolean;
  readonly ac?: boolean;
  readonly nxe?: boolean;
  readonly pge?: boolean;
  /** CR4.PKE with this in PKRU */
  readonly pkru?: number;
}

const bit = (n: number): bigint => BigInt(n >>> 0);
export const P = bit(PTE.P);
export const W = bit(PTE.W);
export const U = bit(PTE.U);
export const A = bit(PTE.A);
export const D = bit(PTE.D);
export const PS = bit(PTE.PS);
export const G = bit(PTE.G);
export const NX = 1n << 63n;

/** tables are taken from here on, the top one first */
export const TABLES = 0x6_0000;
const LEVELS: Readonly<Record<string, readonly number[]>> = {
  "32-bit": [22, 12],
  PAE: [30, 21, 12],
  "4-level": [39, 30, 21, 12],
  "5-level": [48, 39, 30, 21, 12],
};
const SIZES: Readonly<Record<string, number>> = { "4K": 12, "2M": 21, "4M": 22, "1G": 30 };

/** The machine, about to run code at CODE with RBX = AT; where AT points stands an UD2, with which a fetch ends well. */
export class PagedMachine {
  readonly machine = new Ring0();
  /** addresses of the entry that maps the page, and of the one above it; 0 if that one is no page table's, or maps the code too */
  readonly leafAt: number;
  readonly upperAt: number;
  readonly #form: string;
  #free = TABLES + 0x1000;

  constructor(form: Form, s: Setting = {}) {
    const [levels, size] = form.split(" ");
    this.#form = levels;
    const shift = SIZES[size];
    const user = s.user === true;
    const large = LEVELS[levels].at(-2) as number;
    this.map(0n, large, s.own ?? P | W | A | D | PS | (user ? U : 0n));
    const path = this.map(AT, shift, (s.leaf ?? P | W | U) | (shift === 12 ? bit(DATA) : PS));
    this.leafAt = path.at(-1) as number;
    this.upperAt = shift === 12 || form === "4-level 2M" ? (path.at(-2) as number) : 0;
    if (this.upperAt !== 0 && s.upper !== undefined) this.write(this.upperAt, (this.read(this.upperAt) & ~7n) | s.upper);
    this.#registers(s, user);
    this.machine.code("", DATA);
    this.machine.set({ rbx: AT });
  }

  /** Maps the page of 2^shift bytes at `va` by `entry`; returns the addresses of the entries on the way. */
  map(va: bigint, shift: number, entry: bigint): number[] {
    const narrow = this.#form === "32-bit";
    const path: number[] = [];
    let table = TABLES;
    for (const level of LEVELS[this.#form]) {
      const at = table + Number((va >> BigInt(level)) & (narrow ? 1023n : 511n)) * (narrow ? 4 : 8);
      path.push(at);
      if (level === shift) {
        this.write(at, entry);
        break;
      }
      if (this.read(at) === 0n) {
        this.write(at, bit(this.#free) | (this.#form === "PAE" && level === 30 ? P : P | W | U));
        this.#free += 0x1000;
      }
      table = Number(this.read(at)) & ~0xfff;
    }
    return path;
  }

  /** a page-table entry, of 4 bytes in 32-bit paging */
  read(at: number): bigint {
    const v = this.machine.read(at);
    return this.#form === "32-bit" ? v & 0xffff_ffffn : v;
  }

  write(at: number, v: bigint): void {
    const rest = this.#form === "32-bit" ? this.machine.read(at) & ~0xffff_ffffn : 0n;
    this.machine.write(at, rest | v);
  }

  #registers(s: Setting, user: boolean): void {
    const long = this.#form.endsWith("level");
    const cr4 =
      REGISTER4.OSFXSR |
      REGISTER4.PSE |
      (this.#form === "32-bit" ? 0 : REGISTER4.PAE) |
      (this.#form === "5-level" ? REGISTER4.LA57 : 0) |
      (s.pge === true ? REGISTER4.PGE : 0) |
      (s.smep === true ? REGISTER4.SMEP : 0) |
      (s.smap === true ? REGISTER4.SMAP : 0) |
      (s.pkru === undefined ? 0 : REGISTER4.PKE);
    this.machine.set({
      cr0: bit(REGISTER0.PE | REGISTER0.ET | REGISTER0.PG | (s.wp === false ? 0 : REGISTER0.WP)),
      cr3: bit(TABLES),
      cr4: bit(cr4),
      efer: bit((long ? EFER.LME | EFER.LMA : 0) | (s.nxe === false ? 0 : EFER.NXE)),
      pkru: s.pkru ?? 0,
    });
    if (user) this.machine.inRing3();
    if (!long) this.machine.set({ mode: 1, csRights: user ? 0xc0fb : 0xc09b, csLimit: 0xffff_ffff, stackMask: 0xffff_ffffn });
    this.machine.vcpu.rflags = RFLAGS.FIXED | (s.ac === true ? RFLAGS.AC : 0);
  }
}
