/**
 * What the demonstration shows of the VMM: while the bundled operating system works, modules are loaded into memory that it does not know
 * of, the VMM starts underneath it, and leaves it again. A second machine, the same but for the VMM, says what the system would have been.
 */
import { createHash } from "node:crypto";
import { exitsText } from "../../debug/inspect/exits-text.ts";
import type { Machine } from "../../machine/machine.ts";
import { REGISTER_NAMES } from "../../machine/registers.ts";

/** what the system prints when the VMM starts, when its state is looked at, and when the VMM stops */
const MOMENTS = {
  start: "# Some work for the processor.\r\n",
  compare: "# Is there a hypervisor underneath?\r\n",
  stop: "# What is left.\r\n",
} as const;
type Moment = keyof typeof MOMENTS;

export interface TourModule {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Calls `act` at each moment, between two instructions of the guest. */
function atMoments(machine: Machine, act: (moment: Moment) => void): void {
  for (const [moment, text] of Object.entries(MOMENTS) as [Moment, string][]) {
    const unwatch = machine.serial.watch(text, () => {
      unwatch();
      machine.atBoundary(() => act(moment));
    });
  }
}

/** The system's registers, and a digest of its memory. */
function stateOf(machine: Machine): string {
  const { registers, pc } = machine;
  // CR4.VMXE is the VMM's while it is there
  const values = REGISTER_NAMES.filter((name) => name !== "cr4").map((name) => `${name} ${registers[name]}`);
  const memory = createHash("sha256").update(machine.readPhysical(0, pc.pool.start)).digest("hex");
  return [...values, `cycle ${machine.cycles}`, `memory ${memory}`].join("\n");
}

export class VmmTour {
  readonly #print: (text: string) => void;
  readonly #modules: readonly TourModule[];
  #seen = "";

  constructor(machine: Machine, modules: readonly TourModule[], print: (text: string) => void) {
    this.#print = print;
    this.#modules = modules;
    atMoments(machine, (moment) => this.#act(machine, moment));
  }

  #act(machine: Machine, moment: Moment): void {
    const { vmm, serial } = machine;
    // what the system has printed comes first
    serial.flush();
    if (moment === "start") {
      for (const { name, bytes } of this.#modules) vmm.addModule(name, bytes);
      vmm.load();
      vmm.start();
      const names = ["runtime.so", ...this.#modules.map(({ name }) => name)].join(", ");
      this.#say(`vmm load ${names}; vmm start: ${vmm.dump().trim().split("\n").at(-1)}`);
    } else if (moment === "compare") this.#seen = stateOf(machine);
    else {
      this.#say(exitsText(machine.pc.core.exitStats()));
      vmm.stop();
      vmm.unload();
      this.#say(`vmm stop; vmm unload: ${vmm.status()}`);
    }
  }

  #say(text: string): void {
    this.#print(text.replace(/^/gm, "| "));
  }

  /** Runs the other machine, and says whether the system in the VM was what it is there. */
  async compare(other: Machine): Promise<string> {
    let there = "";
    atMoments(other, (moment) => {
      if (moment === "compare") there = stateOf(other);
    });
    await other.run({ until: MOMENTS.stop });
    const mib = other.pc.pool.start / (1 << 20);
    if (this.#seen === "") return "";
    if (this.#seen === there)
      return `in the VM the system was what it is without: all registers and ${mib} MiB of memory, in the same cycle`;
    return `in the VM the system was NOT what it is without: ${different(this.#seen, there)}`;
  }
}

function different(here: string, there: string): string {
  const lines = there.split("\n");
  return here
    .split("\n")
    .filter((line, i) => line !== lines[i])
    .join(", ");
}
