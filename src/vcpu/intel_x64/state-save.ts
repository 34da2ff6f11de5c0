/**
 * The state-save page: where a VM exit to the VMM leaves the guest's registers, and where entry takes them from. One page of physical memory
 * for each vCPU; the layout is Bareflank's, which modules in machine code address relative to GS.
 *
 *     00 rax  08 rbx  10 rcx  18 rdx  20 rbp  28 rsi  30 rdi  38 r8 … 70 r15  78 rip  80 rsp
 *     88 vcpu id  90 vmxon  98 vmcs  a0 exit handler  a8 user 1-3  c0 ymm0-15, 32 bytes each
 */
export const SAVED_REGISTERS = [
  "rax",
  "rbx",
  "rcx",
  "rdx",
  "rbp",
  "rsi",
  "rdi",
  "r8",
  "r9",
  "r10",
  "r11",
  "r12",
  "r13",
  "r14",
  "r15",
  "rip",
  "rsp",
  "vcpuid",
  "vmxon",
  "vmcs",
  "exitHandler",
  "user1",
  "user2",
  "user3",
] as const;
export type SavedRegister = (typeof SAVED_REGISTERS)[number];

export const STATE_SAVE_BYTES = 0x1000;
export const STATE_SAVE_YMM = 0xc0;
const WORD = 8;

/** offset of each register in the page */
export const STATE_SAVE = Object.fromEntries(SAVED_REGISTERS.map((name, n) => [name, n * WORD])) as Readonly<Record<SavedRegister, number>>;

/** Accessors over the page's bytes. The 32-bit ones make no BigInt: they are for exit handlers. */
export class StateSave {
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    if (bytes.byteLength < STATE_SAVE_BYTES)
      throw new RangeError(`a state-save page has ${STATE_SAVE_BYTES} bytes, not ${bytes.byteLength}`);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, STATE_SAVE_BYTES);
  }

  get(register: SavedRegister): bigint {
    return this.#view.getBigUint64(STATE_SAVE[register], true);
  }

  set(register: SavedRegister, value: bigint): void {
    this.#view.setBigUint64(STATE_SAVE[register], BigInt.asUintN(64, value), true);
  }

  /** the lower half of a register by its offset, STATE_SAVE.rax */
  low(offset: number): number {
    return this.#view.getUint32(offset, true);
  }

  /** A 32-bit write: the upper half becomes 0. */
  setLow(offset: number, value: number): void {
    this.#view.setUint32(offset, value, true);
    this.#view.setUint32(offset + 4, 0, true);
  }
}
