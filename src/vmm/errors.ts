/**
 * The kinds of errors of the VMM. What is caught by kind decides an error code (error-codes.ts), so they are classes, one for each category
 * that Bareflank tells apart.
 */

/** A precondition of the called function does not hold: the caller is wrong. */
export class ContractViolation extends Error {
  override readonly name = "ContractViolation";
}

/** Something that must never be asked for in the state that the callee is in. */
export class LogicError extends Error {
  override readonly name: string = "LogicError";
}

export class InvalidArgument extends LogicError {
  override readonly name = "InvalidArgument";
}

export class OutOfRange extends LogicError {
  override readonly name = "OutOfRange";
}

/** What was tried has failed: an instruction, a lookup. */
export class RuntimeError extends Error {
  override readonly name = "RuntimeError";
}

/** A pool is exhausted. The message says which one, and which constant to raise. */
export class BadAlloc extends Error {
  override readonly name = "BadAlloc";
}

/** The manager's own errors: what the user of its commands did wrong. */
export class GeneralException extends Error {
  override readonly name = "GeneralException";
}
