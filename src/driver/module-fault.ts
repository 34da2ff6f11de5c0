/**
 * What machine code of a VMM module can do wrong, as errors that explain themselves: where it was, in the module's own names, what it did
 * and what its registers held. SDM Vol. 3 "Exception and Interrupt Reference", "Page-Fault Exceptions".
 */
import type { Vcpu } from "../core/core.ts";
import { PF, VECTOR } from "../spec/events.ts";
import { GPR_NAMES } from "../spec/state.ts";
import { ERROR_CODE } from "../vmm/error-codes.ts";

const VECTOR_NAMES = new Map<number, string>(Object.entries(VECTOR).map(([name, vector]) => [vector, `#${name}`]));
const WITH_ERROR_CODE: ReadonlySet<number> = new Set([VECTOR.DF, VECTOR.TS, VECTOR.NP, VECTOR.SS, VECTOR.GP, VECTOR.PF, VECTOR.AC]);

export type ModuleRegisters = Readonly<Record<string, bigint>>;

/** Where an instruction is: "counter.so: count+0x12", or the bare address if no module has it. */
export interface Place {
  readonly rip: bigint;
  readonly name: string;
}

/** Knows where modules and their symbols are. */
export interface SymbolNames {
  /** "counter.so: count+0x12" */
  nameOf(address: bigint): string | undefined;
}

export function registersOf(vcpu: Vcpu): ModuleRegisters {
  const general = Object.fromEntries(GPR_NAMES.map((name) => [name, vcpu.get(name)]));
  return { ...general, rip: vcpu.get("rip"), rflags: BigInt(vcpu.rflags) };
}

/** Module code could not go on. */
export class ModuleFault extends Error {
  override readonly name: string = "ModuleFault";
  readonly place: Place;
  readonly registers: ModuleRegisters;

  constructor(what: string, place: Place, registers: ModuleRegisters) {
    super(`${what} in ${place.name}`);
    this.place = place;
    this.registers = registers;
  }
}

/** A processor exception. */
export class ModuleException extends ModuleFault {
  override readonly name = "ModuleException";
  readonly vector: number;
  readonly errorCode: number;
  /** the address whose access failed, of #PF */
  readonly address: bigint | undefined;

  constructor(vector: number, errorCode: number, address: bigint, place: Place, registers: ModuleRegisters) {
    super(exceptionText(vector, errorCode, address), place, registers);
    this.vector = vector;
    this.errorCode = errorCode;
    this.address = vector === VECTOR.PF ? address : undefined;
  }
}

/** Module code has run out of its stack. */
export class StackOverflow extends ModuleFault {
  override readonly name = "StackOverflow";
  readonly code = ERROR_CODE.ENTRY_ERROR_STACK_OVERFLOW;
  /** the address below the stack that it came to */
  readonly address: bigint;

  constructor(address: bigint, place: Place, registers: ModuleRegisters) {
    super(`stack overflow at ${hex(address)}`, place, registers);
    this.address = address;
  }
}

/** Module code has not returned in the time it was given. */
export class BudgetError extends ModuleFault {
  override readonly name = "BudgetError";
  readonly budget: bigint;

  constructor(called: string, budget: bigint, place: Place, registers: ModuleRegisters) {
    super(`${called} has not returned after ${budget} instructions; it is`, place, registers);
    this.budget = budget;
  }
}

/** A C++ exception that nobody in the module has caught. */
export class UncaughtException extends Error {
  override readonly name = "UncaughtException";
  /** the name of its type, demangled as far as we can; empty for exceptions of another language */
  readonly type: string;

  constructor(type: string, what: string) {
    super(what === "" ? `uncaught exception of type ${type}` : what);
    this.type = type;
  }
}

/** Thrown by a gate function that ends the machine code which has called it; whoever runs that makes a ModuleAbort of it. */
export class Stopped extends Error {
  override readonly name = "Stopped";
}

/** A module has called abort(), or its runtime has. */
export class ModuleAbort extends ModuleFault {
  override readonly name = "ModuleAbort";
}

function exceptionText(vector: number, errorCode: number, address: bigint): string {
  const name = VECTOR_NAMES.get(vector) ?? `vector ${vector}`;
  if (vector === VECTOR.PF) {
    const access = (errorCode & PF.I) !== 0 ? "execution" : (errorCode & PF.W) !== 0 ? "write" : "read";
    return `#PF by ${access} of ${hex(address)}, which is ${(errorCode & PF.P) !== 0 ? "not permitted" : "not mapped"},`;
  }
  return WITH_ERROR_CODE.has(vector) ? `${name}(${errorCode.toString(16)}h)` : name;
}

export function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}
