import { errorName } from "../vmm/error-codes.ts";

/** What a driver verb or the ELF loader fails with: the documented code, and a message that says which module, what and where. */
export class DriverError extends Error {
  override readonly name = "DriverError";
  /** an ERROR_CODE, or whatever module code has returned */
  readonly code: bigint;

  constructor(code: bigint, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** As it is printed: the code's name, then what happened. */
  get report(): string {
    return `${errorName(this.code)}: ${this.message}`;
  }
}
