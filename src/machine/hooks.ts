/**
 * Functions of an embedding program that are called at certain events inside the machine. Every `on…` returns what takes the hook out again.
 * Unused kinds cost nothing. Hooks on code make the core stop at every instruction, which is some thirty times slower.
 */
export interface Access {
  readonly address: number;
  readonly size: number;
  readonly value: number;
}

export interface Delivery {
  readonly vector: number;
  readonly errorCode: number;
  readonly type: "interrupt" | "nmi" | "exception" | "software interrupt";
}

/** A VM exit, told when the guest goes on. */
export interface VmExit {
  /** basic exit reason */
  readonly reason: number;
  readonly qualification: bigint;
  /** the guest's, where it exited */
  readonly rip: bigint;
  /** cycles of guest time from the exit to the entry */
  readonly cost: number;
  /** the core has answered it, by the VMM's policy */
  readonly fast: boolean;
}

type Remove = () => void;

interface Range<F> {
  readonly first: number;
  readonly last: number;
  readonly call: F;
}

/** Hooks of one kind that watch ranges of addresses. */
export class RangeHooks {
  #ranges: readonly Range<(access: Access) => void>[] = [];

  add(first: number, last: number, call: (access: Access) => void): Remove {
    const range = { first, last, call };
    this.#ranges = [...this.#ranges, range];
    return () => {
      this.#ranges = this.#ranges.filter((r) => r !== range);
    };
  }

  get empty(): boolean {
    return this.#ranges.length === 0;
  }

  call(address: number, size: number, value: number): void {
    for (const r of this.#ranges) if (address <= r.last && address + size > r.first) r.call({ address, size, value });
  }
}

export class Hooks {
  /** for the machine */
  readonly portReads = new RangeHooks();
  readonly portWrites = new RangeHooks();
  readonly deviceReads = new RangeHooks();
  readonly deviceWrites = new RangeHooks();
  readonly #code = new Map<bigint, Set<() => void>>();
  readonly #everywhere = new Set<(rip: bigint) => void>();
  readonly #deliveries = new Set<(delivery: Delivery) => void>();
  readonly #exits = new Set<(exit: VmExit) => void>();
  readonly #changed: () => void;

  /** `changed` is called when the first hook of a kind comes or the last one goes. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Behind an IN from any of the ports, with the value read. */
  onPortRead(first: number, last: number, call: (access: Access) => void): Remove {
    return this.portReads.add(first, last, call);
  }

  /** Before an OUT to any of the ports reaches its device. */
  onPortWrite(first: number, last: number, call: (access: Access) => void): Remove {
    return this.portWrites.add(first, last, call);
  }

  /** Behind a read from device memory, which is everything in the physical address space that is not RAM. */
  onDeviceRead(first: number, last: number, call: (access: Access) => void): Remove {
    return this.deviceReads.add(first, last, call);
  }

  onDeviceWrite(first: number, last: number, call: (access: Access) => void): Remove {
    return this.deviceWrites.add(first, last, call);
  }

  /** Before the instruction at linear address `rip` runs. */
  onCode(rip: bigint, call: () => void): Remove {
    const calls = this.#code.get(rip) ?? new Set();
    this.#code.set(rip, calls.add(call));
    this.#changed();
    return () => {
      calls.delete(call);
      if (calls.size === 0) this.#code.delete(rip);
      this.#changed();
    };
  }

  /** Before every instruction. */
  onInstruction(call: (rip: bigint) => void): Remove {
    return this.#keep(this.#everywhere, call);
  }

  /** When an interrupt or exception is about to be delivered; registers are those of the place it interrupts. */
  onDelivery(call: (delivery: Delivery) => void): Remove {
    return this.#keep(this.#deliveries, call);
  }

  /** When a guest of a VM goes on behind a VM exit. */
  onVmExit(call: (exit: VmExit) => void): Remove {
    return this.#keep(this.#exits, call);
  }

  get watchesExits(): boolean {
    return this.#exits.size > 0;
  }

  get watchesCode(): boolean {
    return this.#code.size > 0 || this.#everywhere.size > 0;
  }

  get watchesDeliveries(): boolean {
    return this.#deliveries.size > 0;
  }

  /** for the machine: an instruction is about to run */
  reached(rip: bigint): void {
    for (const call of this.#everywhere) call(rip);
    for (const call of this.#code.get(rip) ?? []) call();
  }

  /** for the machine */
  delivers(delivery: Delivery): void {
    for (const call of this.#deliveries) call(delivery);
  }

  /** for the machine */
  exited(exit: VmExit): void {
    for (const call of this.#exits) call(exit);
  }

  #keep<F>(set: Set<F>, call: F): Remove {
    set.add(call);
    this.#changed();
    return () => {
      set.delete(call);
      this.#changed();
    };
  }
}
