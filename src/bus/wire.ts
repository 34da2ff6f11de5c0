/** A wire that several devices drive: it is high as long as one of them holds it high. */
import type { Line } from "./device.ts";

export class Wire {
  readonly #output: Line;
  #high = 0;

  constructor(output: Line) {
    this.#output = output;
  }

  /** What one device drives. */
  input(): Line {
    let mine = false;
    return {
      set: (level) => {
        if (level === mine) return;
        mine = level;
        this.#high += level ? 1 : -1;
        if (this.#high === (level ? 1 : 0)) this.#output.set(level);
      },
    };
  }
}
