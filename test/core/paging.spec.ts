/**
 * Rights, reserved bits, accessed and dirty flags in every form of paging. SDM Vol. 3 "Determination of Access Rights", "Page-Fault
 * Exceptions", "Accessed and Dirty Flags", "Protection Keys"; the error codes are written out from there.
 */
import { describe, expect, it } from "vitest";
import { A, D, FORMS, type Form, NX, P, PagedMachine, PS, type Setting, U, W } from "../lib/paging.ts";

const READ = "8A 03"; // mov al, [rbx]
const WRITE = "88 03"; // mov [rbx], al
const FETCH = "FF E3"; // jmp rbx
/** mov ds, ax with the descriptor table in the page: an access of the processor itself */
const IMPLICIT = "8E D8";

const OK = undefined;
const ALL: readonly Form[] = FORMS;
const LARGE = ["PAE 2M", "4-level 2M"] as const;
const WITH_UPPER = ["32-bit 4K", "PAE 4K", "4-level 4K", "4-level 2M", "5-level 4K"] as const;
const LONG = ["4-level 4K", "4-level 2M", "4-level 1G", "5-level 4K"] as const;
const WIDE = ["PAE 4K", "PAE 2M", ...LONG] as const;
const NARROW = ["32-bit 4K", "32-bit 4M"] as const;

const user = true;
const smap = true;
const smep = true;
const wp = false;
const key = (n: bigint): bigint => n << 59n;
/** access disabled, or writing disabled, for key 1 */
const AD = 4;
const WD = 8;

/** what, in which forms, with what, by which access: error code of the #PF, or OK */
const rules: readonly (readonly [what: string, forms: readonly Form[], setting: Setting, access: string, outcome: number | undefined])[] = [
  ["supervisor reads, all allowed", ALL, {}, READ, OK],
  ["supervisor writes, all allowed", ALL, {}, WRITE, OK],
  ["user reads", ALL, { user }, READ, OK],
  ["user writes", ALL, { user }, WRITE, OK],
  ["user fetches", ALL, { user }, FETCH, OK],
  ["supervisor fetches from a user page", ALL, {}, FETCH, OK],

  ["not present, supervisor reads", ALL, { leaf: W | U }, READ, 0],
  ["not present, supervisor writes", ALL, { leaf: W | U }, WRITE, 2],
  ["not present, user reads", ALL, { user, leaf: W | U }, READ, 4],
  ["not present, user writes", ALL, { user, leaf: 0n }, WRITE, 6],
  ["not present, fetch", WIDE, { leaf: W | U }, FETCH, 0x10],
  ["not present, fetch without NXE and SMEP", ALL, { nxe: false, leaf: W | U }, FETCH, 0],
  ["not present, fetch with SMEP", NARROW, { smep, leaf: W | U }, FETCH, 0x10],
  ["not present above", WITH_UPPER, { upper: W | U }, READ, 0],
  ["not present, whatever else is wrong", WIDE, { user, leaf: (1n << 45n) | NX }, WRITE, 6],

  ["read-only, user writes", ALL, { user, leaf: P | U }, WRITE, 7],
  ["read-only, user reads", ALL, { user, leaf: P | U }, READ, OK],
  ["read-only, supervisor writes", ALL, { leaf: P | U }, WRITE, 3],
  ["read-only, supervisor writes without WP", ALL, { wp, leaf: P | U }, WRITE, OK],
  ["read-only, user writes without WP", ALL, { wp, user, leaf: P | U }, WRITE, 7],
  ["read-only above, user writes", WITH_UPPER, { user, upper: P | U }, WRITE, 7],
  ["read-only above, supervisor writes", WITH_UPPER, { upper: P | U }, WRITE, 3],

  ["supervisor's, user reads", ALL, { user, leaf: P | W }, READ, 5],
  ["supervisor's, user writes", ALL, { user, leaf: P | W }, WRITE, 7],
  ["supervisor's, user fetches", WIDE, { user, leaf: P | W }, FETCH, 0x15],
  ["supervisor's, user fetches without NXE", ALL, { user, nxe: false, leaf: P | W }, FETCH, 5],
  ["supervisor's above, user reads", WITH_UPPER, { user, upper: P | W }, READ, 5],
  ["supervisor's, supervisor does anything with SMEP and SMAP", ALL, { smep, smap, leaf: P | W }, WRITE, OK],

  ["execute-disable, supervisor fetches", WIDE, { leaf: P | W | NX }, FETCH, 0x11],
  ["execute-disable, user fetches", WIDE, { user, leaf: P | U | NX }, FETCH, 0x15],
  ["execute-disable, data", WIDE, { user, leaf: P | W | U | NX }, WRITE, OK],
  ["execute-disable above, fetch", ["PAE 4K", "4-level 4K", "4-level 2M", "5-level 4K"], { upper: P | W | U | NX }, FETCH, 0x11],
  ["execute-disable without NXE is reserved", WIDE, { nxe: false, leaf: P | W | U | NX }, READ, 9],

  ["SMEP, supervisor fetches from a user page", ALL, { smep, leaf: P | W | U }, FETCH, 0x11],
  ["SMEP, U/S clear above", WITH_UPPER, { smep, upper: P | W }, FETCH, OK],
  ["SMEP, user fetches", ALL, { smep, user }, FETCH, OK],
  ["SMAP, supervisor reads a user page", ALL, { smap }, READ, 1],
  ["SMAP, supervisor writes a user page", ALL, { smap }, WRITE, 3],
  ["SMAP with AC", ALL, { smap, ac: true }, WRITE, OK],
  ["SMAP with AC, not for writes to read-only pages", ALL, { smap, ac: true, leaf: P | U }, WRITE, 3],
  ["SMAP, fetch", ALL, { smap }, FETCH, OK],
  ["SMAP, user reads", ALL, { smap, user }, READ, OK],
  ["SMAP with AC, the processor's own read", LONG, { smap, ac: true }, IMPLICIT, 1],

  ["address bit 45 is reserved", WIDE, { leaf: P | W | U | (1n << 45n) }, READ, 9],
  ["address bit 45 is reserved, user writes", WIDE, { user, leaf: P | W | U | (1n << 45n) }, WRITE, 0xf],
  ["address bit 40 is reserved above", ["PAE 4K", "4-level 4K", "4-level 2M", "5-level 4K"], { upper: P | W | U | (1n << 40n) }, READ, 9],
  ["address bit 45 is reserved, fetch", WIDE, { leaf: P | W | U | (1n << 45n) }, FETCH, 0x19],
  ["bit 55 is ignored", LONG, { leaf: P | W | U | (1n << 55n) }, READ, OK],
  ["bit 55 is reserved", ["PAE 4K", "PAE 2M"], { leaf: P | W | U | (1n << 55n) }, READ, 9],
  ["bit 13 of a large page is reserved", [...LARGE, "4-level 1G"], { leaf: P | W | U | (1n << 13n) }, READ, 9],
  ["bit 12 of a large page is PAT", [...LARGE, "4-level 1G", "32-bit 4M"], { leaf: P | W | U | (1n << 12n) }, READ, OK],
  ["bit 21 of a page of 1G is reserved", ["4-level 1G"], { leaf: P | W | U | (1n << 21n) }, READ, 9],
  ["bit 21 of a page of 4M is reserved", ["32-bit 4M"], { leaf: P | W | U | (1n << 21n) }, READ, 9],
  ["PS at the lowest level is PAT", ["32-bit 4K", "PAE 4K", "4-level 4K", "5-level 4K"], { leaf: P | W | U | PS }, READ, OK],

  ["key: reading disabled", LONG, { user, pkru: AD, leaf: P | W | U | key(1n) }, READ, 0x25],
  ["key: reading disabled, write", LONG, { user, pkru: AD, leaf: P | W | U | key(1n) }, WRITE, 0x27],
  ["key: writing disabled, write", LONG, { user, pkru: WD, leaf: P | W | U | key(1n) }, WRITE, 0x27],
  ["key: writing disabled, read", LONG, { user, pkru: WD, leaf: P | W | U | key(1n) }, READ, OK],
  ["key: fetch is not data", LONG, { user, pkru: AD | WD, leaf: P | W | U | key(1n) }, FETCH, OK],
  ["key: another one", LONG, { user, pkru: AD | WD, leaf: P | W | U | key(2n) }, WRITE, OK],
  ["key 15", LONG, { user, pkru: 0x4000_0000, leaf: P | W | U | key(15n) }, READ, 0x25],
  ["key: the supervisor is bound too", LONG, { pkru: AD, leaf: P | W | U | key(1n) }, READ, 0x21],
  ["key: the supervisor writes with WP", LONG, { pkru: WD, leaf: P | W | U | key(1n) }, WRITE, 0x23],
  ["key: the supervisor writes without WP", LONG, { wp, pkru: WD, leaf: P | W | U | key(1n) }, WRITE, OK],
  ["key: supervisor pages have none", LONG, { pkru: AD, leaf: P | W | key(1n) }, WRITE, OK],
  ["key: told besides another reason", LONG, { user, pkru: AD, leaf: P | U | key(1n) }, WRITE, 0x27],
  ["key: without PKE", LONG, { user, leaf: P | W | U | key(1n) }, WRITE, OK],
];

