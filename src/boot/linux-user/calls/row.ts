/**
 * A system call as a row: number, name, parameters, handler. The parameter words say how an argument is passed to the handler and shown in
 * the trace; handlers get numbers, or strings for paths.
 */
import { type ErrnoName, fail } from "../errno.ts";
import type { Kernel } from "../kernel.ts";
import type { Process, Wait } from "../process.ts";

/** How a parameter is decoded from its register. */
export const PARAMETER = {
  /** signed 32 bits */
  int: "signed 32",
  fd: "signed 32",
  /** unsigned 32 bits, shown in hexadecimal or octal */
  flags: "unsigned 32",
  mode: "unsigned 32",
  uint: "unsigned 32",
  signal: "signed 32",
  /** 64 bits: an address or a size (unsigned), an offset (signed) */
  pointer: "unsigned 64",
  size: "unsigned 64",
  offset: "signed 64",
  /** pointer to bytes whose number is the next argument; the handler gets the address */
  data: "unsigned 64",
  /** pointer to a path; the handler gets the string */
  path: "path",
} as const;

export type Parameter = keyof typeof PARAMETER;

/** undefined: RAX stays as the handler left it (rt_sigreturn, execve, exit) */
export type Result = number | Wait | undefined;

type Words<S extends string> = S extends `${infer W} ${infer R}` ? [W, ...Words<R>] : S extends "" ? [] : [S];
type Values<W extends readonly string[]> = { [I in keyof W]: W[I] extends "path" ? string : number };

export interface CallContext {
  readonly kernel: Kernel;
  readonly process: Process;
  /** on a further attempt: what the last one returned */
  readonly waited?: Wait;
}

type Handler<S extends string> = (context: CallContext, ...args: Values<Words<S>>) => Result;

export interface SystemCall {
  readonly number: number;
  readonly name: string;
  readonly parameters: readonly Parameter[];
  readonly handler: (context: CallContext, ...args: never[]) => Result;
}

/** Checks at compile time that the words are known. */
type Known<S extends string> = Words<S>[number] extends Parameter ? S : never;

export function row<const S extends string>(number: number, name: string, parameters: Known<S>, handler: Handler<S>): SystemCall {
  return {
    number,
    name,
    parameters: parameters === "" ? [] : (parameters.split(" ") as Parameter[]),
    handler: handler as unknown as SystemCall["handler"],
  };
}

/** A call that is known and always fails in the same way. */
export function refused(number: number, name: string, errno: ErrnoName): SystemCall {
  return { number, name, parameters: [], handler: () => fail(errno) };
}
