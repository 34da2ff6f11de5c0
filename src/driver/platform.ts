/** How module code may use a page. */
export type Access = "code" | "data" | "read-only" | "guard";

/**
 * What the driver needs of the machine that it runs in. Addresses are virtual ones of the VMM's address space. Whatever fails throws: a
 * BadAlloc that names the constant to raise, a ModuleFault with vector and symbol; the driver turns it into the code of the failed step
 * and keeps the message.
 */
export interface Platform {
  /** Page-aligned memory for data; its content is what was there. Messages say what it was for. */
  allocRw(size: bigint, what: string): bigint;
  /** The same for the images of modules. */
  allocRwe(size: bigint, what: string): bigint;
  /** The driver has made data of its pages again. */
  freeRw(address: bigint, size: bigint): void;
  freeRwe(address: bigint, size: bigint): void;
  virtToPhys(address: bigint): bigint;
  /** Says how module code may access pages. At first all memory is data; touching a guard is a stack overflow. */
  protect(address: bigint, size: bigint, access: Access): void;

  /** A copy of memory that was allocated here. */
  read(address: bigint, length: number): Uint8Array;
  write(address: bigint, bytes: Uint8Array): void;

  /** how many CPUs the OS runs on */
  readonly cpus: number;
  /** Moves the caller to a CPU; what it answers is handed to `restoreAffinity`, a negative number is an error code. */
  setAffinity(cpu: bigint): bigint;
  restoreAffinity(previous: bigint): void;
  /** The VMM now runs underneath this CPU. */
  started(cpu: bigint): void;
  /** It no longer does. */
  stopped(cpu: bigint): void;

  /** VMCALL with all registers; answers change them. */
  vmcall(registers: VmcallRegisters): void;
  /** The short form, for events: only r2 is carried. */
  vmcallEvent(registers: VmcallRegisters): void;

  /** Calls a function of a module by the System V ABI, with up to six arguments; gives RAX. */
  call(address: bigint, args: readonly bigint[], cpu: bigint): bigint;

  /**
   * The modules are gone. What they had allocated and registered outside of their images (heap, descriptors, debug rings, unwind tables)
   * goes as well, as it would if the memory manager had been part of an image.
   */
  forget(): void;

  /** A line for whoever runs the driver. */
  log(line: string): void;
}

/** r0 to r15 as their digits say. CPU registers by number: `vmcall` of the platform. */
export type VmcallRegisters = BigUint64Array;
export const VMCALL_REGISTERS = 16;
