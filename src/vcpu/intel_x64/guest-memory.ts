/**
 * Memory that the guest names by its own virtual addresses: through its page tables with its CR3 and PAT while it pages, and physically
 * while it does not.
 */
import { CR0, CR4, EFER } from "../../spec/registers.ts";
import { RuntimeError } from "../../vmm/errors.ts";
import { type MapContext, MappedPointer } from "../../vmm/mapped-pointer.ts";
import type { Buffers } from "./vmcall.ts";
import type { VmcsFields } from "./vmcs-fields.ts";

const TABLE = 0x000f_ffff_ffff_f000n;
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
    if (!isLong || (fields.get("guestCr4") & LA57) !== 0n)
      throw new RuntimeError("buffers of a guest are reached only through page tables of 4 levels");
    return MappedPointer.guest(this.#context, address, fields.get("guestCr3") & TABLE, BigInt(length), fields.get("guestIa32Pat"));
  }
}
