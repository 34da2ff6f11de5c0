/**
 * An Intel vCPU over the real core: a program of ring 0 (test/lib/ring0.ts) is the OS, the VMM's memory stands behind the 4 MiB that the OS
 * has mapped. `state` is everything that the OS could notice of having been in a VM.
 */
import type { Memory } from "../../src/bus/device.ts";
import type { CoreHost } from "../../src/core/core.ts";
import { max } from "../../src/cpus/max.ts";
import { type GPR_NAMES, STATE } from "../../src/spec/state.ts";
import { CoreIntrinsics } from "../../src/vcpu/intel_x64/core-intrinsics.ts";
import { OwnMemory } from "../../src/vcpu/intel_x64/own-memory.ts";
import type { Platform } from "../../src/vcpu/intel_x64/platform.ts";
import { IntelVcpu } from "../../src/vcpu/intel_x64/vcpu.ts";
import type { Extension } from "../../src/vcpu/intel_x64/vm-api.ts";
import type { Faults } from "../../src/vmm/faults.ts";
import { MEMORY_TYPE, MemoryManager } from "../../src/vmm/memory-manager.ts";
import { PhysicalMemory } from "../../src/vmm/physical-memory.ts";
import { RootPageTable } from "../../src/vmm/root-page-table.ts";
import { Ring0 } from "../lib/ring0.ts";

const model = { ...max, features: [...max.features, "vmx"] };
const RAM_MIB = 16;
export const POOL = 0x80_0000;
const POOL_BYTES = 0x40_0000;
const VIRTUAL = 0xffff_f000_0000_0000n;
/** of the pool, where the page pool begins */
const PAGES = 0x10_0000n;

/** Of the vCPU's state, what is the VMM's or the interpreter's own business. */
const OWN: ReadonlySet<string> = new Set(
  "budget unused slice instructions left idle now once tlb tlbContext link stop options current blockRip blockKey ea ea2 flagR flagA flagKind".split(
    " ",
  ),
);

export class CoreRig {
  readonly ring0: Ring0;
  readonly cpu: CoreIntrinsics;
  readonly manager: MemoryManager;
  readonly platform: Platform;
  readonly vcpu: IntelVcpu;
  readonly log: string[] = [];

  constructor(host: Partial<CoreHost> = {}, faults?: Faults, extensions: readonly Extension[] = [], fast = false) {
    this.ring0 = new Ring0(host, RAM_MIB, model);
    const { core } = this.ring0;
    const memory: Memory = {
      view: (gpa, length) => (gpa >= 0 && gpa + length <= core.ramBytes ? core.ram.subarray(gpa, gpa + length) : undefined),
      write: (gpa, bytes) => {
        if (gpa < 0 || gpa + bytes.length > core.ramBytes) return false;
        core.ram.set(bytes, gpa);
        core.ramWritten(gpa, bytes.length);
        return true;
      },
    };
    this.manager = new MemoryManager({
      heapStart: VIRTUAL,
      pagesStart: VIRTUAL + PAGES,
      heapPoolBytes: PAGES,
      pagePoolBytes: BigInt(POOL_BYTES) - PAGES,
      ...(faults === undefined ? {} : { faults }),
    });
    for (let at = 0n; at < BigInt(POOL_BYTES); at += 0x1000n)
      this.manager.addMd(VIRTUAL + at, BigInt(POOL) + at, MEMORY_TYPE.R | MEMORY_TYPE.W);
    const physical = new PhysicalMemory(memory);
    const root = RootPageTable.ofVmm(physical, this.manager);
    this.cpu = new CoreIntrinsics(core, this.ring0.vcpu, faults);
    this.platform = {
      cpu: this.cpu,
      memory,
      own: new OwnMemory(this.manager, memory),
      manager: this.manager,
      mapContext: { memory: physical, manager: this.manager, root, invlpg: () => {}, clflush: () => {} },
      ...(fast ? { fastPath: core.fastPath } : {}),
      rootTable: () => root.cr3,
      exitEntry: VIRTUAL + 0xdead_0000n,
      onExit: (handler) => {
        this.ring0.vcpu.onVmExit = handler;
      },
      log: (text) => this.log.push(text),
    };
    this.vcpu = new IntelVcpu(0n, () => ({ write() {} }), this.platform, extensions);
    this.ring0.set({ options: 0 });
  }

  /** bytes that the memory manager has given out */
  get used(): bigint {
    return this.manager.heap.usedBytes + this.manager.pages.usedBytes;
  }

  /** Puts a program where the OS is, which goes on with it. */
  code(hex: string): this {
    this.ring0.code(hex);
    this.ring0.vcpu.refresh();
    return this;
  }

  start(): this {
    this.vcpu.init();
    this.vcpu.run();
    return this;
  }

  stop(): this {
    this.vcpu.hlt();
    this.vcpu.fini();
    return this;
  }

  run(budget = 1000n): number {
    return this.ring0.vcpu.run(budget);
  }

  get(register: (typeof GPR_NAMES)[number]): bigint {
    return this.ring0.vcpu.get(register);
  }

  /** every register of the OS by name, and its memory outside of the VMM's */
  state(): Readonly<Record<string, unknown>> {
    const { vcpu, core } = this.ring0;
    const state: Record<string, unknown> = { rflags: vcpu.rflags, shadow: this.cpu.interruptibility };
    for (const { name, type, count } of STATE) {
      if (OWN.has(name) || name.startsWith("vm") || name.startsWith("inhibit")) continue;
      for (let n = 0; n < (count ?? 1); n++)
        state[`${name}${count === undefined ? "" : n}`] =
          type === "v128"
            ? [...vcpu.bytesOf(name, n)].join()
            : type === "u8" || type === "u16" || type === "u32"
              ? vcpu.getNumber(name, n)
              : vcpu.get(name, n);
    }
    const bytes = core.ram;
    let sum = 0;
    for (let at = 0; at < bytes.length; at++) if (at < POOL || at >= POOL + POOL_BYTES) sum = (Math.imul(sum, 31) + bytes[at]) | 0;
    return { ...state, memory: sum };
  }
}
