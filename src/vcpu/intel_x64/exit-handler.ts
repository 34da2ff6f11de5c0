/**
 * What happens on a VM exit: the handler of its reason, and then the guest goes on, leaves the VM, or, if nobody knows what to do, the CPU
 * stops with everything said that is known. Nothing that goes wrong in here escapes: the caller is the CPU. SDM Vol. 3 "VMX Basic Exit
 * Reasons".
 */
import { EXIT_REASON, exitReasonName } from "../../spec/exits.ts";
import { ERROR_CODE } from "../../vmm/error-codes.ts";
import { RuntimeError } from "../../vmm/errors.ts";
import { guard } from "../../vmm/guard.ts";
import type { MapContext } from "../../vmm/mapped-pointer.ts";
import { CACHE_EXITS } from "./exits/cache.ts";
import { CONTROL_REGISTER_EXITS } from "./exits/control-register.ts";
import { CPUID_EXITS } from "./exits/cpuid.ts";
import { EPT_EXITS } from "./exits/ept.ts";
import { EXCEPTION_EXITS } from "./exits/exception.ts";
import type { ExitFunction, ExitTable } from "./exits/exit.ts";
import { MSR_EXITS } from "./exits/msr.ts";
import { PORT_EXITS } from "./exits/port.ts";
import { VMX_EXITS } from "./exits/vmx.ts";
import { WINDOW_EXITS } from "./exits/window.ts";
import { XSETBV_EXITS } from "./exits/xsetbv.ts";
import { Guest } from "./guest.ts";
import { GuestMemory } from "./guest-memory.ts";
import { Hooks } from "./hooks.ts";
import type { Platform } from "./platform.ts";
import { SAVED_REGISTERS, type StateSave } from "./state-save.ts";
import { type Buffers, handleVmcall } from "./vmcall.ts";
import type { Vmcs } from "./vmcs.ts";
import { VmcsFields } from "./vmcs-fields.ts";
import { encodingOf } from "./vmx.ts";

const BASIC = 0xffff;
const FAILED_ENTRY = 0x8000_0000;
const REASONS = 1 + Math.max(...Object.values(EXIT_REASON));
const REASON_FIELD = encodingOf("exitReason");
/** the guest's 17 registers, without what the VMM keeps behind them */
const DUMPED = SAVED_REGISTERS.slice(0, 17);

const TABLE: ExitTable = {
  ...CPUID_EXITS,
  ...MSR_EXITS,
  ...CACHE_EXITS,
  ...VMX_EXITS,
  ...XSETBV_EXITS,
  ...PORT_EXITS,
  ...CONTROL_REGISTER_EXITS,
  ...EXCEPTION_EXITS,
  ...EPT_EXITS,
  ...WINDOW_EXITS,
};

export interface ExitHandlerOptions {
  readonly platform: Platform;
  readonly vmcs: Pick<Vmcs, "resume" | "promote" | "explain">;
  readonly save: StateSave;
  readonly vcpuId: bigint;
  /** to map buffers of vmcalls */
  readonly mapContext?: MapContext;
}

export class ExitHandler {
  readonly hooks = new Hooks();
  readonly guest: Guest;
  readonly #platform: Platform;
  readonly #vmcs: ExitHandlerOptions["vmcs"];
  readonly #save: StateSave;
  readonly #vcpuId: bigint;
  readonly #guestMemory: Buffers;
  readonly #ownMemory: Buffers;
  readonly #functions: (ExitFunction | undefined)[];
  readonly #promotions = new Set<(guest: Guest) => void>();
  readonly #counts = new Float64Array(REASONS);

