/**
 * Runs machine code of VMM modules in the driver's context: on a second vCPU state of the core, in 64-bit mode and ring 0, with page tables,
 * segments and a stack of its own out of the memory pool. The vCPU of the OS does not change by it, and none of its time passes: the
 * service vCPU counts its own instructions, its local APIC is off and nothing interrupts it.
 *
 *     call(address, args) ──► function ──► gate: HLT; RET ──► TypeScript function ──► call(…) again if it wants to ──► …
 *                       ◄── RET to the return gate
 *
 * A HLT at a gate's address is a call of a TypeScript function: System V arguments in RDI, RSI, RDX, RCX, R8, R9, result in RAX. Exceptions
 * need no IDT: the core hands them over before it looks there (OPTION.HOST_EXCEPTIONS), so that they are seen whatever the module did to its
 * stack. What a TypeScript function throws goes to whoever called the machine code, which is then over, like the frames in between.
 *
 * Translations and the width of linear addresses are the core's, not a vCPU's: they are forgotten at every change between the two.
 */
import type { Core, Vcpu } from "../core/core.ts";
import { STOP, VECTOR } from "../spec/events.ts";
import { PAGE_SIZE, SERVICE_CALL_BUDGET, SERVICE_VCPU, STACK_BYTES } from "../vmm/constants.ts";
import { ContractViolation } from "../vmm/errors.ts";
import {
  BudgetError,
  hex,
  ModuleAbort,
  ModuleException,
  ModuleFault,
  type ModuleRegisters,
  type Place,
  registersOf,
  StackOverflow,
  Stopped,
  type SymbolNames,
} from "./module-fault.ts";
import { type PageAccess, ServicePages } from "./service-pages.ts";
import { serviceState, writeSystemPage } from "./service-state.ts";
import type { VmmMemory } from "./vmm-memory.ts";

/** What TypeScript offers to machine code: six arguments, unsigned. */
export type GateFunction = (...args: readonly bigint[]) => bigint;

export interface CallOptions {
  /** instructions after which the call counts as one that never returns */
  readonly budget?: bigint | undefined;
}

const ARGUMENTS = ["rdi", "rsi", "rdx", "rcx", "r8", "r9"] as const;
const HLT = 0xf4;
/** below the stack pointer of code that called a gate, which may have been compiled to use a red zone */
const RED_ZONE = 128n;
/** gate functions that call machine code that calls gates: more than this is a loop */
const MAX_DEPTH = 32;

export class Executor {
  readonly memory: VmmMemory;
  /** instructions that have run */
  instructions = 0n;
  readonly #core: Core;
  readonly #service: Vcpu;
  readonly #pages: ServicePages;
  readonly #gates = new Map<bigint, GateFunction>();
  readonly #names: SymbolNames;
  readonly #returnGate: bigint;
  readonly #stackTop: bigint;
  /** the service vCPU at the start of a call */
  readonly #fresh: Uint8Array;
  #depth = 0;

  /** bytes of the pool that an executor needs for itself */
  static bytesFor(poolBytes: bigint): bigint {
    return ServicePages.bytesFor(poolBytes) + 3n * PAGE_SIZE + STACK_BYTES;
  }

