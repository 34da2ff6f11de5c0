/**
 * How the driver enters modules: each function runs on a stack of the VMM's own, through `execute_entry` of the runtime module. At the top
 * of the stack stands what the running code can find by masking its stack pointer:
 *
 *     stack, aligned to its size ┐                                         ┌ top
 *                                ▼                                         ▼
 *     ─ guard page ─┬────────────────────────────────┬────────┬─────┬──────┐
 *                   │ ◄─── grows                     │ cpuid  │ tls │ 0, 0 │
 *     ──────────────┴────────────────────────────────┴────────┴─────┴──────┘
 */
import { PAGE_SIZE, STACK_BYTES, STACK_RESERVED_BYTES, THREAD_LOCAL_BYTES } from "../vmm/constants.ts";
import { ERROR_CODE } from "../vmm/error-codes.ts";
import { Rollback } from "../vmm/rollback.ts";
import { DriverError } from "./driver-error.ts";
import type { SectionInfo } from "./elf/loaded-module.ts";
import type { Platform } from "./platform.ts";
import type { Steps } from "./steps.ts";

export class Entry {
  /** one block for each CPU, one behind the other */
  readonly threadLocal: bigint;
  readonly threadLocalSize: bigint;
  /** the last byte of the stack */
  readonly stackTop: bigint;
  /** for what functions are handed by address */
  readonly #arguments: bigint;
  readonly #undo = new Rollback();
  readonly #platform: Platform;
  readonly #steps: Steps;

  constructor(platform: Platform, steps: Steps) {
    this.#platform = platform;
    this.#steps = steps;
    this.threadLocalSize = THREAD_LOCAL_BYTES * BigInt(platform.cpus);
    try {
      this.threadLocal = this.#allocate("thread-local blocks", this.threadLocalSize);
      const stackSize = 2n * STACK_BYTES;
      const stack = this.#allocate("a stack", stackSize);
      this.#arguments = this.#allocate("a page for arguments", PAGE_SIZE);
      this.stackTop = ((stack + stackSize) & ~(STACK_BYTES - 1n)) - 1n;
      const guard = this.stackTop + 1n - STACK_BYTES - PAGE_SIZE;
      steps.do("guard the stack", ERROR_CODE.BF_ERROR_UNKNOWN, () => platform.protect(guard, PAGE_SIZE, "guard"));
      this.#undo.add(() => platform.protect(guard, PAGE_SIZE, "data"));
      platform.write(this.threadLocal, new Uint8Array(Number(this.threadLocalSize)));
    } catch (error) {
      this.#undo.run();
      throw error;
    }
  }

  #allocate(what: string, size: bigint): bigint {
    const address = this.#steps.do(`allocate ${what}`, ERROR_CODE.BF_ERROR_OUT_OF_MEMORY, () => this.#platform.allocRw(size, what));
    this.#undo.add(() => this.#platform.freeRw(address, size));
    return address;
  }

  free(): void {
    this.#undo.run();
  }

  /** Calls a function of a module on the stack, as a given CPU. What it answers other than 0, or does wrong, is an error with its name. */
  execute(call: Call): void {
    const { name, entry, address, args, cpu, failure } = call;
    const context = this.stackTop + 1n - STACK_RESERVED_BYTES;
    this.#platform.write(context, words(cpu, this.threadLocal + THREAD_LOCAL_BYTES * cpu, 0n, 0n));
    const [a1, a2] = args;
    const stack = this.stackTop;
    const answer = this.#steps.do(name, failure, () => this.#platform.call(entry, [stack, address, a1 ?? 0n, a2 ?? 0n], cpu));
    if (answer !== ERROR_CODE.SUCCESS) throw new DriverError(answer, `${name}: it answered 0x${answer.toString(16)}`);
  }

  /** Places 64-bit words where a function will read them, and says where. */
  argument(...values: readonly bigint[]): bigint {
    this.#platform.write(this.#arguments, words(...values));
    return this.#arguments;
  }

  /** A word that a function has left in its argument. */
  result(): bigint {
    const bytes = this.#platform.read(this.#arguments, 8);
    return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  }

  sectionInfo(info: SectionInfo): bigint {
    const { init, fini, initArray, initArraySize, finiArray, finiArraySize, ehFrame, ehFrameSize } = info;
    return this.argument(init, fini, initArray, initArraySize, finiArray, finiArraySize, ehFrame, ehFrameSize);
  }
}

export interface Call {
  /** as messages say it: "local_init of a.so" */
  readonly name: string;
  /** address of execute_entry */
  readonly entry: bigint;
  readonly address: bigint;
  readonly args: readonly bigint[];
  readonly cpu: bigint;
  /** code for what has none of its own: an exception in the module, a function that never returns */
  readonly failure: bigint;
}

function words(...values: readonly bigint[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 8);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => void view.setBigUint64(i * 8, value, true));
  return bytes;
}
