/**
 * The manager's command line: words in, a command out. What cannot be understood is an error that says which word; options that are not
 * known are skipped, since they may be meant for somebody else.
 */
import { GeneralException, InvalidArgument } from "../../vmm/errors.ts";

export type VmcallCommand =
  | { readonly kind: "versions"; readonly index: bigint }
  | { readonly kind: "registers"; readonly values: readonly bigint[] }
  | { readonly kind: "string"; readonly format: "unformatted" | "json"; readonly text: string }
  | { readonly kind: "data"; readonly input: string; readonly output: string }
  | { readonly kind: "event"; readonly index: bigint }
  | { readonly kind: "unittest"; readonly index: bigint };

export type Action =
  | { readonly verb: "help" | "unload" | "start" | "stop" | "dump" | "status" }
  | { readonly verb: "load"; readonly files: readonly string[] }
  | { readonly verb: "vmcall"; readonly call: VmcallCommand };

export type Command = Action & { readonly cpuId: bigint; readonly vcpuId: bigint };

export const HELP = `usage: vmm COMMAND [--cpuid N] [--vcpuid N]

  load FILE…                         add the modules that a list names, {"modules": ["a.so", …]}, or modules themselves, and load them
  unload                             unload the VMM; stop it before
  start                              start the VMM underneath the OS
  stop                               stop it; the OS goes on without
  dump                               print the debug ring of a vCPU (--vcpuid, in hex)
  status                             print the state of the VMM
  vmcall versions N                  ask the VMM for a version: 0 of the protocol, 1 of the VMM, 10 of the user
  vmcall registers R2 … R15          send registers, in hex, and print those that come back
  vmcall string unformatted|json S   send a string
  vmcall data unformatted IN OUT     send a file, and write what comes back to another
  vmcall event N                     send an event, in hex
  vmcall unittest N                  run a unit test of the VMM, in hex
  help                               print this

--cpuid says which CPU a vmcall is made from, --vcpuid which vCPU dump is about; both are in hex.`;

/** r2 to r15 */
const MOST_REGISTERS = 14;
const IDS = ["--cpuid", "--vcpuid"] as const;

export function parseCommand(args: readonly string[]): Command {
  const help: Command = { verb: "help", cpuId: 0n, vcpuId: 0n };
  if (args.includes("-h") || args.includes("--help")) return help;
  const { words, ids } = wordsOf(args);
  const [verb, ...rest] = words;
  if (verb === undefined) return help;
  return { ...actionOf(verb, rest), cpuId: ids["--cpuid"] ?? 0n, vcpuId: ids["--vcpuid"] ?? 0n };
}

/** The words that are no options, and the ids that options give. A last option without a value is as if it were not there. */
function wordsOf(args: readonly string[]): { words: readonly string[]; ids: Partial<Record<string, bigint>> } {
  const words: string[] = [];
  const ids: Partial<Record<string, bigint>> = {};
  for (let i = 0; i < args.length; i++) {
    const word = args[i].trim();
    const value = args[i + 1];
    if (IDS.some((id) => id === word)) {
      if (value !== undefined) ids[word] = hexadecimal(value, word);
      i++;
    } else if (word !== "" && !word.startsWith("-")) words.push(args[i]);
  }
  return { words, ids };
}

function actionOf(verb: string, words: readonly string[]): Action {
  switch (verb) {
    case "load":
      required(words[0], "load: missing argument: a module list, or modules");
      return { verb, files: words };
    case "help":
    case "unload":
    case "start":
    case "stop":
    case "dump":
    case "status":
      return { verb };
    case "vmcall":
      return { verb, call: vmcallOf(words) };
    default:
      throw new GeneralException(`unknown command: ${verb}`);
  }
}

function vmcallOf([kind, ...words]: readonly string[]): VmcallCommand {
  switch (required(kind, "vmcall: missing argument: versions, registers, string, data, event or unittest")) {
    case "versions":
      return { kind: "versions", index: decimal(required(words[0], "vmcall versions: missing argument: which version"), "versions") };
    case "registers":
      return { kind: "registers", values: registersOf(words) };
    case "string":
      return stringOf(words);
    case "data":
      return dataOf(words);
    case "event":
      return { kind: "event", index: hexadecimal(required(words[0], "vmcall event: missing argument: which event"), "event") };
    case "unittest":
      return { kind: "unittest", index: hexadecimal(required(words[0], "vmcall unittest: missing argument: which test"), "unittest") };
    default:
      throw new GeneralException(`unknown vmcall: ${kind}`);
  }
}

function registersOf(words: readonly string[]): readonly bigint[] {
  required(words[0], "vmcall registers: missing argument: values of r2 and those behind it");
  if (words.length > MOST_REGISTERS) throw new GeneralException(`vmcall registers: ${words.length} values; there are r2 to r15`);
  return words.map((word) => hexadecimal(word, "registers"));
}

function stringOf([format, text]: readonly string[]): VmcallCommand {
  required(format, "vmcall string: missing argument: unformatted or json");
  if (format !== "unformatted" && format !== "json") throw new GeneralException(`unknown vmcall string type: ${format}`);
  const given = required(text, `vmcall string ${format}: missing argument: the string`);
  return { kind: "string", format, text: format === "json" ? normalised(given) : given };
}

function normalised(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json));
  } catch (error) {
    throw new InvalidArgument(`vmcall string json: ${json} is no JSON: ${(error as Error).message}`);
  }
}

function dataOf([format, input, output]: readonly string[]): VmcallCommand {
  required(format, "vmcall data: missing argument: unformatted");
  if (format !== "unformatted") throw new GeneralException(`unknown vmcall data type: ${format}`);
  return {
    kind: "data",
    input: required(input, "vmcall data: missing argument: the file to send"),
    output: required(output, "vmcall data: missing argument: the file to write"),
  };
}

function required(word: string | undefined, problem: string): string {
  if (word === undefined) throw new GeneralException(problem);
  return word;
}

function decimal(word: string, what: string): bigint {
  if (!/^\d+$/.test(word)) throw new InvalidArgument(`${what}: ${word} is no decimal number`);
  return fitting(BigInt(word), word);
}

function hexadecimal(word: string, what: string): bigint {
  const digits = word.replace(/^0x/i, "");
  if (!/^[0-9a-f]+$/i.test(digits)) throw new InvalidArgument(`${what}: ${word} is no hexadecimal number`);
  return fitting(BigInt(`0x${digits}`), word);
}

function fitting(value: bigint, word: string): bigint {
  if (value >= 1n << 64n) throw new InvalidArgument(`${word} has more than 64 bits`);
  return value;
}
