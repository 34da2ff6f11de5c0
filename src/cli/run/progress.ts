/** How far a machine has come, on a line of the terminal that is overwritten; only where nothing else is written to the terminal. */
import type { Machine } from "../../machine/machine.ts";

const EVERY_MS = 500;
const CLEAR = "\r\x1b[K";

export class Progress {
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(machine: Machine, consoleInUse: boolean) {
    if (process.stderr.isTTY !== true || (consoleInUse && process.stdout.isTTY === true)) return;
    const started = performance.now();
    this.#timer = setInterval(() => {
      const seconds = (performance.now() - started) / 1000;
      const { instructions } = machine.pc;
      const guest = (machine.cycles / 1e9).toFixed(1);
      process.stderr.write(
        `${CLEAR}${seconds.toFixed(0)} s: ${(instructions / 1e6).toFixed(0)} million instructions, ` +
          `${(instructions / seconds / 1e6).toFixed(0)} million a second; guest clock ${guest} s`,
      );
    }, EVERY_MS);
  }

  close(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    process.stderr.write(CLEAR);
  }
}
