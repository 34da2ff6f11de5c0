/**
 * CPUID leaves, made from the description of a CPU model. SDM Vol. 2 "CPUID". A model advertises the features it names and no
 * others, and the decoder leaves out the instruction rows of the rest, so what CPUID says and what works cannot differ.
 */
import { FEATURES } from "./features.ts";
import { CR4 } from "./registers.ts";

export interface CpuModel {
  readonly name: string;
  /** twelve characters */
  readonly vendor: string;
  readonly family: number;
  readonly model: number;
  readonly stepping: number;
  /** up to 47 characters */
  readonly brand: string;
  readonly features: readonly Feature[];
}

/** One answer of CPUID; `subleaf` is ANY where ECX does not matter. */
export interface Leaf {
  readonly leaf: number;
  readonly subleaf: number;
  readonly eax: number;
  readonly ebx: number;
  readonly ecx: number;
  readonly edx: number;
}
export const ANY = 0xffff_ffff;

/** Time is retired instructions; CPUID says that a second has this many. */
export const TSC_HZ = 1_000_000_000;
/** the clock that the local APIC's timer counts */
export const CRYSTAL_HZ = 100_000_000;

/** MAXPHYADDR and the width of linear addresses */
export const ADDRESS_BITS = { PHYSICAL: 40, LINEAR: 48, LINEAR_LA57: 57 } as const;

/** XSAVE: bits of XCR0, and where state beyond the legacy region stands in the standard format (as on Zen, which leaves room for AVX). */
export const XSTATE = { X87: 1, SSE: 2, PKRU: 1 << 9 } as const;
export const XSAVE_AREA = { BASIC: 576, PKRU: 832, PKRU_BYTES: 8 } as const;

type Register = "eax" | "ebx" | "ecx" | "edx";
type Place = readonly [leaf: number, subleaf: number, register: Register, bit: number];

const bits = (leaf: number, subleaf: number, register: Register, names: Readonly<Record<string, number>>): [string, Place][] =>
  Object.entries(names).map(([name, bit]) => [name, [leaf, subleaf, register, bit]]);

/** Where CPUID shows each feature. Features that no bit shows (8086, …) are in every model. */
const PLACES: ReadonlyMap<string, Place> = new Map([
  ...bits(1, ANY, "edx", { x87: 0, de: 2, pse: 3, tsc: 4, msr: 5, pae: 6, mce: 7, cx8: 8, apic: 9, sep: 11, mtrr: 12 }),
  ...bits(1, ANY, "edx", { pge: 13, cmov: 15, pat: 16, pse36: 17 }),
  ...bits(1, ANY, "edx", { clflush: 19, mmx: 23, fxsr: 24, sse: 25, sse2: 26 }),
  ...bits(1, ANY, "ecx", { sse3: 0, pclmulqdq: 1, monitor: 3, vmx: 5, ssse3: 9, cx16: 13, pcid: 17, sse41: 19 }),
  ...bits(1, ANY, "ecx", { sse42: 20, x2apic: 21, movbe: 22, popcnt: 23, tscDeadline: 24, aes: 25, xsave: 26, rdrand: 30 }),
  ...bits(7, 0, "ebx", { fsgsbase: 0, tscAdjust: 1, bmi1: 3, smep: 7, bmi2: 8, erms: 9, invpcid: 10 }),
  ...bits(7, 0, "ebx", { zeroFcsFds: 13, rdseed: 18, adx: 19, smap: 20, clflushopt: 23, clwb: 24, sha: 29 }),
  ...bits(7, 0, "ecx", { umip: 2, pku: 3, la57: 16, rdpid: 22 }),
  ...bits(7, 0, "edx", { fsrm: 4, ibrs: 26, stibp: 27, archCapabilities: 29, ssbd: 31 }),
  ...bits(7, 2, "edx", { bhiCtrl: 4, mcdtNo: 5 }),
  ...bits(0xd, 1, "eax", { xsaveopt: 0, xsavec: 1, xgetbv1: 2, xsaves: 3 }),
  ...bits(0x8000_0001, ANY, "ecx", { lahf: 0, lzcnt: 5, prefetchw: 8 }),
  ...bits(0x8000_0001, ANY, "edx", { syscall: 11, nx: 20, pdpe1gb: 26, rdtscp: 27, x64: 29 }),
  ...bits(0x8000_0007, ANY, "edx", { invariantTsc: 8 }),
]);
export type Feature = string;

