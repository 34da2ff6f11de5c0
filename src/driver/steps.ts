/**
 * A step of a driver verb: something of the platform that can fail. A failure becomes the step's documented code, with what went wrong as
 * its message; and a test can make every step fail by its name.
 */
import type { Faults } from "../vmm/faults.ts";
import { DriverError } from "./driver-error.ts";

export class Steps {
  readonly #faults: Faults;

  constructor(faults: Faults) {
    this.#faults = faults;
  }

  do<T>(name: string, code: bigint, run: () => T): T {
    if (this.#faults.fails(name)) throw new DriverError(code, `${name}: made to fail`);
    try {
      return run();
    } catch (error) {
      if (error instanceof DriverError) throw error;
      throw new DriverError(codeOf(error) ?? code, `${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
}

/** Some errors of module code have a code of their own, such as that of a stack overflow. */
function codeOf(error: unknown): bigint | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "bigint" ? error.code : undefined;
}
