/** A machine with a VMM beside it that can go under its guest at any instruction, and what the guest has said. */
import { readFileSync } from "node:fs";
import { Vmm } from "../../src/driver/vmm.ts";
import type { MachineOptions } from "../../src/machine/config.ts";
import { Machine } from "../../src/machine/machine.ts";
import type { Stop } from "../../src/machine/stop.ts";

const module = new WebAssembly.Module(readFileSync("build/core.wasm"));
const runtime = new Uint8Array(readFileSync("src/modules/runtime/runtime.so"));

/** everything that a guest can know of itself, and that must not depend on whether a VMM came and went */
export interface Course {
  readonly text: string;
  readonly instructions: bigint;
  readonly cycles: number;
}

/** at user level; in the kernel with interrupts off; waiting in HLT */
export const MOMENTS = ["user", "interrupts off", "idle"] as const;
export type Moment = (typeof MOMENTS)[number];

const RFLAGS_IF = 0x200;
/** instructions */
const PATIENCE = 1_500_000_000n;

/** The same numbers for the same seed, from 0 up to, but not, 1. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
}

export class VmmMachine {
  readonly machine: Machine;
  readonly vmm: Vmm;
  text = "";
  /** what the VMM has printed */
  log = "";

  static async create(options: MachineOptions): Promise<VmmMachine> {
    return new VmmMachine(await Machine.create({ ...options, module, vmm: true }));
  }

  constructor(machine: Machine) {
    this.machine = machine;
    const { core, memory, pool } = machine.pc;
    this.vmm = new Vmm({
      core,
      memory,
      pool: { physical: BigInt(pool.start), bytes: BigInt(pool.length) },
      runtime,
      serial: (text) => {
        this.log += text;
      },
    });
    machine.on("serial", (bytes) => {
      this.text += Buffer.from(bytes).toString("latin1");
    });
  }

  run(instructions: number): Promise<Stop> {
    return this.machine.run({ instructions });
  }

  /** Runs on to a moment of this kind, looking every few instructions; false: it does not come. */
  async runTo(moment: Moment, step: () => number): Promise<boolean> {
    const { machine } = this;
    const { vcpu } = machine.pc;
    const end = vcpu.get("instructions") + PATIENCE;
    while (vcpu.get("instructions") < end && machine.ended === undefined) {
      if (moment === "idle") await machine.run({ instructions: Number(PATIENCE), idle: () => void machine.stop() });
      else await this.run(step());
      const isUser = vcpu.getNumber("cpl") === 3;
      const mayInterrupt = (vcpu.rflags & RFLAGS_IF) !== 0;
      const isIdle = vcpu.getNumber("halted") !== 0;
      if (moment === "idle" ? isIdle : moment === "user" ? isUser : !isUser && !isIdle && !mayInterrupt) return true;
    }
    return false;
  }

  course(): Course {
    return { text: this.text, instructions: this.machine.pc.vcpu.get("instructions"), cycles: this.machine.cycles };
  }
}
