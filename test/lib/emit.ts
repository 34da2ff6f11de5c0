/** A machine-code emitter with just the instructions that the native harness needs. SDM Vol. 2 "Instruction Format". */
const REGISTERS = ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"] as const;
export type Register = (typeof REGISTERS)[number];
const SEGMENTS = ["es", "cs", "ss", "ds", "fs", "gs"] as const;
export type Segment = (typeof SEGMENTS)[number];

/** [base + displacement], or an absolute address below 2 GiB. */
export type Address = { readonly base: Register; readonly disp: number } | { readonly absolute: number };
export const at = (base: Register, disp = 0): Address => ({ base, disp });
export const absolute = (address: number): Address => ({ absolute: address });

const CONDITIONS = { jb: 2, jae: 3, je: 4, jne: 5 } as const;

export class Emitter {
  readonly bytes: number[] = [];
  readonly #origin: number;
  readonly #labels = new Map<string, number>();
  readonly #fixups: { readonly at: number; readonly label: string }[] = [];

  constructor(origin: number) {
    this.#origin = origin;
  }

  raw(...bytes: number[]): void {
    this.bytes.push(...bytes);
  }

  label(name: string): void {
    this.#labels.set(name, this.bytes.length);
  }

  /** The address of a label that is already placed. */
  address(name: string): number {
    return this.#origin + this.#place(name);
  }

  /** Fills in the jumps. */
  finish(): Uint8Array {
    for (const { at, label } of this.#fixups) this.#write32(at, this.#place(label) - (at + 4));
    return Uint8Array.from(this.bytes);
  }

  // Loads and stores
  load64(r: Register, a: Address): void {
    this.#modrm(1, [0x8b], REGISTERS.indexOf(r), a);
  }
  load32(r: Register, a: Address): void {
    this.#modrm(0, [0x8b], REGISTERS.indexOf(r), a);
  }
  loadU16(r: Register, a: Address): void {
    this.#modrm(0, [0x0f, 0xb7], REGISTERS.indexOf(r), a);
  }
  store64(a: Address, r: Register): void {
    this.#modrm(1, [0x89], REGISTERS.indexOf(r), a);
  }
  store32(a: Address, r: Register): void {
    this.#modrm(0, [0x89], REGISTERS.indexOf(r), a);
  }
  storeImmediate64(a: Address, value: number): void {
    this.#modrm(1, [0xc7], 0, a);
    this.#imm32(value);
  }
  increment32(a: Address): void {
    this.#modrm(0, [0xff], 0, a);
  }
  lea(r: Register, a: Address): void {
    this.#modrm(1, [0x8d], REGISTERS.indexOf(r), a);
  }

  // Registers
  set(r: Register, value: number | bigint): void {
    const n = REGISTERS.indexOf(r);
    const v = BigInt(value);
    this.raw(0x48 | (n >> 3), 0xb8 | (n & 7));
    for (let i = 0n; i < 64n; i += 8n) this.raw(Number((BigInt.asUintN(64, v) >> i) & 0xffn));
  }
  move(to: Register, from: Register): void {
    this.#registers(0x89, from, to);
  }
  add(to: Register, from: Register): void {
    this.#registers(0x01, from, to);
  }
  compare(a: Register, b: Register): void {
    this.#registers(0x39, b, a);
  }
  test(a: Register, b: Register): void {
    this.#registers(0x85, b, a);
  }
  decrement(r: Register): void {
    const n = REGISTERS.indexOf(r);
    this.raw(0x48 | (n >> 3), 0xff, 0xc8 | (n & 7));
  }
  loadSegment(s: Segment, a: Address): void {
    this.#modrm(0, [0x8e], SEGMENTS.indexOf(s), a);
  }
  storeSegment(a: Address, s: Segment): void {
    this.#modrm(0, [0x8c], SEGMENTS.indexOf(s), a);
  }

  // Flow and the rest
  jump(label: string): void {
    this.raw(0xe9);
    this.#reference(label);
  }
  branch(condition: keyof typeof CONDITIONS, label: string): void {
    this.raw(0x0f, 0x80 | CONDITIONS[condition]);
    this.#reference(label);
  }
  systemCall(number: number): void {
    this.set("rax", number);
    this.raw(0x0f, 0x05);
  }
  int3(): void {
    this.raw(0xcc);
  }
  repMovsb(): void {
    this.raw(0xf3, 0xa4);
  }
  repMovsq(): void {
    this.raw(0xf3, 0x48, 0xa5);
  }
  repStosb(): void {
    this.raw(0xf3, 0xaa);
  }
  /** push imm8; popfq */
  setFlags(value: number): void {
    this.raw(0x6a, value, 0x9d);
  }
  /** rdfsbase, rdgsbase, wrfsbase, wrgsbase on rax */
  readBase(s: "fs" | "gs"): void {
    this.raw(0xf3, 0x48, 0x0f, 0xae, s === "fs" ? 0xc0 : 0xc8);
  }
  writeBase(s: "fs" | "gs"): void {
    this.raw(0xf3, 0x48, 0x0f, 0xae, s === "fs" ? 0xd0 : 0xd8);
  }

  #place(label: string): number {
    const place = this.#labels.get(label);
    if (place === undefined) throw new Error(`no label ${label}`);
    return place;
  }

  #reference(label: string): void {
    this.#fixups.push({ at: this.bytes.length, label });
    this.#imm32(0);
  }

  #imm32(value: number): void {
    this.raw(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, (value >> 24) & 0xff);
  }

  #write32(at: number, value: number): void {
    for (let i = 0; i < 4; i++) this.bytes[at + i] = (value >> (8 * i)) & 0xff;
  }

  #registers(opcode: number, reg: Register, rm: Register): void {
    const [g, e] = [REGISTERS.indexOf(reg), REGISTERS.indexOf(rm)];
    this.raw(0x48 | ((g >> 3) << 2) | (e >> 3), opcode, 0xc0 | ((g & 7) << 3) | (e & 7));
  }

  #modrm(w: 0 | 1, opcode: readonly number[], reg: number, a: Address): void {
    const base = "base" in a ? REGISTERS.indexOf(a.base) : 0;
    this.raw(0x40 | (w << 3) | ((reg >> 3) << 2) | (base >> 3), ...opcode);
    const g = (reg & 7) << 3;
    if ("absolute" in a) {
      this.raw(g | 4, 0x25);
      this.#imm32(a.absolute);
    } else {
      this.raw(0x80 | g | (base & 7));
      if ((base & 7) === 4) this.raw(0x24);
      this.#imm32(a.disp);
    }
  }
}
