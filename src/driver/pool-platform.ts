/**
 * The driver's platform in this machine: memory is the memory pool, code of modules runs on the executor, and the CPU that the OS runs on is
 * the only one.
 */
import { PAGE_SIZE } from "../vmm/constants.ts";
import type { MemoryPool } from "../vmm/memory-pool.ts";
import type { Executor } from "./executor.ts";
import type { Platform, VmcallRegisters } from "./platform.ts";
import { VMCALL_REGISTERS } from "./platform.ts";
import type { PageAccess } from "./service-pages.ts";

export interface PoolPlatformOptions {
  readonly pool: MemoryPool;
  readonly executor: Executor;
  /** The VMCALL of the CPU that the OS runs on. */
  readonly vmcall: (registers: VmcallRegisters) => void;
  /** Tells the memory manager of pages with data, or that they are gone. */
  readonly describe: (address: bigint, bytes: bigint, there: boolean) => void;
  readonly forget: () => void;
  readonly log: (line: string) => void;
}

/** r0 to r2: what an event carries */
const EVENT_REGISTERS = 3;
const NO_SUCH_CPU = -1n;

export class PoolPlatform implements Platform {
  readonly cpus = 1;
  readonly #options: PoolPlatformOptions;

  constructor(options: PoolPlatformOptions) {
    this.#options = options;
  }

  allocRw(size: bigint, what: string): bigint {
    const address = this.#options.pool.alloc(what, size);
    this.#options.describe(address, this.#options.pool.sizeOf(address), true);
    return address;
  }

  /** The driver describes what is in an image by itself. */
  allocRwe(size: bigint, what: string): bigint {
    return this.#options.pool.alloc(what, size);
  }

  freeRw(address: bigint): void {
    this.#options.describe(address, this.#options.pool.sizeOf(address), false);
    this.#options.pool.free(address);
  }

  freeRwe(address: bigint): void {
    this.#options.pool.free(address);
  }

  virtToPhys(address: bigint): bigint {
    return this.#options.pool.physicalOf(address);
  }

  /** Whole pages, as they were allocated. */
  protect(address: bigint, size: bigint, access: PageAccess): void {
    this.#options.executor.protect(address, (size + PAGE_SIZE - 1n) & ~(PAGE_SIZE - 1n), access);
  }

  read(address: bigint, length: number): Uint8Array {
    return this.#options.executor.memory.read(address, length);
  }

  write(address: bigint, bytes: Uint8Array): void {
    this.#options.executor.memory.write(address, bytes);
  }

  setAffinity(cpu: bigint): bigint {
    return cpu >= 0n && cpu < BigInt(this.cpus) ? 0n : NO_SUCH_CPU;
  }

  restoreAffinity(): void {
    // there is no other CPU to go back to
  }

  started(): void {
    // nothing else of the machine has to know
  }

  stopped(): void {
    // likewise
  }

  vmcall(registers: VmcallRegisters): void {
    this.#options.vmcall(registers);
  }

  vmcallEvent(registers: VmcallRegisters): void {
    const carried = new BigUint64Array(VMCALL_REGISTERS);
    carried.set(registers.subarray(0, EVENT_REGISTERS));
    this.#options.vmcall(carried);
    registers.set(carried.subarray(0, EVENT_REGISTERS));
  }

  call(address: bigint, args: readonly bigint[]): bigint {
    return this.#options.executor.call(address, args);
  }

  forget(): void {
    this.#options.forget();
  }

  log(line: string): void {
    this.#options.log(line);
  }
}
