/** What a vCPU is built over: the CPU, the memory of the VMM's own, and where its exits arrive. */
import type { Memory } from "../../bus/device.ts";
import type { MapContext } from "../../vmm/mapped-pointer.ts";
import type { MemoryManager } from "../../vmm/memory-manager.ts";
import type { Intrinsics } from "./intrinsics.ts";
import type { OwnMemory } from "./own-memory.ts";

/** Exits that the CPU's simulation answers by itself, by a policy: src/core/fast-path.ts. */
export interface FastPathPolicy {
  /** Nothing is answered. */
  clear(): void;
  /** What needs no VMM is. */
  passPlain(): void;
  ask(kind: "cpuid" | "cr"): void;
  askCpuid(leaf: number): void;
  askMsrs(first: number, last: number, access: "r" | "w"): void;
}

export interface Platform {
  readonly cpu: Intrinsics;
  /** all of physical memory, the OS's and our own */
  readonly memory: Memory;
  readonly own: OwnMemory;
  readonly manager: MemoryManager;
  /** how other memory is mapped into the VMM's address space for a time; without it vmcalls have no buffers */
  readonly mapContext?: MapContext;
  /** without it every exit comes here */
  readonly fastPath?: FastPathPolicy;
  /** CR3 of the VMM's address space */
  rootTable(): bigint;
  /** RIP of the host: exits that load it are handled here */
  readonly exitEntry: bigint;
  /** RIP of the host if machine code of modules looks at exits first; it knows where to hand them over. 0 or absent: there is none */
  machineEntry?(): bigint;
  /** who handles exits; undefined: nobody any more */
  onExit(handler: (() => void) | undefined): void;
  /** a line of text to the ring and the serial port */
  log(text: string): void;
}
