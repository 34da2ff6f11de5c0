/** What the host gives the core. All but `raised` are called from inside an instruction, with the time in `State.now` (clock.ts, `stamp`). */

/** Throws the one value that unwinds the core's frames; the state says what was raised. */
export declare function raised(): void;

export declare function portIn(port: u32, size: u32): u32;
export declare function portOut(port: u32, size: u32, value: u32): void;

/** An access to guest-physical memory that is not RAM, 1, 2, 4 or 8 bytes; the data stand in the bounce buffer. */
export declare function mmioRead(gpa: f64, size: u32): void;
export declare function mmioWrite(gpa: f64, size: u32): void;

/** Interrupt acknowledge cycle: the 8259 says which vector. */
export declare function intAck(): u32;

/** The local APIC broadcasts the end of a level-triggered interrupt, for I/O APICs. */
export declare function eoi(vector: u32): void;

/** A guest goes on after a VM exit; only with OPTION_TRACE_EXITS. `cost`: cycles since then; `fast`: the fast path has answered it. */
export declare function exited(reason: u32, qualification: u64, rip: u64, cost: f64, fast: u32): void;

/** An event is about to be delivered, RIP is at what it interrupts; only with OPTION_TRACE. `type` is an EVENT. */
export declare function delivers(vector: u32, type: u32, errorCode: u32): void;