/** What x86-64 cannot be without. */
export const X86_64: readonly Feature[] =
  "x87 de pse tsc msr pae cx8 apic sep mtrr pge cmov pat pse36 clflush mmx fxsr sse sse2 syscall nx x64 invariantTsc zeroFcsFds".split(" ");
/** Instruction sets that are older than CPUID's bits. */
const ALWAYS = new Set(["8086", "186", "286", "386", "486", "586", "686"]);

/** For each of FEATURES, whether the model has its instructions. */
export function enabledFeatures(model: CpuModel): boolean[] {
  return FEATURES.map((f) => ALWAYS.has(f) || model.features.includes(f));
}

/** All leaves of a model, by number. */
export function leaves(model: CpuModel): Leaf[] {
  for (const f of model.features) if (!PLACES.has(f)) throw new Error(`CPU model ${model.name}: no CPUID bit for the feature "${f}"`);
  const has = (f: Feature) => model.features.includes(f);
  const words = (leaf: number, subleaf: number) => {
    const of = (register: Register) =>
      model.features.reduce((sum, f) => {
        const [l, s, r, bit] = PLACES.get(f) as Place;
        return l === leaf && s === subleaf && r === register ? (sum | (1 << bit)) >>> 0 : sum;
      }, 0);
    return { eax: of("eax"), ebx: of("ebx"), ecx: of("ecx"), edx: of("edx") };
  };
  const any = (leaf: number, w: Partial<Leaf>): Leaf => at(leaf, ANY, w);
  const one = words(1, ANY);
  return [
    any(0, { eax: has("xsave") ? 0x16 : 0xb, ...vendorWords(model.vendor) }),
    any(1, { ...one, eax: signature(model), ebx: (8 << 8) | (1 << 16) }),
    // "leaf 4 describes the caches"
    any(2, { eax: 0x00fe_ff01 }),
    ...CACHES.map((c, subleaf) => cache(subleaf, c)),
    // MWAIT knows no deeper states than HLT, so none are listed, and systems that would set them up by MSRs of one model do not
    any(5, has("monitor") ? { eax: 64, ebx: 64, ecx: 3 } : {}),
    // the APIC timer always runs
    any(6, { eax: 1 << 2 }),
    at(7, 0, { ...words(7, 0), eax: 2 }),
    at(7, 2, words(7, 2)),
    ...(has("xsave") ? extendedState(words(0xd, 1), has("pku")) : []),
    // the core puts the APIC ID into EDX
    at(0xb, 0, { ebx: 1, ecx: 1 << 8 }),
    at(0xb, 1, { ebx: 1, ecx: 2 << 8 }),
    any(0x15, { eax: 1, ebx: TSC_HZ / CRYSTAL_HZ, ecx: CRYSTAL_HZ }),
    any(0x16, { eax: TSC_HZ / 1e6, ebx: TSC_HZ / 1e6, ecx: 100 }),
    any(0x8000_0000, { eax: 0x8000_0008 }),
    any(0x8000_0001, words(0x8000_0001, ANY)),
    ...[0, 1, 2].map((n) => any(0x8000_0002 + n, textWords(model.brand.padEnd(48, "\0"), 16 * n))),
    any(0x8000_0006, { ecx: (64 << 0) | (4 << 12) | (256 << 16) }),
    any(0x8000_0007, words(0x8000_0007, ANY)),
    any(0x8000_0008, { eax: ADDRESS_BITS.PHYSICAL | ((has("la57") ? ADDRESS_BITS.LINEAR_LA57 : ADDRESS_BITS.LINEAR) << 8) }),
  ];
}

function at(leaf: number, subleaf: number, w: Partial<Leaf>): Leaf {
  return { eax: 0, ebx: 0, ecx: 0, edx: 0, ...w, leaf, subleaf };
}

