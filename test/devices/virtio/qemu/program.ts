/** The questions: configuration space, set-up, and requests of all kinds, bad ones too. Asked of QEMU once, and of ours in the suite. */
import { Random } from "../../../lib/random.ts";
import { BLOCK_SLOT, type Notes, RNG_SLOT, type Target } from "./target.ts";

const BARS = { [BLOCK_SLOT]: 0xe0000000, [RNG_SLOT]: 0xe0100000 };
const TABLE = 0x1000;
const STRUCTURES = 0x4000;
const DESCRIPTORS = 0x10000;
const AVAILABLE = 0x11000;
const USED = 0x12000;
const QUEUE = 64;
const DATA = 0x20000;

export async function ask(t: Target, seed: number): Promise<Notes> {
  const notes: Notes = [];
  const asker = new Asker(t, notes, seed);
  await asker.header(0);
  for (const slot of [BLOCK_SLOT, RNG_SLOT]) {
    await asker.header(slot);
    await asker.place(slot);
    await asker.msix(slot);
    await asker.common(slot);
  }
  await asker.requests();
  return notes;
}

class Asker {
  readonly #t: Target;
  readonly #notes: Notes;
  readonly #seed: number;

  constructor(t: Target, notes: Notes, seed: number) {
    this.#t = t;
    this.#notes = notes;
    this.#seed = seed;
  }

  /** Ids, what can be written, sizes of the regions. */
  async header(slot: number): Promise<void> {
    for (const [at, size] of [[0x00, 4], [0x08, 4], [0x0e, 1], [0x2c, 4], [0x3d, 1], [0x06, 2]]) // biome-ignore format: a table
      this.#note(`slot ${slot} ${hex(at)}`, await this.#config(slot, at, size));
    await this.#configure(slot, 0x04, 2, 0);
    for (const at of [0x00, 0x08, 0x2c]) {
      await this.#configure(slot, at, 4, 0xffffffff);
      this.#note(`slot ${slot} ${hex(at)} is read-only`, await this.#config(slot, at, 4));
    }
    await this.#configure(slot, 0x3c, 1, 0x5a);
    if (slot > 0) this.#note(`slot ${slot} interrupt line`, await this.#config(slot, 0x3c, 1));
    for (let at = 0x10; at < 0x28; at += 4) {
      await this.#configure(slot, at, 4, 0xffffffff);
      this.#note(`slot ${slot} size of ${hex(at)}`, await this.#config(slot, at, 4));
    }
    await this.#configure(slot, 0x04, 2, 0x0507);
    this.#note(`slot ${slot} command`, (await this.#config(slot, 0x04, 2)) & 0x0507);
  }

  async place(slot: number): Promise<void> {
    const base = this.#base(slot);
    await this.#configure(slot, 0x04, 2, 0);
    await this.#configure(slot, 0x14, 4, base + TABLE);
    await this.#configure(slot, 0x20, 4, base + STRUCTURES);
    await this.#configure(slot, 0x24, 4, 0);
    await this.#configure(slot, 0x04, 2, 6);
    this.#note(`slot ${slot} there`, await this.#t.read(base + STRUCTURES + 0x12, 2));
  }

  async msix(slot: number): Promise<void> {
    const table = this.#base(slot) + TABLE;
    const at = await this.#capability(slot, 0x11, 0);
    for (const register of [4, 8]) this.#note(`slot ${slot} MSI-X ${register}`, await this.#config(slot, at + register, 4));
    this.#note(`slot ${slot} MSI-X vectors`, await this.#config(slot, at + 2, 2));
    for (let entry = 0; entry < 32; entry += 4) {
      this.#note(`slot ${slot} MSI-X entry ${entry}`, await this.#t.read(table + entry, 4));
      await this.#t.write(table + entry, 4, 0xffffffff);
    }
    await this.#configure(slot, at + 2, 2, 0xffff);
    this.#note(`slot ${slot} MSI-X control`, await this.#config(slot, at + 2, 2));
    await this.#configure(slot, at + 2, 2, 0);
  }

