/**
 * A vCPU as everything above its architecture knows it: it is initialised, runs, halts and is finished, and has a ring for messages. What
 * that means is for the folder of the architecture to say.
 */
import { InvalidArgument } from "../vmm/errors.ts";
import { isHost, isReserved, type VcpuId } from "./vcpu-id.ts";

/** Where messages of a vCPU go; src/vmm/debug-ring.ts. */
export interface Ring {
  write(text: string): void;
}

/** What the caller of create, run, hlt or delete wants a vCPU's own parts to know. */
export type UserData = unknown;

export class Vcpu {
  readonly id: VcpuId;
  readonly #ring: Ring;
  #isRunning = false;
  #isInitialized = false;

  /** Without a ring it makes its own. */
  constructor(id: VcpuId, makeRing: (id: VcpuId) => Ring, ring?: Ring) {
    if (isReserved(id)) throw new InvalidArgument(`vCPU id 0x${id.toString(16)} is reserved: bit 63 is set`);
    this.id = id;
    this.#ring = ring ?? makeRing(id);
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  get isInitialized(): boolean {
    return this.#isInitialized;
  }

  get isHostVcpu(): boolean {
    return isHost(this.id);
  }

  init(_data?: UserData): void {
    this.#isInitialized = true;
  }

  run(_data?: UserData): void {
    this.#isRunning = true;
  }

  hlt(_data?: UserData): void {
    this.#isRunning = false;
  }

  fini(data?: UserData): void {
    if (this.#isRunning) this.hlt(data);
    this.#isInitialized = false;
  }

  write(text: string): void {
    this.#ring.write(text);
  }
}
