/** What TypeScript offers to modules, by name: its shared object, and its connection to an executor while that is loaded. */
import type { Executor, GateFunction } from "./executor.ts";
import { gateModule } from "./gate-module.ts";

export class Gates {
  /** to be loaded like any other module */
  readonly image: Uint8Array;
  readonly #functions: readonly { readonly offset: bigint; readonly answer: GateFunction }[];

  constructor(functions: Readonly<Record<string, GateFunction>>) {
    const { image, offsets } = gateModule(Object.keys(functions));
    this.image = image;
    this.#functions = Object.entries(functions).map(([name, answer]) => ({ offset: BigInt(offsets.get(name) ?? 0), answer }));
  }

  /** The shared object has been loaded at `base`. */
  connect(executor: Executor, base: bigint): void {
    for (const { offset, answer } of this.#functions) executor.offer(base + offset, answer);
  }

  /** Before its memory is used for something else. */
  disconnect(executor: Executor, base: bigint): void {
    for (const { offset } of this.#functions) executor.withdraw(base + offset);
  }
}
