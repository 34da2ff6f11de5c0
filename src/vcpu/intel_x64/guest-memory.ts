/** Memory that the guest names by its own virtual addresses: through its page tables, of 4 or 5 levels, with its CR3 and PAT. */
import { CR0, CR4, EFER } from "../../spec/registers.ts";
import { RuntimeError } from "../../vmm/errors.ts";
import { type MapContext, MappedPointer } from "../../vmm/mapped-pointer.ts";
import type { Buffers } from "./vmcall.ts";
import type { VmcsFields } from "./vmcs-fields.ts";

const TABLE = 0x000f_ffff_ffff_f000n;
const PRESENT = 1n;
const PML5_SHIFT = 48n;
const PG = BigInt(CR0.PG);
const LMA = BigInt(EFER.LMA);
const LA57 = BigInt(CR4.LA57);

export class GuestMemory implements Buffers {
  readonly #fields: VmcsFields;
  readonly #context: MapContext;

  constructor(fields: VmcsFields, context: MapContext) {
    this.#fields = fields;
    this.#context = context;
  }

  read(address: bigint, length: number): Uint8Array {
    using mapped = this.#map(address, length);
    return mapped.read(0n, length);
  }

  write(address: bigint, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    using mapped = this.#map(address, bytes.length);
    mapped.write(0n, bytes);
  }

  #map(address: bigint, length: number): MappedPointer {
    const fields = this.#fields;
    const isLong = (fields.get("guestCr0") & PG) !== 0n && (fields.get("guestIa32Efer") & LMA) !== 0n;
    if (!isLong) throw new RuntimeError("buffers of a guest are reached only through page tables of IA-32e mode");
    return MappedPointer.guest(this.#context, address, this.#pml4(address), BigInt(length), fields.get("guestIa32Pat"));
  }

  /** The table of 4-level paging that an address goes through; with 5 levels, one entry of the table above chooses it. */
  #pml4(address: bigint): bigint {
    const top = this.#fields.get("guestCr3") & TABLE;
    if ((this.#fields.get("guestCr4") & LA57) === 0n) return top;
    const entry = this.#context.memory.read64(top + ((address >> PML5_SHIFT) & 0x1ffn) * 8n);
    if ((entry & PRESENT) === 0n) throw new RuntimeError(`the guest has nothing at 0x${address.toString(16)}: no PML5 entry`);
    return entry & TABLE;
  }
}
