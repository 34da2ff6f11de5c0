/** A vCPU's state as TypeScript sees it: accessors over linear memory, made from src/spec/state.ts. */
import { layout, type PlacedField, STATE } from "../spec/state.ts";

const { fields, size } = layout(STATE);
const BY_NAME: ReadonlyMap<string, PlacedField> = new Map(fields.map((f) => [f.name, f]));

export const STATE_BYTES = size;

/** Registers and other fields of one vCPU by their names in src/spec/state.ts. 64-bit fields are BigInt, narrower ones numbers. */
export class StateView {
  readonly #memory: WebAssembly.Memory;
  readonly #base: number;
  #view: DataView;

  constructor(memory: WebAssembly.Memory, base: number) {
    this.#memory = memory;
    this.#base = base;
    this.#view = new DataView(memory.buffer, base, size);
  }

  /** the whole state as bytes, for save and restore */
  get bytes(): Uint8Array {
    return new Uint8Array(this.#memory.buffer, this.#base, size);
  }

  /** a 64-bit field; `index` for array fields */
  get(name: string, index = 0): bigint {
    const f = place(name, index);
    return this.#live().getBigUint64(f, true);
  }

  set(name: string, value: bigint, index = 0): void {
    this.#live().setBigUint64(place(name, index), value, true);
  }

  /** a field of 8, 16 or 32 bits */
  getNumber(name: string, index = 0): number {
    const at = place(name, index);
    const view = this.#live();
    const bytes = BY_NAME.get(name)?.size;
    return bytes === 1 ? view.getUint8(at) : bytes === 2 ? view.getUint16(at, true) : view.getUint32(at, true);
  }

  setNumber(name: string, value: number, index = 0): void {
    const at = place(name, index);
    const view = this.#live();
    const bytes = BY_NAME.get(name)?.size;
    if (bytes === 1) view.setUint8(at, value);
    else if (bytes === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
  }

  /** a field of type f64 */
  getDouble(name: string): number {
    return this.#live().getFloat64(place(name, 0), true);
  }

  /** the bytes of a field (or of one element): XMM and x87 registers */
  bytesOf(name: string, index = 0): Uint8Array {
    return new Uint8Array(this.#memory.buffer, this.#base + place(name, index), BY_NAME.get(name)?.size);
  }

  #live(): DataView {
    if (this.#view.buffer !== this.#memory.buffer) this.#view = new DataView(this.#memory.buffer, this.#base, size);
    return this.#view;
  }
}

function place(name: string, index: number): number {
  const f = BY_NAME.get(name);
  if (f === undefined) throw new Error(`the vCPU state has no field "${name}"`);
  return f.offset + index * f.size;
}

/** Where a field stands in the state. */
export function offsetOf(name: string): number {
  return place(name, 0);
}
