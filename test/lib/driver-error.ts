import { expect } from "vitest";
import { DriverError } from "../../src/driver/driver-error.ts";
import { type ERROR_CODE, errorName } from "../../src/vmm/error-codes.ts";

/** Runs what must fail with a documented code, and gives its message. */
export function failure(code: keyof typeof ERROR_CODE, run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    expect(errorName(error.code), error.message).toBe(code);
    return error.message;
  }
  throw new Error(`should have failed with ${code}`);
}
