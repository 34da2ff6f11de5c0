/**
 * A core with an OS's vCPU in the middle of something and a memory pool behind its RAM, for tests of what runs beside it: `osHash` is what
 * must not change.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Core } from "../../src/core/core.ts";
import { max } from "../../src/cpus/max.ts";
import { Executor } from "../../src/driver/executor.ts";
import type { SymbolNames } from "../../src/driver/module-fault.ts";
import { VmmMemory } from "../../src/driver/vmm-memory.ts";
import { GuestMemory } from "../../src/machine/guest-memory.ts";
import { MEMORY_POOL_VIRTUAL, PAGE_SIZE } from "../../src/vmm/constants.ts";

export const RAM_MIB = 24;
/** the last 16 MiB */
export const POOL = 8n << 20n;
export const POOL_BYTES = 16n << 20n;

const wasm = new WebAssembly.Module(readFileSync("build/core.wasm"));

export class ModuleHost {
  readonly core: Core;
  readonly memory: VmmMemory;
  readonly executor: Executor;
  /** first free page of the pool */
  #free: bigint;

  constructor(names: SymbolNames = { nameOf: () => undefined }, core?: Core) {
    this.core = core ?? new Core(wasm, RAM_MIB, max);
    if (core === undefined) this.core.vcpu(0).reset();
    this.memory = new VmmMemory(new GuestMemory(this.core), POOL, POOL_BYTES);
    this.executor = new Executor(this.core, this.memory, MEMORY_POOL_VIRTUAL, names);
    this.#free = MEMORY_POOL_VIRTUAL + Executor.bytesFor(POOL_BYTES);
  }

  /** pages of the pool, zeroed */
  allocate(bytes: bigint): bigint {
    const at = this.#free;
    const size = (bytes + PAGE_SIZE - 1n) & ~(PAGE_SIZE - 1n);
    this.#free += size;
    this.memory.zero(at, size);
    return at;
  }

  /** a page of machine code */
  code(hex: string): bigint {
    const at = this.allocate(PAGE_SIZE);
    this.memory.write(
      at,
      Uint8Array.from(hex.replaceAll(/\s/g, "").match(/../g) ?? [], (byte) => Number.parseInt(byte, 16)),
    );
    this.executor.protect(at, PAGE_SIZE, "code");
    return at;
  }

  /** the OS's vCPU, and RAM outside of the pool */
  osHash(): string {
    const hash = createHash("sha256").update(this.core.vcpu(0).bytes);
    return hash.update(this.core.ram.subarray(0, Number(POOL))).digest("hex");
  }
}
