/** Runs cases on the core by compiled code: the block at RIP is written as WebAssembly and run, the interpreter does what it left. */
import type { StopReason, Vcpu } from "../../src/core/core.ts";
import { CoreTarget, interpret } from "./core.ts";

export class EmittedTarget extends CoreTarget {
  override readonly name: string = "compiled";
  /** by case, in the order they ran: whether compiled code retired the instruction */
  readonly compiled: boolean[];

  constructor() {
    const compiled: boolean[] = [];
    super(0, (vcpu: Vcpu): StopReason => {
      compiled.push(vcpu.runEmittedBlock() > 0);
      return interpret(vcpu);
    });
    this.compiled = compiled;
  }
}
