/**
 * What stands at every entry into the VMM: no exception leaves it. The caller is machine code or the driver and gets an error code; the
 * message is printed for people.
 */
import { ERROR_CODE } from "./error-codes.ts";
import { BadAlloc } from "./errors.ts";

/** Takes one line of text. */
export type Print = (line: string) => void;

const RULE = "-".repeat(80);

/** Success if `f` returns, the bad-alloc code if memory ran out, else `code`. */
export function guard(code: bigint, print: Print, f: () => void): bigint {
  try {
    f();
    return ERROR_CODE.SUCCESS;
  } catch (error) {
    if (error instanceof BadAlloc) {
      print(error.message);
      return ERROR_CODE.BFBADALLOC;
    }
    if (error instanceof Error) banner(print, "Standard Exception Caught", error.message);
    else banner(print, "Unknown Exception Caught");
    return code;
  }
}

/** Three lines that stand out in a log, and what there is to say. */
export function banner(print: Print, title: string, message?: string): void {
  for (const line of [RULE, `- ${title.padEnd(RULE.length - 4)} -`, RULE]) print(line);
  if (message !== undefined) print(message);
}
