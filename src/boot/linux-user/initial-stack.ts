/**
 * What a program finds on its stack: psABI "Initial Process Stack".
 *
 *     top    8 zero bytes, path of the program, environment strings, argument strings
 *            "x86_64", 16 random bytes, padding
 *            auxiliary vector: pairs of type and value, ended by AT_NULL
 *            0, pointers to the environment strings
 *            0, pointers to the argument strings
 *     rsp →  number of arguments
 */
import { STACK_SIZE, STACK_TOP } from "./address-space.ts";
import { fail } from "./errno.ts";
import { PAGE } from "./frames.ts";
import type { Identity } from "./host.ts";
import { concatenate, type UserMemory } from "./user-memory.ts";

export interface StackContents {
  readonly args: readonly Uint8Array[];
  readonly environment: readonly Uint8Array[];
  readonly path: Uint8Array;
  readonly entry: number;
  readonly headers: number;
  readonly headerCount: number;
  readonly loaderBase: number;
  readonly identity: Identity;
  readonly random: (into: Uint8Array) => void;
}

const AT = {
  NULL: 0,
  PHDR: 3,
  PHENT: 4,
  PHNUM: 5,
  PAGESZ: 6,
  BASE: 7,
  FLAGS: 8,
  ENTRY: 9,
  UID: 11,
  EUID: 12,
  GID: 13,
  EGID: 14,
  PLATFORM: 15,
  HWCAP: 16,
  CLKTCK: 17,
  SECURE: 23,
  RANDOM: 25,
  HWCAP2: 26,
  EXECFN: 31,
  MINSIGSTKSZ: 51,
} as const;

const PROGRAM_HEADER_SIZE = 56;
/** CPUID.1:EDX of any x86-64: FPU … SSE2 */
const HWCAP = 0x078b_fbff;
/** smallest stack a signal frame fits on */
const MIN_SIGNAL_STACK = 1376;
/** argument and environment strings may take a quarter of the stack */
const MAX_STRINGS = STACK_SIZE / 4;

/** Writes it all and returns the stack pointer. */
export function buildStack(memory: UserMemory, c: StackContents): number {
  let sp = STACK_TOP - 8;
  const push = (bytes: Uint8Array) => {
    sp -= bytes.length;
    memory.write(sp, bytes);
    return sp;
  };
  const pushStrings = (strings: readonly Uint8Array[]) => {
    const bytes = concatenate(strings.flatMap((s) => [s, new Uint8Array(1)]));
    if (bytes.length + strings.length * 8 > MAX_STRINGS) fail("E2BIG");
    let at = push(bytes);
    return strings.map((s) => {
      at += s.length + 1;
      return at - s.length - 1;
    });
  };
  const [path] = pushStrings([c.path]);
  const environment = pushStrings(c.environment);
  const args = pushStrings(c.args);
  const [platform] = pushStrings([new TextEncoder().encode("x86_64")]);
  const seed = new Uint8Array(16);
  c.random(seed);
  const random = push(seed);
  const auxiliary: [number, number][] = [
    [AT.HWCAP, HWCAP],
    [AT.PAGESZ, PAGE],
    [AT.CLKTCK, 100],
    [AT.PHDR, c.headers],
    [AT.PHENT, PROGRAM_HEADER_SIZE],
    [AT.PHNUM, c.headerCount],
    [AT.BASE, c.loaderBase],
    [AT.FLAGS, 0],
    [AT.ENTRY, c.entry],
    [AT.UID, c.identity.uid],
    [AT.EUID, c.identity.uid],
    [AT.GID, c.identity.gid],
    [AT.EGID, c.identity.gid],
    [AT.SECURE, 0],
    [AT.RANDOM, random],
    [AT.HWCAP2, 0],
    [AT.EXECFN, path],
    [AT.PLATFORM, platform],
    [AT.MINSIGSTKSZ, MIN_SIGNAL_STACK],
    [AT.NULL, 0],
  ];
  const words = [args.length, ...args, 0, ...environment, 0, ...auxiliary.flat()];
  sp = Math.floor((sp - words.length * 8) / 16) * 16;
  memory.write(sp, new Uint8Array(new BigUint64Array(words.map(BigInt)).buffer));
  return sp;
}
