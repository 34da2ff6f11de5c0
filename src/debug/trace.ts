/** `-d in_asm,exec,int,syscall`: what happens in a program, as lines. Tracing instructions runs them one at a time, and slowly. */
import type { Observer } from "../boot/linux-user/kernel.ts";
import { signalName } from "../boot/linux-user/signals.ts";
import type { UserMemory } from "../boot/linux-user/user-memory.ts";
import { VECTOR } from "../spec/events.ts";
import { disassemble } from "./disassemble.ts";
import type { TraceItem } from "./trace-items.ts";

const MAX_INSTRUCTION = 15;
const VECTOR_NAMES: ReadonlyMap<number, string> = new Map(Object.entries(VECTOR).map(([name, number]) => [number, `#${name}`]));

export function traceObserver(items: ReadonlySet<TraceItem>, print: (line: string) => void): Observer {
  const observer: Observer = {};
  if (items.has("int"))
    observer.exception = (process, vector, errorCode, signal) => {
      const address = signal.address === undefined ? "" : ` address 0x${signal.address.toString(16)}`;
      const name = VECTOR_NAMES.get(vector) ?? `vector ${vector}`;
      print(`${process.pid} int: ${name} error code 0x${errorCode.toString(16)}${address} → ${signalName(signal.signo)}`);
    };
  if (items.has("syscall"))
    observer.systemCall = (process, name, text, result) => {
      print(`${process.pid} ${name}(${text}) = ${result}`);
    };
  const instructions = items.has("in_asm") || items.has("exec") ? new InstructionTrace(items, print) : undefined;
  if (instructions !== undefined) observer.instruction = (process, cpu) => instructions.next(process.pid, process.memory, cpu.get("rip"));
  return observer;
}

class InstructionTrace {
  readonly #print: (line: string) => void;
  readonly #showsCode: boolean;
  readonly #showsRuns: boolean;
  /** length of the instructions seen so far */
  readonly #seen = new Map<bigint, number>();
  #expected = -1n;

  constructor(items: ReadonlySet<TraceItem>, print: (line: string) => void) {
    this.#print = print;
    this.#showsCode = items.has("in_asm");
    this.#showsRuns = items.has("exec");
  }

  next(pid: number, memory: UserMemory, rip: bigint): void {
    if (this.#showsRuns && rip !== this.#expected) this.#print(`${pid} exec: 0x${rip.toString(16)}`);
    let length = this.#seen.get(rip);
    if (length === undefined) {
      length = this.#show(pid, memory, rip);
      this.#seen.set(rip, length);
    }
    this.#expected = rip + BigInt(length);
  }

  #show(pid: number, memory: UserMemory, rip: bigint): number {
    const code = fetch(memory, Number(rip));
    if (code.length === 0) return 0;
    const { length, text } = disassemble(code, 0, { mode: 64, address: rip });
    if (this.#showsCode) this.#print(`${pid} in_asm: 0x${rip.toString(16)}: ${text}`);
    return length;
  }
}

/** As many bytes of an instruction as can be read. */
function fetch(memory: UserMemory, address: number): Uint8Array {
  for (const length of [MAX_INSTRUCTION, 4096 - (address % 4096)])
    try {
      return memory.read(address, length);
    } catch {
      // the next page may not be there
    }
  return new Uint8Array(0);
}
