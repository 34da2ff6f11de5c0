/**
 * What both sides of a differential test agree on: where memory is mapped, and how a case and its result look as bytes.
 *
 * Memory is one object of 8 pages, shown through several mappings. The mappings with `access` are what the instruction under test
 * sees; both sides map them at the same addresses.
 *
 *     CODE       +0000 rwx  +1000 rwx  +2000 nothing
 *     DATA       -1000 nothing  +0000 rw  +1000 rw  +2000 nothing  +3000 r  +4000 rw  +5000 r  +6000 nothing
 *     DATA_HIGH  the same pages again, above 4 GiB, with the same low 32 address bits
 *
 * All memory holds FILL (int3) except the windows of a case, which are filled before it, read after it and set back to FILL.
 *
 * A case and its result have the same size and live at the same offset of two files, behind a header of HEADER bytes:
 *
 *     offset  case                          result
 *        0    size, flags                   signal, si_code
 *        8    16 registers in the order of a Linux signal frame (GREGS), rip, rflags, cs gs fs ss
 *      160    -                             error code, vector, -, cr2
 *      192    FS base, GS base
 *      208    number of windows, -          si_addr
 *      216    4 × (offset in the memory object, length)
 *      248    ds es fs gs
 *      256    FXSAVE image without its reserved tail, if flags has HAS_FX
 *             bytes of the windows, one after the other
 */
export const PAGE = 4096;
export const CODE = 0x1000_0000;
export const DATA = 0x2000_0000;
/** bits 63-32 of the second view of the data pages */
export const DATA_HIGH_UPPER = 0x5aa0;
export const FILL = 0xcc;

export type Access = "rwx" | "rw" | "r";
export interface View {
  readonly low: number;
  readonly upper: number;
  readonly offset: number;
  readonly pages: number;
  readonly access: Access;
}

/** offset of DATA in the memory object; behind the two code pages */
export const DATA_OFFSET = 2 * PAGE;
export const MEMORY_BYTES = 8 * PAGE;

const dataViews = (upper: number): View[] => [
  { low: DATA, upper, offset: DATA_OFFSET, pages: 2, access: "rw" },
  { low: DATA + 3 * PAGE, upper, offset: DATA_OFFSET + 3 * PAGE, pages: 1, access: "r" },
  { low: DATA + 4 * PAGE, upper, offset: DATA_OFFSET + 4 * PAGE, pages: 1, access: "rw" },
  { low: DATA + 5 * PAGE, upper, offset: DATA_OFFSET + 5 * PAGE, pages: 1, access: "r" },
];

export const VIEWS: readonly View[] = [
  { low: CODE, upper: 0, offset: 0, pages: 2, access: "rwx" },
  ...dataViews(0),
  ...dataViews(DATA_HIGH_UPPER),
];

/** Linux's flat selectors, and those that the harness makes in its local descriptor table. */
export const CS64 = 0x33;
export const CS32 = 0x23;
export const DS = 0x2b;
export const LDT_CS16 = 0x07;
export const LDT_DS16 = 0x0f;
/** the harness's local descriptors: 16-bit, byte limit */
export const LOCAL_DESCRIPTORS = [
  { selector: LDT_CS16, base: CODE, limit: 0xffff, code: true },
  { selector: LDT_DS16, base: DATA, limit: 0xffff, code: false },
] as const;

export const HEADER = 64;
export const HAS_FX = 1;

export const AT = {
  size: 0,
  flags: 4,
  signal: 0,
  siCode: 4,
  gregs: 8,
  rip: 136,
  rflags: 144,
  cs: 152,
  ss: 158,
  errorCode: 160,
  vector: 168,
  cr2: 184,
  fsBase: 192,
  gsBase: 200,
  windowCount: 208,
  siAddr: 208,
  windows: 216,
  segments: 248,
  fx: 256,
} as const;

export const FX_BYTES = 416;
export const MAX_WINDOWS = 4;

/** GREGS[register number] = its place in the frame: the frame starts r8-r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp. */
export const GREGS = [13, 14, 12, 11, 15, 10, 9, 8, 0, 1, 2, 3, 4, 5, 6, 7] as const;

/** Places inside the FXSAVE image. SDM 1 "FXSAVE Area". */
export const FX = { fcw: 0, fsw: 2, ftw: 4, fop: 6, fip: 8, fdp: 16, mxcsr: 24, mxcsrMask: 28, st: 32, xmm: 160 } as const;
