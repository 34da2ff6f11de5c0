/**
 * What extensions have asked to be called for. A handler that returns undefined leaves the matter to the next one and then to what the VMM
 * does anyway. Registering returns how to take the handler away again.
 */

import type { Event } from "./events.ts";
import type { Guest } from "./guest.ts";
import type { CpuidResult } from "./intrinsics.ts";

export type Dispose = () => void;

export interface CpuidCall {
  readonly leaf: number;
  readonly subleaf: number;
  /** what the guest would get */
  readonly result: CpuidResult;
}
export type OnCpuid = (call: CpuidCall, guest: Guest) => CpuidResult | undefined;
/** the value that the guest reads */
export type OnRdmsr = (msr: number, guest: Guest) => bigint | undefined;
/** the value that is written, or "ignore" */
export type OnWrmsr = (msr: number, value: bigint, guest: Guest) => bigint | "ignore" | undefined;

export interface PortAccess {
  readonly port: number;
  readonly size: 1 | 2 | 4;
  readonly direction: "in" | "out";
  /** what OUT writes; of IN and of string instructions, 0 */
  readonly value: number;
  readonly isString: boolean;
}
/** What IN reads, or OUT writes, instead; of string instructions it has no effect. */
export type OnIo = (access: PortAccess, guest: Guest) => number | undefined;

export interface CrAccess {
  readonly register: number;
  readonly kind: "write" | "read" | "clts" | "lmsw";
  /** what MOV and LMSW write */
  readonly value: bigint;
}
/** Is told of an access; it happens afterwards. */
export type OnCr = (access: CrAccess, guest: Guest) => void;

export interface EptViolation {
  readonly guestPhysical: bigint;
  /** undefined: not by a linear address */
  readonly guestLinear: bigint | undefined;
  readonly access: "read" | "write" | "execute";
}
/** True: the cause is removed, the guest tries again. */
export type OnEptViolation = (violation: EptViolation, guest: Guest) => boolean;
/** r0 to r15; true: it was for this handler, and `registers` is the answer. */
export type OnVmcall = (registers: bigint[], guest: Guest) => boolean;
/** True: the guest does not get the exception. */
export type OnException = (event: Event, guest: Guest) => boolean;
export type OnMtf = (guest: Guest) => void;

const ANY = -1;

/** Handlers by number, those for any number behind them. */
export class HookList<F> {
  readonly #lists = new Map<number, F[]>();

  get isEmpty(): boolean {
    return this.#lists.size === 0;
  }

  add(key: number, handler: F): Dispose {
    const list = this.#lists.get(key) ?? [];
    this.#lists.set(key, [...list, handler]);
    return () => {
      const rest = (this.#lists.get(key) ?? []).filter((other) => other !== handler);
      if (rest.length > 0) this.#lists.set(key, rest);
      else this.#lists.delete(key);
    };
  }

  addForAny(handler: F): Dispose {
    return this.add(ANY, handler);
  }

  has(key: number): boolean {
    return this.#lists.has(key);
  }

  /** What the first handler returns that does not return undefined. */
  first<R>(key: number, call: (handler: F) => R | undefined): R | undefined {
    for (const list of [this.#lists.get(key), this.#lists.get(ANY)])
      if (list !== undefined)
        for (const handler of list) {
          const result = call(handler);
          if (result !== undefined) return result;
        }
    return undefined;
  }
}

interface PortRange {
  readonly from: number;
  readonly to: number;
  readonly handler: OnIo;
}
interface EptRange {
  readonly from: bigint;
  readonly to: bigint;
  readonly accesses: ReadonlySet<EptViolation["access"]>;
  readonly handler: OnEptViolation;
}

export class Hooks {
  readonly cpuid = new HookList<OnCpuid>();
  readonly rdmsr = new HookList<OnRdmsr>();
  readonly wrmsr = new HookList<OnWrmsr>();
  readonly cr = new HookList<OnCr>();
  readonly exception = new HookList<OnException>();
  readonly vmcall = new HookList<OnVmcall>();
  readonly mtf = new HookList<OnMtf>();
  /** lets the guest turn paging and protection off */
  unrestrict: (() => void) | undefined;
  readonly #ports: PortRange[] = [];
  readonly #ept: EptRange[] = [];

  addPorts(from: number, to: number, handler: OnIo): Dispose {
    return addTo(this.#ports, { from, to, handler });
  }

  hasPort(port: number): boolean {
    return this.#ports.some(({ from, to }) => port >= from && port <= to);
  }

  port(access: PortAccess, guest: Guest): number | undefined {
    const last = access.port + access.size - 1;
    for (const { from, to, handler } of this.#ports) {
      const value = last >= from && access.port <= to ? handler(access, guest) : undefined;
      if (value !== undefined) return value;
    }
    return undefined;
  }

  /** `to` is the last byte. */
  addEpt(from: bigint, to: bigint, accesses: readonly EptViolation["access"][], handler: OnEptViolation): Dispose {
    return addTo(this.#ept, { from, to, accesses: new Set(accesses), handler });
  }

  eptViolation(violation: EptViolation, guest: Guest): boolean {
    const { guestPhysical: at, access } = violation;
    return this.#ept.some((r) => at >= r.from && at <= r.to && r.accesses.has(access) && r.handler(violation, guest));
  }
}

function addTo<T>(list: T[], item: T): Dispose {
  list.push(item);
  return () => {
    const at = list.indexOf(item);
    if (at >= 0) list.splice(at, 1);
  };
}
