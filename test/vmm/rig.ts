/** A platform for the VMM's Intel classes: the CPU is a mock, the memory manager is real. */

import { OwnMemory } from "../../src/vcpu/intel_x64/own-memory.ts";
import type { Platform } from "../../src/vcpu/intel_x64/platform.ts";
import type { Faults } from "../../src/vmm/faults.ts";
import { MockIntrinsics } from "../lib/mock-intrinsics.ts";
import { type Parts, vmmParts } from "./parts.ts";

export const EXIT_ENTRY = 0xffff_f000_0abc_d000n;
export const ROOT_TABLE = 0x12_3018n;

export interface Rig {
  readonly cpu: MockIntrinsics;
  readonly parts: Parts;
  readonly own: OwnMemory;
  readonly platform: Platform;
  readonly log: string[];
  /** who handles exits */
  readonly exits: (() => void)[];
  /** bytes that the memory manager has given out */
  used(): bigint;
}

export function rig(faults?: Faults): Rig {
  const cpu = new MockIntrinsics();
  const parts = vmmParts(faults);
  const own = new OwnMemory(parts.manager, parts.fake);
  const log: string[] = [];
  const exits: (() => void)[] = [];
  const platform: Platform = {
    cpu,
    memory: parts.fake,
    own,
    manager: parts.manager,
    rootTable: () => ROOT_TABLE,
    exitEntry: EXIT_ENTRY,
    onExit(handler) {
      exits.length = 0;
      if (handler !== undefined) exits.push(handler);
    },
    log: (text) => log.push(text),
  };
  return { cpu, parts, own, platform, log, exits, used: () => parts.manager.heap.usedBytes + parts.manager.pages.usedBytes };
}
