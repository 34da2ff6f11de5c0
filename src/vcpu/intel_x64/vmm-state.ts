/** The VMM's own state on a vCPU: GDT, IDT, TSS and control registers, none of it the OS's. */
import { CR0, CR4, EFER } from "../../spec/registers.ts";
import { VMM_PAT } from "../../vmm/memory-attribute.ts";
import { withRollback } from "../../vmm/rollback.ts";
import { Gdt } from "./gdt.ts";
import { Idt } from "./idt.ts";
import { ACCESS_RIGHTS, type Segment } from "./intrinsics.ts";
import type { OwnBlock } from "./own-memory.ts";
import type { Platform } from "./platform.ts";
import { NO_SEGMENTS, type VmcsState } from "./state.ts";
import { emptyTss, TSS_BYTES } from "./tss.ts";

/** entries of the GDT; the last takes two */
const INDEX = { CS: 1, SS: 2, FS: 3, GS: 4, TR: 5 } as const;
const GDT_ENTRIES = 7;
const IDT_WORDS = 256;

const sum = (...bits: readonly number[]): bigint => BigInt(bits.reduce((s, b) => s + b, 0));
const CR0_VALUE = sum(CR0.PE, CR0.MP, CR0.ET, CR0.NE, CR0.WP, CR0.PG);
const CR4_VALUE = sum(
  ...[CR4.VME, CR4.PVI, CR4.TSD, CR4.DE, CR4.PSE, CR4.PAE, CR4.MCE, CR4.PGE, CR4.PCE, CR4.OSFXSR, CR4.OSXMMEXCPT, CR4.VMXE],
);
const EFER_VALUE = sum(EFER.LME, EFER.LMA, EFER.NXE);
/** features that CR4 turns on where CPUID has them: leaf, register, bit */
const BY_FEATURE = [
  [1, "ecx", 26, CR4.OSXSAVE],
  [7, "ebx", 7, CR4.SMEP],
  [7, "ebx", 20, CR4.SMAP],
] as const;
const MAX_LIMIT = 0xffff_ffff;

export interface VmmState {
  readonly state: VmcsState;
  readonly gdt: Gdt;
  /** frees the tables */
  release(): void;
}

export function vmmState({ cpu, own, rootTable }: Platform): VmmState {
  return withRollback((rollback) => {
    const table = (): OwnBlock => {
      const block = own.obtain();
      rollback.add(() => own.release(block));
      return block;
    };
    const [gdtPage, idtPage, tssPage] = [table(), table(), table()];
    const gdt = makeGdt(gdtPage.virt, tssPage.virt);
    gdt.write(own.physical, gdtPage.phys);
    const idt = Idt.of(IDT_WORDS, idtPage.virt);
    own.physical.write(tssPage.phys, emptyTss());
    let cr4 = CR4_VALUE;
    for (const [leaf, register, bit, enabled] of BY_FEATURE)
      if (((cpu.cpuidQuietly(leaf)[register] >>> bit) & 1) !== 0) cr4 |= BigInt(enabled);
    const segment = (index: number, accessRights: number): Segment => ({
      selector: index << 3,
      base: 0n,
      limit: MAX_LIMIT,
      accessRights,
    });
    const state: VmcsState = {
      segments: {
        ...NO_SEGMENTS,
        cs: segment(INDEX.CS, ACCESS_RIGHTS.RING0_CS),
        ss: segment(INDEX.SS, ACCESS_RIGHTS.RING0_SS),
        fs: segment(INDEX.FS, ACCESS_RIGHTS.RING0_FS),
        gs: segment(INDEX.GS, ACCESS_RIGHTS.RING0_GS),
        tr: { selector: INDEX.TR << 3, base: tssPage.virt, limit: TSS_BYTES - 1, accessRights: ACCESS_RIGHTS.RING0_TR },
      },
      gdtr: { base: gdtPage.virt, limit: gdt.limit },
      idtr: { base: idt.base, limit: idt.limit },
      cr0: CR0_VALUE,
      cr3: rootTable(),
      cr4,
      dr7: 0n,
      rflags: 0n,
      rip: 0n,
      rsp: 0n,
      debugctl: 0n,
      pat: VMM_PAT,
      efer: EFER_VALUE,
      perfGlobalCtrl: 0n,
      sysenterCs: 0n,
      sysenterEsp: 0n,
      sysenterEip: 0n,
      interruptibility: 0,
      activity: 0,
      pendingDebug: 0n,
      isGuest: false,
    };
    return { state, gdt, release: () => rollback.run() };
  });
}

function makeGdt(base: bigint, tss: bigint): Gdt {
  const gdt = Gdt.of(GDT_ENTRIES, base);
  for (const [index, rights] of [
    [INDEX.CS, ACCESS_RIGHTS.RING0_CS],
    [INDEX.SS, ACCESS_RIGHTS.RING0_SS],
    [INDEX.FS, ACCESS_RIGHTS.RING0_FS],
    [INDEX.GS, ACCESS_RIGHTS.RING0_GS],
  ] as const) {
    gdt.setAccessRights(index, rights);
    gdt.setLimit(index, MAX_LIMIT);
    gdt.setBase(index, 0n);
  }
  gdt.setAccessRights(INDEX.TR, ACCESS_RIGHTS.RING0_TR);
  gdt.setLimit(INDEX.TR, TSS_BYTES - 1);
  gdt.setBase(INDEX.TR, tss);
  return gdt;
}