  constructor({ platform, vmcs, save, vcpuId, mapContext }: ExitHandlerOptions) {
    this.#platform = platform;
    this.#vmcs = vmcs;
    this.#save = save;
    this.#vcpuId = vcpuId;
    const fields = new VmcsFields(platform.cpu, (text) => platform.log(text));
    this.#guestMemory = mapContext === undefined ? UNREACHABLE : new GuestMemory(fields, mapContext);
    this.guest = new Guest(platform.cpu, save, fields, this.#guestMemory);
    this.#ownMemory = {
      read: (address, length) => platform.own.physical.read(platform.manager.virtToPhys(address), length),
      write: (address, bytes) => platform.own.physical.write(platform.manager.virtToPhys(address), bytes),
    };
    this.#functions = Array.from({ length: REASONS }, (_, reason) => TABLE[reason]);
    this.#functions[EXIT_REASON.VMCALL] = () => {
      this.#vmcall();
      return "resume";
    };
  }

  /** how often each reason came here, by its name; what the core answers by itself does not come */
  exitStats(): Readonly<Record<string, number>> {
    const counted = [...this.#counts].map((count, reason) => [exitReasonName(reason), count] as const);
    return Object.fromEntries(counted.filter(([, count]) => count > 0));
  }

  /** A VM exit has arrived. */
  dispatch(): void {
    const failed = guard(
      ERROR_CODE.ENTRY_ERROR_UNKNOWN,
      (line) => this.#platform.log(line),
      () => this.#handle(),
    );
    if (failed !== ERROR_CODE.SUCCESS) this.halt();
  }

  /** What waits to be injected goes into the next entry, if the guest can take it. */
  settle(): void {
    const { events } = this.guest;
    events.settle();
    if (events.wantsStep) this.guest.step(() => {});
  }

  /** The CPU stops for ever, with the guest's registers in the log. */
  halt(): void {
    const { log, cpu } = this.#platform;
    log(`vCPU 0x${this.#vcpuId.toString(16)} halts; its guest's registers:`);
    for (const name of DUMPED) log(`  ${name.padEnd(4)} 0x${this.#save.get(name).toString(16)}`);
    cpu.stop();
  }

  #handle(): void {
    const reason = this.#platform.cpu.vmread32(REASON_FIELD);
    const basic = reason & BASIC;
    if (basic < REASONS) this.#counts[basic]++;
    const handler = this.#functions[basic];
    const outcome = handler === undefined || reason >= FAILED_ENTRY ? "unhandled" : handler(this.guest, this.hooks);
    if (outcome === "unhandled") this.#unhandled(reason);
    else if (outcome === "promote") this.promote();
    else {
      this.settle();
      this.#vmcs.resume();
    }
  }

  /** Called before the OS leaves the VM. */
  addPromotion(handler: (guest: Guest) => void): () => void {
    this.#promotions.add(handler);
    return () => this.#promotions.delete(handler);
  }

  /** The OS leaves the VM. */
  promote(): void {
    this.guest.settleSteps();
    for (const handler of this.#promotions) handler(this.guest);
    this.#vmcs.promote();
  }

  #unhandled(reason: number): void {
    const { log } = this.#platform;
    const { guest } = this;
    log(`VM exit that nobody handles: ${exitReasonName(reason)} (0x${(reason >>> 0).toString(16)})`);
    for (const field of DETAILS) log(`  ${field.padEnd(32)} 0x${guest.fields.getIfExists(field).toString(16)}`);
    if (reason >= FAILED_ENTRY) this.#vmcs.explain();
    this.halt();
  }

  #vmcall(): void {
    const { guest } = this;
    const buffers = guest.isDriversCall ? this.#ownMemory : this.#guestMemory;
    const context = { buffers, log: (text: string) => this.#platform.log(text) };
    handleVmcall(this.#save, context, (r) => this.hooks.vmcall.first(0, (handler) => handler(r, guest) || undefined) === true);
    guest.advance();
  }
}

const DETAILS = [
  "exitQualification",
  "vmExitInterruptionInformation",
  "vmExitInterruptionErrorCode",
  "idtVectoringInformation",
  "vmExitInstructionLength",
  "vmExitInstructionInformation",
  "guestLinearAddress",
  "guestPhysicalAddress",
  "guestRip",
] as const;

const UNREACHABLE: Buffers = {
  read: () => {
    throw new RuntimeError("this VMM has no way to map the guest's memory");
  },
  write: () => {
    throw new RuntimeError("this VMM has no way to map the guest's memory");
  },
};
