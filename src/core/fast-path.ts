/**
 * The policy of the exit fast path, written where the core reads it (assembly/vmx/fast-path.ts): VM exits of the VMM's guests that the core
 * answers by itself, as if they were not asked for. An empty policy, as at power-on, answers none.
 *
 *     policy     0 what is answered, FAST · 4 CPUID rows · 8 port rows · 16 bits of CR0, and 24 of CR4, that may be written through
 *     CPUID row  leaf · subleaf or ANY · register: 0 EAX 1 EBX 2 ECX 3 EDX, 4: not answered · bits that are cleared · bits that are set
 *     port row   first port · last port, 16 bits each · accesses, 64 bits at 8
 */
import { MSRS } from "../spec/msrs.ts";

const FAST = { cpuid: 1, invd: 2, xsetbv: 4, cr: 8 } as const;
/** Instructions that are answered whole: CPUID, INVD (as WBINVD), XSETBV, accesses to CR0, CR3, CR4 and CR8. */
export type FastKind = keyof typeof FAST;

export type CpuidRegisterName = "eax" | "ebx" | "ecx" | "edx";
const REGISTERS: readonly CpuidRegisterName[] = ["eax", "ebx", "ecx", "edx"];
const NOT_ANSWERED = 4;
/** every subleaf */
export const ANY_SUBLEAF = 0xffff_ffff;

/** Bits of a CPUID answer that the guest shall see otherwise. */
export interface CpuidMask {
  readonly leaf: number;
  readonly subleaf?: number;
  readonly register: CpuidRegisterName;
  readonly clear?: number;
  readonly set?: number;
}

/** CPUID.01H:ECX.VMX */
export const HIDE_VMX: CpuidMask = { leaf: 1, register: "ecx", clear: 1 << 5 };

const CPUID_TABLE = 32;
const CPUID_ROW = 20;
const MAX_CPUID_ROWS = 64;
const PORT_TABLE = 0x600;
const PORT_ROW = 16;
const MAX_PORT_ROWS = 32;
const POLICY_BYTES = 0x800;
const MSR_BYTES = 0x1000;
const HIGH_MSRS = 0xc000_0000;
const MSR_RANGE = 0x2000;

export class FastPath {
  readonly #policy: DataView;
  readonly #msrs: Uint8Array;

  constructor(memory: WebAssembly.Memory, policyAt: number, msrsAt: number) {
    this.#policy = new DataView(memory.buffer, policyAt, POLICY_BYTES);
    this.#msrs = new Uint8Array(memory.buffer, msrsAt, MSR_BYTES);
  }