for (const form of FORMS)
  describe(`${form} pages`, () => {
    for (const [what, forms, setting, access, outcome] of rules)
      if (forms.includes(form))
        it(what, () => {
          const paged = new PagedMachine(form, setting);
          const { machine, leafAt, upperAt } = paged;
          const before = { leaf: paged.read(leafAt), upper: upperAt === 0 ? 0n : paged.read(upperAt) };
          if (access === IMPLICIT) machine.set({ gdtrBase: machine.vcpu.get("rbx") - 8n, rax: 8n });
          const result = machine.run(access);
          // a fetch ends at the page's UD2
          const ended = access === FETCH ? { vector: "#UD", errorCode: 0 } : { errorCode: 0 };
          expect(result).toEqual(outcome === OK ? ended : { vector: "#PF", errorCode: outcome });
          if (outcome !== OK) expect(machine.vcpu.get("cr2")).toBe(machine.vcpu.get("rbx"));
          const leaf = outcome === OK ? before.leaf | A | (access === WRITE ? D : 0n) : before.leaf;
          expect(paged.read(leafAt)).toBe(leaf);
          if (upperAt !== 0) expect(paged.read(upperAt)).toBe(outcome === OK ? before.upper | A : before.upper);
        });
  });

describe("32-bit paging", () => {
  it("reaches above 4 GiB by bits 20 to 13 of a 4 MiB page", () => {
    const paged = new PagedMachine("32-bit 4M", { leaf: P | W | (1n << 13n) });
    // there is no RAM, so ones are read
    expect(paged.machine.set({ rax: 0n }).run("8B 03")).toEqual({ errorCode: 0 });
    expect(paged.machine.vcpu.get("rax")).toBe(0xffff_ffffn);
  });

  it("has no large pages without PSE", () => {
    const { machine } = new PagedMachine("32-bit 4K", { upper: P | W | U });
    machine.set({ cr4: 0x200n });
    // the code's own entry has PS, which is ignored: it names a table at 0
    expect(machine.run("90").vector).toBe("#PF");
  });
});
