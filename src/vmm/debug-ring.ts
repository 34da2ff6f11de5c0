/**
 * The debug ring of a vCPU: the last 32 KiB of its messages, each ended by a NUL. It stands in memory of the VMM, in the layout of Bareflank, so
 * that machine code can read and write it, too:
 *
 *     0 epos │ 8 spos │ 16 tag1 │ 24 buf[32768] │ 32792 tag2
 *
 * spos and epos only grow; modulo the size they say where the oldest message begins and where the next one goes.
 */
import { DEBUG_RING_BYTES } from "./constants.ts";
import { ERROR_CODE } from "./error-codes.ts";
import type { MemoryManager } from "./memory-manager.ts";

export const DEBUG_RING = { EPOS: 0n, SPOS: 8n, TAG1: 16n, BUF: 24n, TAG2: 24n + BigInt(DEBUG_RING_BYTES) } as const;
export const DEBUG_RING_STRUCT_BYTES = Number(DEBUG_RING.TAG2) + 8;
export const DEBUG_RING_TAG1 = 0xdb60_db60_db60_db60n;
export const DEBUG_RING_TAG2 = 0x06bd_06bd_06bd_06bdn;

/** The VMM's memory by virtual address. */
export interface RingMemory {
  read(virt: bigint, length: number): Uint8Array;
  write(virt: bigint, bytes: Uint8Array): void;
}

/** Rings by the id of their vCPU, the newest one of each: addresses of their structs. */
export type DebugRings = Map<bigint, bigint>;

export class DebugRing {
  readonly id: bigint;
  /** of the struct; 0 if there was no memory for it */
  readonly address: bigint;
  readonly #memory: RingMemory;
  readonly #manager: Pick<MemoryManager, "alloc" | "free">;
  readonly #rings: DebugRings;

  constructor(id: bigint, memory: RingMemory, manager: Pick<MemoryManager, "alloc" | "free">, rings: DebugRings) {
    this.id = id;
    this.#memory = memory;
    this.#manager = manager;
    this.#rings = rings;
    this.address = manager.alloc(BigInt(DEBUG_RING_STRUCT_BYTES));
    if (this.address === 0n) return;
    const struct = new Uint8Array(DEBUG_RING_STRUCT_BYTES);
    const view = new DataView(struct.buffer);
    view.setBigUint64(Number(DEBUG_RING.TAG1), DEBUG_RING_TAG1, true);
    view.setBigUint64(Number(DEBUG_RING.TAG2), DEBUG_RING_TAG2, true);
    memory.write(this.address, struct);
    rings.set(id, this.address);
  }

  /** Messages that are empty or do not fit are dropped, and so is everything if there is no memory. Never throws. */
  write(text: string): void {
    const bytes = new TextEncoder().encode(`${text}\0`);
    if (this.address === 0n || bytes.length <= 1 || bytes.length > DEBUG_RING_BYTES) return;
    const { epos, spos } = positions(this.#memory, this.address);
    const space = DEBUG_RING_BYTES - Number(epos - spos);
    const oldest = space < bytes.length ? spos + BigInt(this.#drop(spos, bytes.length - space)) : spos;
    this.#put(epos, bytes);
    this.#memory.write(this.address, new Uint8Array(BigUint64Array.of(epos + BigInt(bytes.length), oldest).buffer));
  }

  /** Gives the memory back. */
  dispose(): void {
    if (this.#rings.get(this.id) === this.address) this.#rings.delete(this.id);
    this.#manager.free(this.address);
  }

  /** Erases whole messages from the oldest on until `needed` bytes are free; says how many bytes that were. */
  #drop(spos: bigint, needed: number): number {
    const start = Number(spos % BigInt(DEBUG_RING_BYTES));
    const buffer = readBuffer(this.#memory, this.address);
    let length = needed;
    while (length < DEBUG_RING_BYTES && buffer[(start + length - 1) % DEBUG_RING_BYTES] !== 0) length++;
    this.#put(spos, new Uint8Array(length));
    return length;
  }

  #put(position: bigint, bytes: Uint8Array): void {
    const at = Number(position % BigInt(DEBUG_RING_BYTES));
    const first = bytes.subarray(0, DEBUG_RING_BYTES - at);
    const buffer = this.address + DEBUG_RING.BUF;
    this.#memory.write(buffer + BigInt(at), first);
    if (first.length < bytes.length) this.#memory.write(buffer, bytes.subarray(first.length));
  }
}

/**
 * Copies what is in a ring, without the NULs, as far as it fits with a NUL behind it; nothing is consumed.
 * QUIRK: answers the number of bytes that there are, less the NULs passed on the way. If all was copied that is what was copied; if not, it
 * is more.
 */
export function readRing(memory: RingMemory, ring: bigint, out: Uint8Array | null, length = out?.length ?? 0): number {
  if (ring === 0n || out === null || length === 0) return 0;
  const { epos, spos } = positions(memory, ring);
  const buffer = readBuffer(memory, ring);
  let content = Number(epos - spos);
  let at = Number(spos % BigInt(DEBUG_RING_BYTES));
  let copied = 0;
  while (copied < content && copied < length - 1) {
    const byte = buffer[at];
    if (byte === 0) content--;
    else out[copied++] = byte;
    at = (at + 1) % DEBUG_RING_BYTES;
  }
  out[copied] = 0;
  return content;
}

/** All of a ring's text. */
export function ringText(memory: RingMemory, ring: bigint): string {
  const out = new Uint8Array(DEBUG_RING_BYTES);
  readRing(memory, ring, out);
  return new TextDecoder().decode(out.subarray(0, out.indexOf(0)));
}

/** `store` takes the address of the ring of a vCPU. */
export function getDrr(rings: DebugRings, id: bigint, store: ((address: bigint) => void) | null): bigint {
  const ring = rings.get(id);
  if (store === null || ring === undefined) return ERROR_CODE.GET_DRR_FAILURE;
  store(ring);
  return ERROR_CODE.SUCCESS;
}

function positions(memory: RingMemory, ring: bigint): { epos: bigint; spos: bigint } {
  const [epos, spos] = new BigUint64Array(memory.read(ring, 16).slice().buffer);
  return { epos, spos };
}

function readBuffer(memory: RingMemory, ring: bigint): Uint8Array {
  return memory.read(ring + DEBUG_RING.BUF, DEBUG_RING_BYTES);
}
