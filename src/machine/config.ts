/**
 * What a machine is made of: the options as a program gives them, checked and completed. Whatever is impossible is refused here, before
 * anything is built, with a message that says which option, and what to do.
 */
import type { Module } from "../boot/load-options.ts";
import { MAX_MEMORY_MIB, MIN_MEMORY_MIB } from "../core/core.ts";
import { CpuModelError, cpuModel } from "../cpus/models.ts";

import type { BlockBackend } from "../devices/backends/block.ts";
import type { CpuModel } from "../spec/cpuid.ts";
import { MEMORY_POOL_BYTES } from "../vmm/constants.ts";
import { LOW_RAM_END } from "./guest-memory.ts";

/** A disk: where its bytes are, and what the guest may do with them. `new CopyOnWrite(…)` keeps what is written in memory. */
export interface Drive {
  readonly backend: BlockBackend;
  readonly readOnly?: boolean;
}

export interface MachineOptions {
  /** MiB of RAM (128) */
  readonly memory?: number;
  /** CPU model, with features added and taken away: "max,-sse42" ("max") */
  readonly cpu?: string;
  /** bytes of a bzImage, a multiboot image, a PVH or plain ELF file; without one, the machine stays at its reset vector */
  readonly kernel?: Uint8Array;
  /** the kernel's file name, which multiboot kernels find in front of their command line ("kernel") */
  readonly kernelName?: string;
  /** bytes of Linux' initial RAM disk */
  readonly initrd?: Uint8Array;
  /** what a multiboot kernel is given; without it, `initrd` is its one module */
  readonly modules?: readonly Module[];
  /** the kernel's command line */
  readonly append?: string;
  /** disks, seen by the guest as virtio block devices in this order */
  readonly drives?: readonly Drive[];
  /** a console on the PCI bus, /dev/hvc0 in Linux: the machine's fifth serial port */
  readonly virtioConsole?: boolean;
  /** port of an `isa-debug-exit` device: writing v to it ends the machine with code (v << 1) | 1 */
  readonly debugExit?: { readonly port?: number; readonly size?: number } | undefined;
  /** the devices that kvm-unit-tests talk to */
  readonly testDevice?: boolean;
  /** what the real-time clock shows at power-on (2000-01-01, so that runs are alike) */
  readonly clock?: Date;
  /** seed of everything random: RDRAND, RDSEED, the virtio entropy device (0) */
  readonly seed?: number;
  /**
   * A VMM can be loaded and started underneath the guest: the CPU has VMX, and some RAM is hidden from the guest for the VMM to live in.
   */
  readonly vmm?: boolean | VmmMachineOptions;
  /** what a reset of the machine does: start it again, or end the run ("restart") */
  readonly onReset?: "restart" | "stop";
}

export interface VmmMachineOptions {
  /** bytes at the end of RAM below 3 GiB that the VMM lives in (64 MiB) */
  readonly poolBytes?: number;
  /** the runtime that modules are linked with, an ELF shared object (the package's own) */
  readonly runtime?: Uint8Array;
  /** modules are taken that use a red zone, which interrupts would overwrite */
  readonly allowRedZone?: boolean;
}

/** The same, complete. */
export interface Config {
  readonly memoryMib: number;
  readonly cpu: CpuModel;
  readonly kernel: KernelConfig | undefined;
  readonly drives: readonly Drive[];
  readonly virtioConsole: boolean;
  readonly debugExit: { readonly port: number; readonly size: number } | undefined;
  readonly testDevice: boolean;
  readonly clock: Date;
  readonly seed: number;
  readonly restarts: boolean;
  /** bytes of RAM that the VMM has, 0 without one */
  readonly poolBytes: number;
  readonly vmm: VmmMachineOptions;
}

export interface KernelConfig {
  readonly image: Uint8Array;
  readonly name: string;
  readonly commandLine: string;
  readonly initrd: Uint8Array | undefined;
  readonly modules: readonly Module[];
}

/** An option that cannot be. */
export class ConfigError extends Error {
  readonly option: string;

  constructor(option: string, message: string) {
    super(message);
    this.option = option;
  }
}

export const DEFAULT_MEMORY_MIB = 128;
export const MAX_DRIVES = 8;
/** as QEMU's */
const DEBUG_EXIT = { port: 0xf4, size: 4 } as const;
const RTC_START = Date.UTC(2000, 0, 1);
const RTC_YEARS = [1980, 2079] as const;
const SECTOR = 512;
const MAX_COMMAND_LINE = 2047;
const MIB = 1 << 20;
const PAGE = 0x1000;
/** what is left for the guest beside a VMM */
const MIN_GUEST_MIB = 16;