  /** Features, status, queue registers, without any queue being used. */
  async common(slot: number): Promise<void> {
    const get = async (at: number, size: number) => this.#t.read(this.#base(slot) + STRUCTURES + at, size);
    const set = async (at: number, size: number, value: number) => this.#t.write(this.#base(slot) + STRUCTURES + at, size, value);
    const note = async (what: string, at: number, size: number) => this.#note(`slot ${slot} ${what}`, await get(at, size));
    await set(0x14, 1, 0);
    await note("queues", 0x12, 2);
    for (const word of [1, 2]) {
      await set(0x00, 4, word);
      this.#note(`slot ${slot} features ${word}`, (await get(0x04, 4)) & (word === 1 ? 1 : -1));
    }
    for (const version of [0, 1]) {
      await set(0x14, 1, 0);
      await set(0x14, 1, 3);
      await set(0x08, 4, 1);
      await set(0x0c, 4, version);
      await note(`driver feature with ${version}`, 0x0c, 4);
      await set(0x14, 1, 11);
      if (version === 1) await note("status, version accepted", 0x14, 1);
    }
    await set(0x16, 2, 0);
    await note("queue enabled", 0x1c, 2);
    await note("queue notification", 0x1e, 2);
    for (const vector of [0, 1, 2, 0xffff, 1]) {
      await set(0x1a, 2, vector);
      await note(`vector ${vector} of a queue`, 0x1a, 2);
      await set(0x10, 2, vector);
      await note(`vector ${vector} of the configuration`, 0x10, 2);
    }
    for (const size of [64, 16]) {
      await set(0x18, 2, size);
      await note(`size ${size}`, 0x18, 2);
    }
    for (const at of [0x20, 0x28, 0x30]) {
      await set(at, 4, 0x12345000 + at);
      await set(at + 4, 4, at);
      await note(`address ${hex(at)}`, at, 4);
      await note(`upper address ${hex(at)}`, at + 4, 4);
    }
    await set(0x14, 1, 0);
    for (const [at, size] of [[0x14, 1], [0x10, 2], [0x20, 4], [0x1a, 2], [0x15, 1]]) // biome-ignore format: a table
      await note(`after a reset ${hex(at)}`, at, size);
  }

