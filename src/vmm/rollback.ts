/**
 * Undo, written next to do: each step that succeeds adds what takes it back, and a failure runs these in reverse. What fails while undoing
 * does not keep the rest from being undone; the first error is the one that is told.
 */
export class Rollback {
  readonly #undo: (() => void)[] = [];

  add(undo: () => void): void {
    this.#undo.push(undo);
  }

  /** Takes everything back, the last step first. */
  run(failed: (error: unknown) => void = () => {}): void {
    for (const undo of this.#undo.splice(0).reverse())
      try {
        undo();
      } catch (error) {
        failed(error);
      }
  }
}

/** Runs `steps`; if it throws, what it has added is undone before the error goes on. */
export function withRollback<T>(steps: (rollback: Rollback) => T): T {
  const rollback = new Rollback();
  try {
    return steps(rollback);
  } catch (error) {
    rollback.run();
    throw error;
  }
}
