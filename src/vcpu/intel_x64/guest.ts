/**
 * The guest as a handler of an exit sees it: why it exited, its registers, what becomes of it. One for each vCPU; valid while an exit is
 * being handled. Registers stand in the state-save page, everything else in the current VMCS.
 */
import { GPR_NAMES } from "../../spec/state.ts";
import { combine, type Event, EventQueue, eventOf, generalProtection, invalidOpcode } from "./events.ts";
import { writeMsr } from "./guest-msrs.ts";
import { CpuFault, type Intrinsics } from "./intrinsics.ts";
import type { StateSave } from "./state-save.ts";
import type { Buffers } from "./vmcall.ts";
import type { VmcsFields } from "./vmcs-fields.ts";
import { encodingOf } from "./vmx.ts";

const REASON = encodingOf("exitReason");
const QUALIFICATION = encodingOf("exitQualification");
const INSTRUCTION_LENGTH = encodingOf("vmExitInstructionLength");
const CS_RIGHTS = encodingOf("guestCsAccessRights");
const SS_RIGHTS = encodingOf("guestSsAccessRights");
const VECTORING = encodingOf("idtVectoringInformation");
const VECTORING_CODE = encodingOf("idtVectoringErrorCode");
const INTERRUPTION = encodingOf("vmExitInterruptionInformation");
const INTERRUPTION_CODE = encodingOf("vmExitInterruptionErrorCode");
const INTERRUPTIBILITY = encodingOf("guestInterruptibilityState");
const RFLAGS_FIELD = encodingOf("guestRflags");

const TF = 1 << 8;
const BY_STI = 1;
const BY_MOV_SS = 2;
const RIGHTS_L = 1 << 13;

export class Guest {
  readonly cpu: Intrinsics;
  readonly save: StateSave;
  readonly fields: VmcsFields;
  readonly events: EventQueue;
  /** by the guest's own virtual addresses */
  readonly memory: Buffers;
  readonly #whenStepped: (() => void)[] = [];

  constructor(cpu: Intrinsics, save: StateSave, fields: VmcsFields, memory: Buffers) {
    this.cpu = cpu;
    this.save = save;
    this.fields = fields;
    this.memory = memory;
    this.events = new EventQueue(cpu, fields);
  }

  /** with the bit that tells a failed entry */
  get reason(): number {
    return this.cpu.vmread32(REASON);
  }

  get qualification(): bigint {
    return this.cpu.vmread(QUALIFICATION) ?? 0n;
  }

  get instructionLength(): number {
    return this.cpu.vmread32(INSTRUCTION_LENGTH);
  }

  /** The exit was caused by the driver for the OS at an instruction boundary, not by an instruction of the OS. */
  get isDriversCall(): boolean {
    return this.instructionLength === 0;
  }

  get cpl(): number {
    return (this.cpu.vmread32(SS_RIGHTS) >>> 5) & 3;
  }

  get isIn64BitCode(): boolean {
    return (this.cpu.vmread32(CS_RIGHTS) & RIGHTS_L) !== 0;
  }

  /** a general-purpose register by its number in instructions and exit qualifications */
  gpr(number: number): bigint {
    return this.save.get(GPR_NAMES[number]);
  }

  setGpr(number: number, value: bigint): void {
    this.save.set(GPR_NAMES[number], value);
  }

  get rip(): bigint {
    return this.save.get("rip");
  }

  set rip(value: bigint) {
    this.save.set("rip", value);
  }

  /** The first bytes of the instruction that has exited; 0 where its page ends, or cannot be read. */
  readCode(length: number): Uint8Array {
    const room = 0x1000 - Number(this.rip & 0xfffn);
    const bytes = new Uint8Array(length);
    try {
      bytes.set(this.memory.read(this.rip, Math.min(length, room)));
      if (room < length) bytes.set(this.memory.read(this.rip + BigInt(room), length - room), room);
    } catch {
      // what the CPU has fetched from there can have been unmapped since
    }
    return bytes;
  }

  /** As WRMSR of the guest would; throws a CpuFault where that raises #GP. */
  writeMsr(msr: number, value: bigint): void {
    writeMsr(this, msr, value);
  }

  /** The instruction has been done: RIP goes behind it. */
  advance(): void {
    this.cpu.advanceRip();
  }

  raiseGeneralProtection(): void {
    this.events.injectNow(generalProtection());
  }

  raiseInvalidOpcode(): void {
    this.events.injectNow(invalidOpcode());
  }

  /** Does the instruction's work and goes behind it; where the CPU would raise, the guest gets the exception. */
  execute(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof CpuFault)) throw error;
      this.events.injectNow({ type: 3, vector: error.vector, errorCode: error.errorCode });
      return;
    }
    this.advance();
  }

  /** As `advance` for an instruction that was done here though it has not exited by itself: what it would have ended ends. */
  endShadow(): void {
    this.cpu.vmwrite32(INTERRUPTIBILITY, this.cpu.vmread32(INTERRUPTIBILITY) & ~(BY_STI | BY_MOV_SS));
  }

  /** What was being delivered when the guest exited. */
  get vectoring(): Event | undefined {
    const { cpu } = this;
    return eventOf(cpu.vmread32(VECTORING), cpu.vmread32(VECTORING_CODE), this.instructionLength);
  }

  /** The exception or interrupt that is the exit's cause. */
  get interruption(): Event | undefined {
    const { cpu } = this;
    return eventOf(cpu.vmread32(INTERRUPTION), cpu.vmread32(INTERRUPTION_CODE), this.instructionLength);
  }

  /** After the cause of an exit during the delivery of an event was removed: the event is delivered again. */
  redeliver(): void {
    const event = this.vectoring;
    if (event !== undefined) this.events.injectNow(event);
  }

  /** The guest gets its exception; with one that was being delivered it may become a double fault. False: a triple fault. */
  reflect(event: Event): boolean {
    const first = this.vectoring;
    const result = first === undefined ? event : combine(first, event);
    if (result === undefined) return false;
    this.events.injectNow(result);
    return true;
  }

  /**
   * Lets one instruction run, with whatever was taken out of its way, and then calls `restore`. No interrupt comes between if that can be had:
   * blocking by MOV SS keeps it off, but where a single step is due it would take that away.
   */
  step(restore: () => void): void {
    this.#whenStepped.push(restore);
    this.fields.enable("primary.monitorTrapFlag");
    const blocked = this.cpu.vmread32(INTERRUPTIBILITY);
    const isStepping = (this.cpu.vmread32(RFLAGS_FIELD) & TF) !== 0;
    if (!isStepping && (blocked & BY_STI) === 0) this.cpu.vmwrite32(INTERRUPTIBILITY, blocked | BY_MOV_SS);
  }

  /** The monitor trap flag has fired: what `step` promised. */
  stepped(): void {
    this.fields.disable("primary.monitorTrapFlag");
    for (const restore of this.#whenStepped.splice(0)) restore();
  }

  /** The OS leaves the VM with nothing half done. */
  settleSteps(): void {
    if (this.#whenStepped.length > 0) this.stepped();
  }
}
