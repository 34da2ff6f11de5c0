/** A host in VMX root operation, in 64-bit mode or 32-bit code, for tests of the VMX instructions themselves. */
import { max } from "../../src/cpus/max.ts";
import { fieldOffset } from "../../src/spec/print/vmx.ts";
import { CODE, type Outcome, Ring0, SELECTOR } from "./ring0.ts";
import { VMCS, VMXON_REGION } from "./vmx.ts";

/** operands in memory: [rsi] */
export const OPERAND = 0x3_8000;
const SUCCESS_OR_FAILURE = 0x8d5;
const REVISION = 1n;
const DIRECTORY = 0x6_8000;

/** Instructions with their operands in [rsi], or RAX and RDX. */
export const VMX_CODE = {
  vmxon: "F3 0F C7 36",
  vmxoff: "0F 01 C4",
  vmclear: "66 0F C7 36",
  vmptrld: "0F C7 36",
  vmptrst: "0F C7 3E",
  /** vmread rax, rdx */
  vmread: "0F 78 D0",
  /** vmwrite rdx, rax */
  vmwrite: "0F 79 D0",
  vmlaunch: "0F 01 C2",
  vmresume: "0F 01 C3",
  vmcall: "0F 01 C1",
  /** invept rax, [rsi] */
  invept: "66 0F 38 80 06",
  invvpid: "66 0F 38 81 06",
} as const;
export type VmxInstruction = keyof typeof VMX_CODE;

/** RFLAGS after an instruction: all six cleared, CF alone, ZF alone. SDM Vol. 3 "VMX Instruction Reference", "Conventions" */
export const SUCCEEDED = 0;
export const FAIL_INVALID = 0x1;
export const FAIL_VALID = 0x40;

export class VmxRoot {
  readonly ring0: Ring0;

  constructor(model = max) {
    this.ring0 = new Ring0(undefined, undefined, model);
    this.ring0.set({ cr4: 0x2620n, rsi: BigInt(OPERAND) });
    this.ring0.write(VMXON_REGION, REVISION).write(VMCS, REVISION);
  }

  /** VMXON. */
  on(): this {
    this.#must("vmxon", VMXON_REGION);
    return this;
  }

  /** VMXON, VMCLEAR, VMPTRLD. */
  withVmcs(): this {
    this.on().#must("vmclear", VMCS);
    this.#must("vmptrld", VMCS);
    return this;
  }

  /** Runs an instruction with the operand at [rsi]; the arithmetic flags are all set before. */
  run(instruction: VmxInstruction, operand?: bigint | number): Outcome {
    if (operand !== undefined) this.ring0.write(OPERAND, BigInt(operand));
    return this.code(VMX_CODE[instruction]);
  }

  /** Runs code until an UD2 or an exception. */
  code(hex: string): Outcome {
    this.ring0.vcpu.rflags |= SUCCESS_OR_FAILURE;
    this.ring0.set({ rip: BigInt(CODE) });
    return this.ring0.run(hex);
  }

  /** How it ended: the flags, or the exception with its error code. */
  result(instruction: VmxInstruction, operand?: bigint | number): number | string {
    return this.told(this.run(instruction, operand));
  }

  told(outcome: Outcome): number | string {
    return outcome.vector === undefined ? this.flags : `${outcome.vector}(${outcome.errorCode})`;
  }

  get flags(): number {
    return this.ring0.vcpu.rflags & SUCCESS_OR_FAILURE;
  }

  /** The VM-instruction error of the current VMCS. */
  get error(): number {
    return Number(this.ring0.read(VMCS + fieldOffset("vmInstructionError")));
  }

  /** VMREAD of an encoding into RAX, which was 1122334455667788H. */
  read(encoding: number | bigint): { readonly flags: number | string; readonly value: bigint } {
    this.ring0.set({ rdx: BigInt(encoding), rax: 0x1122_3344_5566_7788n });
    return { flags: this.told(this.code(VMX_CODE.vmread)), value: this.ring0.vcpu.get("rax") };
  }

  write(encoding: number | bigint, value: bigint): number | string {
    this.ring0.set({ rdx: BigInt(encoding), rax: value });
    return this.told(this.code(VMX_CODE.vmwrite));
  }

  /** From now on as 32-bit code with a page directory that maps 4 MiB to themselves, outside IA-32e mode. */
  in32(): this {
    this.ring0.write(DIRECTORY, 0xe7n).core.flushTlb();
    this.ring0.set({ cr3: BigInt(DIRECTORY), cr4: 0x2010n, efer: 0n, mode: 1, cs: SELECTOR.CODE32, csRights: 0xc09b });
    return this;
  }

  /** From now on as 32-bit code of IA-32e mode. */
  inCompatibilityMode(): this {
    this.ring0.set({ mode: 1, cs: SELECTOR.CODE32, csRights: 0xc09b });
    return this;
  }

  #must(instruction: VmxInstruction, operand: number): void {
    if (this.result(instruction, operand) !== SUCCEEDED) throw new Error(`VMX set-up: ${instruction} failed`);
  }
}