export function checkOptions(o: MachineOptions): Config {
  const { memory = DEFAULT_MEMORY_MIB, drives = [], seed = 0, clock = new Date(RTC_START) } = o;
  if (!Number.isInteger(memory) || memory < MIN_MEMORY_MIB || memory > MAX_MEMORY_MIB)
    throw new ConfigError("memory", `memory of ${memory} MiB is not possible; choose from ${MIN_MEMORY_MIB} to ${MAX_MEMORY_MIB} MiB`);
  if (!Number.isSafeInteger(seed)) throw new ConfigError("seed", `the seed ${seed} is no whole number`);
  for (const [n, { backend }] of drives.entries()) checkDisk(n, backend);
  if (drives.length > MAX_DRIVES) throw new ConfigError("drives", `${drives.length} drives; there is room for ${MAX_DRIVES}`);
  const year = clock.getUTCFullYear();
  if (!(year >= RTC_YEARS[0] && year <= RTC_YEARS[1]))
    throw new ConfigError("clock", `the real-time clock cannot show ${year}; choose a year from ${RTC_YEARS.join(" to ")}`);
  return {
    memoryMib: memory,
    cpu: checkCpu(o.cpu ?? "max", needsVmx(o)),
    kernel: checkKernel(o),
    drives,
    debugExit: checkDebugExit(o.debugExit),
    virtioConsole: o.virtioConsole ?? false,
    testDevice: o.testDevice ?? false,
    clock,
    seed,
    restarts: o.onReset !== "stop",
    poolBytes: checkPool(o.vmm, memory),
    vmm: typeof o.vmm === "object" ? o.vmm : {},
  };
}

function checkDisk(n: number, { size }: BlockBackend): void {
  if (size === 0 || size % SECTOR !== 0)
    throw new ConfigError("drives", `drive ${n} has ${size} bytes; a disk has whole sectors of ${SECTOR} bytes, and at least one`);
}

function needsVmx({ vmm }: MachineOptions): boolean {
  return vmm !== undefined && vmm !== false;
}

function checkPool(vmm: MachineOptions["vmm"], memoryMib: number): number {
  if (vmm === undefined || vmm === false) return 0;
  const { poolBytes = Number(MEMORY_POOL_BYTES) } = vmm === true ? {} : vmm;
  if (!Number.isSafeInteger(poolBytes) || poolBytes < MIB || poolBytes % PAGE !== 0)
    throw new ConfigError(
      "vmm",
      `a VMM's memory pool of ${poolBytes} bytes is not possible; choose whole pages of ${PAGE} bytes, 1 MiB or more`,
    );
  const lowMib = Math.min(memoryMib, LOW_RAM_END / MIB);
  const left = lowMib - poolBytes / MIB;
  if (left < MIN_GUEST_MIB)
    throw new ConfigError(
      "vmm",
      `of ${lowMib} MiB of memory below 3 GiB, the VMM's pool of ${poolBytes / MIB} MiB leaves the guest less than ${MIN_GUEST_MIB} MiB; ` +
        "give the machine more memory, or the VMM a smaller pool",
    );
  return poolBytes;
}

function checkCpu(text: string, vmx: boolean): CpuModel {
  try {
    const model = cpuModel(text);
    return vmx && !model.features.includes("vmx") ? cpuModel(`${text},+vmx`) : model;
  } catch (error) {
    throw error instanceof CpuModelError ? new ConfigError("cpu", error.message) : error;
  }
}

function checkKernel(o: MachineOptions): KernelConfig | undefined {
  const { kernel, initrd, modules, append = "" } = o;
  if (kernel === undefined) {
    if (initrd !== undefined || modules !== undefined) throw new ConfigError("initrd", "an initrd needs a kernel that takes it");
    if (append !== "") throw new ConfigError("append", "a command line needs a kernel that takes it");
    return undefined;
  }
  if (append.length > MAX_COMMAND_LINE)
    throw new ConfigError("append", `the command line has ${append.length} characters; there is room for ${MAX_COMMAND_LINE}`);
  return {
    image: kernel,
    name: o.kernelName ?? "kernel",
    commandLine: append,
    initrd,
    modules: modules ?? (initrd === undefined ? [] : [{ bytes: initrd, commandLine: "initrd" }]),
  };
}

function checkDebugExit(given: MachineOptions["debugExit"]): Config["debugExit"] {
  if (given === undefined) return undefined;
  const { port = DEBUG_EXIT.port, size = DEBUG_EXIT.size } = given;
  if (!Number.isInteger(port) || port < 0 || port + size > 0x10000)
    throw new ConfigError("debugExit", `isa-debug-exit cannot have port 0x${port.toString(16)}; choose from 0 to 0xfffc`);
  if (size !== 1 && size !== 2 && size !== 4)
    throw new ConfigError("debugExit", `isa-debug-exit cannot have ${size} ports; choose 1, 2 or 4`);
  return { port, size };
}
