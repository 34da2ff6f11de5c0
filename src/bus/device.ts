/**
 * What a device is to the rest of the machine. Devices are given what they need (regions of a bus are mapped for them, interrupt lines,
 * clock and memory are handed to their constructors) and know neither the machine nor the core.
 */

/** A device's saved state: plain data only, so that a snapshot can be written anywhere. */
export type Saved = null | boolean | number | bigint | string | Uint8Array | readonly Saved[] | { readonly [field: string]: Saved };

export interface Device {
  /** as in messages and statistics: "uart0" */
  readonly name: string;
  /** state after power-on; also what a machine reset does */
  reset(): void;
  save(): Saved;
  /** Takes back what `save` gave, and arms its alarms again. */
  restore(saved: Saved): void;
}

export type AccessSize = 1 | 2 | 4;

/** What answers accesses to a range of ports or of physical memory; it sees offsets, not addresses. Values are unsigned. */
export interface Region {
  read(offset: number, size: AccessSize): number;
  write(offset: number, size: AccessSize, value: number): void;
}

/** An interrupt line, or any other wire, as its driver sees it. */
export interface Line {
  /** Sets the level, and may be called with the level it has. */
  set(level: boolean): void;
}

/** Guest-physical memory as devices see it. Nothing outside of RAM can be reached. */
export interface Memory {
  /** The bytes themselves, or undefined if not all of them are RAM. Only to be read; valid until the machine runs on. */
  view(gpa: number, length: number): Uint8Array | undefined;
  /** Writes, and tells whoever has decoded code from there; false, with nothing written, if not all of it is RAM. */
  write(gpa: number, bytes: Uint8Array): boolean;
}

/** Sends a message-signalled interrupt, a write of `data` to `address` on the bus. SDM Vol. 3 "Message Signalled Interrupts". */
export type SendMessage = (address: number, data: number) => void;