function signature({ family, model, stepping }: CpuModel): number {
  const [base, extended] = family < 15 ? [family, 0] : [15, family - 15];
  return stepping | ((model & 15) << 4) | (base << 8) | ((model >> 4) << 16) | (extended << 20);
}

function vendorWords(vendor: string): Partial<Leaf> {
  const { eax: ebx, ebx: edx, ecx } = textWords(`${vendor}\0\0\0\0`, 0);
  return { ebx, edx, ecx };
}

/** Sixteen characters as four little-endian words. */
function textWords(text: string, from: number): { eax: number; ebx: number; ecx: number; edx: number } {
  const word = (n: number) => [3, 2, 1, 0].reduce((w, i) => ((w << 8) | text.charCodeAt(from + 4 * n + i)) >>> 0, 0);
  return { eax: word(0), ebx: word(1), ecx: word(2), edx: word(3) };
}

interface Cache {
  /** 1 data, 2 instructions, 3 both */
  readonly type: number;
  readonly level: number;
  readonly ways: number;
  readonly sets: number;
}
/** Skylake client's: 32 KiB, 32 KiB, 256 KiB, 8 MiB; lines of 64 bytes */
const CACHES: readonly Cache[] = [
  { type: 1, level: 1, ways: 8, sets: 64 },
  { type: 2, level: 1, ways: 8, sets: 64 },
  { type: 3, level: 2, ways: 4, sets: 1024 },
  { type: 3, level: 3, ways: 16, sets: 8192 },
];

function cache(subleaf: number, { type, level, ways, sets }: Cache): Leaf {
  return at(4, subleaf, { eax: type | (level << 5) | (1 << 8), ebx: 63 | ((ways - 1) << 22), ecx: sets - 1 });
}

/** x87, SSE and PKRU state; the core puts the sizes for the current XCR0 into EBX. */
function extendedState(one: Partial<Leaf>, pku: boolean): Leaf[] {
  const { BASIC, PKRU, PKRU_BYTES } = XSAVE_AREA;
  if (!pku) return [at(0xd, 0, { eax: XSTATE.X87 | XSTATE.SSE, ebx: BASIC, ecx: BASIC }), at(0xd, 1, one)];
  return [
    at(0xd, 0, { eax: XSTATE.X87 | XSTATE.SSE | XSTATE.PKRU, ebx: BASIC, ecx: PKRU + PKRU_BYTES }),
    at(0xd, 1, one),
    at(0xd, Math.log2(XSTATE.PKRU), { eax: PKRU_BYTES, ebx: PKRU }),
  ];
}

/** What the model allows in control registers; a bit without a feature is in every model. */
export interface Controls {
  readonly cr4: bigint;
  readonly xcr0: bigint;
  readonly gigabytePages: boolean;
}

const CR4_FEATURES: readonly (readonly [bit: keyof typeof CR4, feature: Feature])[] = [
  ["UMIP", "umip"],
  ["LA57", "la57"],
  ["FSGSBASE", "fsgsbase"],
  ["PCIDE", "pcid"],
  ["OSXSAVE", "xsave"],
  ["SMEP", "smep"],
  ["SMAP", "smap"],
  ["PKE", "pku"],
  ["VMXE", "vmx"],
];
const CR4_ALWAYS = ["VME", "PVI", "TSD", "DE", "PSE", "PAE", "MCE", "PGE", "PCE", "OSFXSR", "OSXMMEXCPT"] as const;

export function controls({ features }: CpuModel): Controls {
  const allowed = CR4_FEATURES.filter(([, feature]) => features.includes(feature)).map(([bit]) => bit);
  return {
    cr4: BigInt([...CR4_ALWAYS, ...allowed].reduce((sum, bit) => sum | CR4[bit], 0)),
    xcr0: BigInt(XSTATE.X87 | XSTATE.SSE | (features.includes("pku") ? XSTATE.PKRU : 0)),
    gigabytePages: features.includes("pdpe1gb"),
  };
}
