/**
 * Events that the VMM gives to the guest: injected by the next entry, or as soon as the guest can take them. One event fits into an entry, so
 * others wait in order; an interrupt waits for an interrupt window, an NMI, which has no window without virtual NMIs, steps through what
 * blocks it. SDM Vol. 3 "Event Injection".
 */
import { EVENT, VECTOR } from "../../spec/events.ts";
import { RFLAGS } from "../../spec/registers.ts";
import type { Intrinsics } from "./intrinsics.ts";
import type { VmcsFields } from "./vmcs-fields.ts";
import { encodingOf } from "./vmx.ts";

export interface Event {
  /** of EVENT in src/spec/events.ts */
  readonly type: number;
  readonly vector: number;
  readonly errorCode?: number;
  /** of the instruction, for software interrupts and exceptions: RIP goes behind it */
  readonly length?: number;
}

const VALID = 0x8000_0000;
const HAS_CODE = 1 << 11;
const BY_STI_OR_MOV_SS = 3;
const BY_MOV_SS = 2;
const BY_NMI = 8;

const INFORMATION = encodingOf("vmEntryInterruptionInformation");
const ERROR_CODE = encodingOf("vmEntryExceptionErrorCode");
const LENGTH = encodingOf("vmEntryInstructionLength");
const INTERRUPTIBILITY = encodingOf("guestInterruptibilityState");
const GUEST_RFLAGS = encodingOf("guestRflags");
const CODED: readonly number[] = [VECTOR.DF, VECTOR.TS, VECTOR.NP, VECTOR.SS, VECTOR.GP, VECTOR.PF, VECTOR.AC];

export const generalProtection = (): Event => ({ type: EVENT.EXCEPTION, vector: VECTOR.GP, errorCode: 0 });
export const invalidOpcode = (): Event => ({ type: EVENT.EXCEPTION, vector: VECTOR.UD });

/** An event as a VMCS tells it: interruption information, error code, length. Undefined if none is valid. */
export function eventOf(information: number, errorCode: number, length: number): Event | undefined {
  if ((information & VALID) === 0) return undefined;
  const type = (information >>> 8) & 7;
  return {
    type,
    vector: information & 0xff,
    ...((information & HAS_CODE) !== 0 ? { errorCode } : {}),
    ...(type === EVENT.SOFTWARE_INTERRUPT || type === EVENT.PRIVILEGED_EXCEPTION || type === EVENT.SOFTWARE_EXCEPTION ? { length } : {}),
  };
}

const CONTRIBUTORY: readonly number[] = [VECTOR.DE, VECTOR.TS, VECTOR.NP, VECTOR.SS, VECTOR.GP];

/**
 * What becomes of an exception that came about while another event was delivered. SDM Vol. 3 "Interrupt 8—Double Fault Exception (#DF)";
 * undefined: a triple fault.
 */
export function combine(first: Event, second: Event): Event | undefined {
  if (first.type !== EVENT.EXCEPTION) return second;
  if (first.vector === VECTOR.DF) return undefined;
  const isContributory = ({ vector }: Event) => CONTRIBUTORY.includes(vector);
  const isDouble =
    (isContributory(first) && isContributory(second)) ||
    (first.vector === VECTOR.PF && (second.vector === VECTOR.PF || isContributory(second)));
  return isDouble ? { type: EVENT.EXCEPTION, vector: VECTOR.DF, errorCode: 0 } : second;
}

export class EventQueue {
  readonly #cpu: Intrinsics;
  readonly #fields: VmcsFields;
  readonly #waiting: Event[] = [];
  #opensWindow = false;

  constructor(cpu: Intrinsics, fields: VmcsFields) {
    this.#cpu = cpu;
    this.#fields = fields;
  }

  get waiting(): readonly Event[] {
    return this.#waiting;
  }

  /** An NMI waits for what blocks it to end: the guest is to be stepped until then. */
  get wantsStep(): boolean {
    return this.#waiting[0]?.type === EVENT.NMI;
  }

  /** Into the next entry, before anything that waits: what an instruction raises, or what was under way. */
  injectNow(event: Event): void {
    const cpu = this.#cpu;
    const coded = event.errorCode !== undefined || (event.type === EVENT.EXCEPTION && CODED.includes(event.vector));
    cpu.vmwrite32(ERROR_CODE, event.errorCode ?? 0);
    cpu.vmwrite32(LENGTH, event.length ?? 0);
    cpu.vmwrite32(INFORMATION, (VALID | (coded ? HAS_CODE : 0) | (event.type << 8) | event.vector) >>> 0);
  }

  inject(event: Event): void {
    this.#waiting.push(event);
  }

  /** At the end of an exit's handling: the first event that waits goes into the entry if the guest can take it. */
  settle(): void {
    const next = this.#waiting[0];
    if (next !== undefined && !this.#isTaken() && this.#canTake(next)) {
      this.#waiting.shift();
      this.injectNow(next);
    }
    this.#setWindow(this.#waiting[0]?.type === EVENT.EXTERNAL);
  }

  #setWindow(open: boolean): void {
    if (open === this.#opensWindow) return;
    if (open) this.#fields.enable("primary.interruptWindowExiting");
    else this.#fields.disable("primary.interruptWindowExiting");
    this.#opensWindow = open;
  }

  #isTaken(): boolean {
    return (this.#cpu.vmread32(INFORMATION) & VALID) !== 0;
  }

  #canTake({ type }: Event): boolean {
    const blocked = this.#cpu.vmread32(INTERRUPTIBILITY);
    if (type === EVENT.NMI) return (blocked & (BY_NMI | BY_MOV_SS)) === 0;
    if (type !== EVENT.EXTERNAL) return true;
    return (blocked & BY_STI_OR_MOV_SS) === 0 && (this.#cpu.vmread32(GUEST_RFLAGS) & RFLAGS.IF) !== 0;
  }
}