  /** `at`: where in the pool, at a page border, `bytesFor` bytes are free */
  constructor(core: Core, memory: VmmMemory, at: bigint, names: SymbolNames) {
    this.#core = core;
    this.memory = memory;
    this.#names = names;
    this.#service = core.vcpu(SERVICE_VCPU);
    this.#pages = new ServicePages(memory, at);
    const system = at + ServicePages.bytesFor(memory.bytes);
    this.#returnGate = system + PAGE_SIZE;
    const guard = this.#returnGate + PAGE_SIZE;
    this.#stackTop = guard + PAGE_SIZE + STACK_BYTES;
    writeSystemPage(memory, system);
    memory.zero(this.#returnGate, PAGE_SIZE);
    memory.write(this.#returnGate, Uint8Array.of(HLT));
    this.#pages.protect(this.#returnGate, PAGE_SIZE, "code");
    this.#pages.protect(guard, PAGE_SIZE, "guard");
    this.#fresh = serviceState(this.#service, { cr3: this.#pages.root, system });
    this.#leave();
  }

  /** Says what may be done with pages of the pool; at first all are data. Guard pages lie below stacks: touching one is an overflow. */
  protect(virtual: bigint, bytes: bigint, access: PageAccess): void {
    this.#pages.protect(virtual, bytes, access);
    this.#core.flushTlb();
  }

  /** Answers a HLT at this address by a function of TypeScript. */
  offer(gate: bigint, answer: GateFunction): void {
    this.#gates.set(gate, answer);
  }

  /** CR3 of the address space that machine code runs in */
  get root(): bigint {
    return this.#pages.root;
  }

  functionAt(gate: bigint): GateFunction | undefined {
    return this.#gates.get(gate);
  }

  withdraw(gate: bigint): void {
    this.#gates.delete(gate);
  }

  /** Calls a function by the System V ABI and returns what it leaves in RAX. Throws a ModuleFault, or whatever a gate function throws. */
  call(address: bigint, args: readonly bigint[] = [], { budget = SERVICE_CALL_BUDGET }: CallOptions = {}): bigint {
    if (args.length > ARGUMENTS.length) throw new ContractViolation(`a function takes ${ARGUMENTS.length} arguments, not ${args.length}`);
    if (this.#depth === MAX_DEPTH) throw this.#fault(`more than ${MAX_DEPTH} calls from machine code to TypeScript and back`);
    const service = this.#service;
    const outer = this.#depth === 0 ? undefined : service.bytes.slice();
    const top = outer === undefined ? this.#stackTop : (service.get("rsp") - RED_ZONE) & ~15n;
    if (outer === undefined) {
      service.bytes.set(this.#fresh);
      service.set("instructions", this.instructions);
    }
    this.#depth++;
    try {
      this.memory.writeU64(top - 8n, this.#returnGate);
      for (const [i, name] of ARGUMENTS.entries()) service.set(name, BigInt.asUintN(64, args[i] ?? 0n));
      service.set("rsp", top - 8n);
      service.set("rip", address);
      this.#enter();
      return this.#run(address, budget, top);
    } finally {
      this.#depth--;
      this.instructions = service.get("instructions");
      if (outer !== undefined) {
        service.bytes.set(outer);
        service.set("instructions", this.instructions);
      }
      this.#leave();
    }
  }

  /** Until the function returns to the return gate with the stack pointer that it had. */
  #run(called: bigint, budget: bigint, top: bigint): bigint {
    const service = this.#service;
    for (let left = budget; left > 0n; ) {
      const before = service.get("instructions");
      const stop = service.run(left);
      left -= service.get("instructions") - before;
      if (stop === STOP.BUDGET) continue;
      if (stop !== STOP.HALT) throw this.#stopped(stop);
      const gate = service.get("rip") - 1n;
      service.setNumber("halted", 0);
      if (gate === this.#returnGate && service.get("rsp") === top) return service.get("rax");
      this.#answer(gate);
    }
    throw new BudgetError(this.#place(called).name, budget, this.#place(service.get("rip")), this.#registers());
  }

  #answer(gate: bigint): void {
    const service = this.#service;
    const answer = this.#gates.get(gate);
    if (answer === undefined)
      throw this.#fault(gate === this.#returnGate ? "return with a stack pointer that is not the caller's" : "HLT", gate);
    const args = ARGUMENTS.map((name) => service.get(name));
    this.#leave();
    try {
      service.set("rax", BigInt.asUintN(64, answer(...args)));
    } catch (error) {
      // a call may be the last instruction of its function
      if (error instanceof Stopped) throw new ModuleAbort(error.message, this.#place(this.#caller - 1n), this.#registers());
      throw error;
    }
    this.#enter();
  }

  /** return address of the gate that is being answered */
  get #caller(): bigint {
    return this.memory.readU64(this.#service.get("rsp"));
  }

  #stopped(stop: number): ModuleFault {
    const service = this.#service;
    if (stop !== STOP.EXCEPTION)
      return this.#fault(stop === STOP.UNIMPLEMENTED ? "something that the core does not implement" : `stop ${stop}`);
    const vector = service.getNumber("vector");
    const address = service.get("cr2");
    const place = this.#place(service.get("rip"));
    if (vector === VECTOR.PF && this.#pages.isGuard(address)) return new StackOverflow(address, place, this.#registers());
    return new ModuleException(vector, service.getNumber("errorCode"), address, place, this.#registers());
  }

  #fault(what: string, rip = this.#service.get("rip")): ModuleFault {
    return new ModuleFault(what, this.#place(rip), this.#registers());
  }

  #place(rip: bigint): Place {
    return { rip, name: this.#names.nameOf(rip) ?? hex(rip) };
  }

  #registers(): ModuleRegisters {
    return registersOf(this.#service);
  }

  #enter(): void {
    this.#core.flushTlb();
    this.#service.refresh();
  }

  /** Back to the OS. Its state is not what `refresh` makes of it, but bit by bit what it was: PDPTE registers are loaded only by the OS. */
  #leave(): void {
    this.#core.flushTlb();
    const os = this.#core.vcpu(0);
    const bytes = os.bytes.slice();
    os.refresh();
    os.bytes.set(bytes);
  }
}