  /** Nothing is answered. */
  clear(): void {
    new Uint8Array(this.#policy.buffer, this.#policy.byteOffset, POLICY_BYTES).fill(0);
    this.#msrs.fill(0);
  }

  /** What needs no VMM: CPUID without VMX, the MSRs that are the guest's own, control registers, INVD, XSETBV. */
  passPlain(): void {
    this.answer("cpuid", "invd", "xsetbv", "cr");
    this.maskCpuid(HIDE_VMX);
    for (const { number, feature, name } of MSRS)
      if (feature !== "vmx" && name !== "IA32_FEATURE_CONTROL") this.passMsrs(number, number, "rw");
  }

  answer(...kinds: readonly FastKind[]): void {
    this.#enable(kinds.reduce((bits, kind) => bits | FAST[kind], this.#enabled));
  }

  /** The opposite of `answer`. */
  ask(...kinds: readonly FastKind[]): void {
    this.#enable(kinds.reduce((bits, kind) => bits & ~FAST[kind], this.#enabled));
  }

  maskCpuid({ leaf, subleaf = ANY_SUBLEAF, register, clear = 0, set = 0 }: CpuidMask): void {
    this.#addCpuid(leaf, subleaf, REGISTERS.indexOf(register), clear, set);
  }

  /** This leaf goes to the exit handler. */
  askCpuid(leaf: number, subleaf = ANY_SUBLEAF): void {
    this.#addCpuid(leaf, subleaf, NOT_ANSWERED, 0, 0);
  }

  /** Undoes `askCpuid`. */
  answerCpuid(leaf: number, subleaf = ANY_SUBLEAF): void {
    const rows = this.#cpuidRows().filter((r) => r[0] !== leaf || r[1] !== subleaf || r[2] !== NOT_ANSWERED);
    this.#policy.setUint32(4, 0, true);
    for (const [l, s, register, clear, set] of rows) this.#addCpuid(l, s, register, clear, set);
  }

  /** What the guest sees of CPUID's answer, where a handler gives it. */
  masked(leaf: number, subleaf: number, register: CpuidRegisterName, value: number): number {
    let v = value;
    for (const [l, s, r, clear, set] of this.#cpuidRows())
      if (l === leaf >>> 0 && (s === ANY_SUBLEAF || s === subleaf >>> 0) && REGISTERS[r] === register) v = (v & ~clear) | set;
    return v >>> 0;
  }

  /** RDMSR or WRMSR of these MSRs act on the guest's own, or raise #GP where there is none. */
  passMsrs(first: number, last: number, access: "r" | "w" | "rw"): void {
    this.#setMsrs(first, last, access, (byte, bit) => byte | bit);
  }

  askMsrs(first: number, last: number, access: "r" | "w" | "rw"): void {
    this.#setMsrs(first, last, access, (byte, bit) => byte & ~bit);
  }

  /** Accesses to these ports reach their devices, and are counted. */
  passPorts(first: number, last: number): void {
    const n = this.#policy.getUint32(8, true);
    if (n === MAX_PORT_ROWS) throw new RangeError(`the fast path can answer ${MAX_PORT_ROWS} ranges of ports`);
    const at = PORT_TABLE + n * PORT_ROW;
    this.#policy.setUint16(at, first, true);
    this.#policy.setUint16(at + 2, last, true);
    this.#policy.setBigUint64(at + 8, 0n, true);
    this.#policy.setUint32(8, n + 1, true);
  }

  /** accesses to each range of ports */
  portAccesses(): readonly { readonly first: number; readonly last: number; readonly count: number }[] {
    return Array.from({ length: this.#policy.getUint32(8, true) }, (_, n) => {
      const at = PORT_TABLE + n * PORT_ROW;
      const count = Number(this.#policy.getBigUint64(at + 8, true));
      return { first: this.#policy.getUint16(at, true), last: this.#policy.getUint16(at + 2, true), count };
    });
  }

  /** Bits of CR0 and CR4 that the host owns, and that the guest may believe to have written: the read shadow follows, the register does not. */
  writeThrough(cr0: bigint, cr4: bigint): void {
    this.#policy.setBigUint64(16, cr0, true);
    this.#policy.setBigUint64(24, cr4, true);
  }

  get #enabled(): number {
    return this.#policy.getUint32(0, true);
  }

  #enable(kinds: number): void {
    this.#policy.setUint32(0, kinds, true);
  }

  #addCpuid(leaf: number, subleaf: number, register: number, clear: number, set: number): void {
    const n = this.#policy.getUint32(4, true);
    if (n === MAX_CPUID_ROWS) throw new RangeError(`the fast path can mask ${MAX_CPUID_ROWS} CPUID registers`);
    const at = CPUID_TABLE + n * CPUID_ROW;
    for (const [i, value] of [leaf, subleaf, register, clear, set].entries()) this.#policy.setUint32(at + 4 * i, value, true);
    this.#policy.setUint32(4, n + 1, true);
  }

  /** leaf, subleaf, register, clear, set */
  #cpuidRows(): readonly (readonly [number, number, number, number, number])[] {
    return Array.from({ length: this.#policy.getUint32(4, true) }, (_, n) => {
      const word = (i: number) => this.#policy.getUint32(CPUID_TABLE + n * CPUID_ROW + 4 * i, true);
      return [word(0), word(1), word(2), word(3), word(4)] as const;
    });
  }

  #setMsrs(first: number, last: number, access: "r" | "w" | "rw", change: (byte: number, bit: number) => number): void {
    for (let number = first; number <= last; number++) {
      const high = number >= HIGH_MSRS;
      const n = high ? number - HIGH_MSRS : number;
      if (n >= MSR_RANGE) throw new RangeError(`the fast path answers MSRs 0 to 1fff and c0000000 to c0001fff, not ${number.toString(16)}`);
      for (const write of [0, 1])
        if (access.includes("rw"[write])) {
          const at = write * 2048 + (high ? 1024 : 0) + (n >> 3);
          this.#msrs[at] = change(this.#msrs[at], 1 << (n & 7));
        }
    }
  }
}