  /** Rounds of requests to the disk; each round begins with a reset and ends when the device is broken, or after a few. */
  async requests(): Promise<void> {
    for (let round = 0; round < 60; round++) {
      await this.#start(round % 2 === 0 ? 0x30000000 : 0);
      let index = 0;
      for (let i = 0; i < 4; i++) {
        const pieces = requestOf(new Random(this.#seed, round, i));
        await this.#t.put(DATA, new Uint8Array(0x8000).fill(0xcc));
        for (const [n, piece] of pieces.entries()) await this.#describe(n, piece, n === pieces.length - 1);
        await this.#t.put(AVAILABLE + 4 + 2 * (index % QUEUE), Uint8Array.of(0, 0));
        index++;
        await this.#t.put(AVAILABLE + 2, Uint8Array.of(index, 0));
        await this.#t.write(this.#base(BLOCK_SLOT) + STRUCTURES + 0x3000, 2, 0);
        const name = `round ${round} request ${i}: ${pieces.map((p) => p.text).join(" ")}`;
        if (await this.#answered(name, index)) await this.#look(name, index, pieces);
        else break;
      }
    }
  }

  async #start(features: number): Promise<void> {
    const set = async (at: number, size: number, value: number) => this.#t.write(this.#base(BLOCK_SLOT) + STRUCTURES + at, size, value);
    await this.#t.put(DESCRIPTORS, new Uint8Array(0x3000));
    await set(0x14, 1, 0);
    await set(0x14, 1, 3);
    for (const [word, bits] of [features, 1].entries()) {
      await set(0x08, 4, word);
      await set(0x0c, 4, bits);
    }
    await set(0x14, 1, 11);
    await set(0x16, 2, 0);
    await set(0x18, 2, QUEUE);
    for (const [n, address] of [DESCRIPTORS, AVAILABLE, USED].entries()) {
      await set(0x20 + 8 * n, 4, address);
      await set(0x24 + 8 * n, 4, 0);
    }
    await set(0x1c, 2, 1);
    await set(0x14, 1, 15);
  }

  async #describe(n: number, { gpa, length, write, bytes }: Piece, last: boolean): Promise<void> {
    const descriptor = new DataView(new ArrayBuffer(16));
    descriptor.setUint32(0, gpa, true);
    descriptor.setUint32(8, length, true);
    descriptor.setUint16(12, (write ? 2 : 0) | (last ? 0 : 1), true);
    descriptor.setUint16(14, last ? 0 : n + 1, true);
    await this.#t.put(DESCRIPTORS + 16 * n, new Uint8Array(descriptor.buffer));
    if (bytes !== undefined) await this.#t.put(gpa, bytes);
  }

  /** Waits for an answer, or for the device to give up: a request may take a moment. */
  async #answered(name: string, index: number): Promise<boolean> {
    for (let tries = 0; tries < 2000; tries++) {
      if ((await this.#t.get(USED + 2, 1))[0] === index) return true;
      const status = await this.#t.read(this.#base(BLOCK_SLOT) + STRUCTURES + 0x14, 1);
      if (!(status & 64)) continue;
      this.#note(`${name}: status`, status);
      return false;
    }
    this.#note(`${name}: no answer`, 0);
    return false;
  }

  async #look(name: string, index: number, pieces: readonly Piece[]): Promise<void> {
    this.#note(`${name}: used`, text(await this.#t.get(USED + 4 + 8 * ((index - 1) % QUEUE), 8)));
    // what a failed read leaves in its room is not said anywhere
    const status = (await this.#t.get(DATA + 0x7000, 1))[0];
    this.#note(`${name}: result`, status);
    if (status !== 0) return;
    for (const [n, { gpa, length, write }] of pieces.entries())
      if (write && length > 1) this.#note(`${name}: data ${n}`, sum(await this.#t.get(gpa, length)));
  }

  async #capability(slot: number, id: number, type: number): Promise<number> {
    for (let at = await this.#config(slot, 0x34, 1); at !== 0; at = await this.#config(slot, at + 1, 1))
      if ((await this.#config(slot, at, 1)) === id && (type === 0 || (await this.#config(slot, at + 3, 1)) === type)) return at;
    throw new Error(`slot ${slot} has no capability ${id}`);
  }

  async #config(slot: number, at: number, size: number): Promise<number> {
    await this.#t.out(0xcf8, 4, (0x80000000 | (slot << 11) | (at & 0xfc)) >>> 0);
    return this.#t.in(0xcfc + (at & 3), size);
  }

  async #configure(slot: number, at: number, size: number, value: number): Promise<void> {
    await this.#t.out(0xcf8, 4, (0x80000000 | (slot << 11) | (at & 0xfc)) >>> 0);
    await this.#t.out(0xcfc + (at & 3), size, value);
  }

  #base(slot: number): number {
    return BARS[slot as keyof typeof BARS];
  }

  #note(name: string, value: number | string): void {
    this.#notes.push([name, value]);
  }
}

interface Piece {
  readonly text: string;
  readonly gpa: number;
  readonly length: number;
  readonly write: boolean;
  readonly bytes: Uint8Array | undefined;
}

/** A header, data in one to three pieces, room for the status; sometimes with a mistake. */
function requestOf(random: Random): Piece[] {
  const type = random.pick([0, 0, 0, 1, 1, 4, 99]);
  const sector = random.oneIn(6) ? random.pick([299, 300, 0x7fffffff]) : random.below(290);
  const header = new DataView(new ArrayBuffer(16));
  header.setUint32(0, type, true);
  header.setUint32(8, sector, true);
  const pieces: Piece[] = [{ text: `${type}@${sector}`, gpa: DATA, length: 16, write: false, bytes: new Uint8Array(header.buffer) }];
  const count = type < 2 ? random.between(1, 3) : 0;
  for (let i = 0; i < count; i++) {
    const length = random.oneIn(12) ? 100 : 512 * random.between(1, 4);
    const bytes = type === 1 ? Uint8Array.from({ length }, () => random.below(256)) : undefined;
    pieces.push({ text: `${length}`, gpa: DATA + 0x1000 * (i + 1), length, write: type === 0, bytes });
  }
  if (!random.oneIn(15)) pieces.push({ text: "s", gpa: DATA + 0x7000, length: 1, write: true, bytes: undefined });
  if (random.oneIn(15)) pieces[0] = { ...pieces[0], text: "short", length: 12 };
  return pieces;
}

function hex(n: number): string {
  return n.toString(16).padStart(2, "0");
}

function text(bytes: Uint8Array): string {
  return Array.from(bytes, hex).join("");
}

/** FNV-1a */
function sum(bytes: Uint8Array): string {
  return (bytes.reduce((h, b) => Math.imul(h ^ b, 0x01000193), 0x811c9dc5) >>> 0).toString(16);
}
