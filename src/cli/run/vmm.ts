/**
 * The VMM of a machine on the command line: loaded when the machine is switched on, started and stopped at the moments that the options name.
 * What goes wrong is told, the guest goes on, and the process's exit status says it at the end.
 */
import { DriverError } from "../../driver/driver-error.ts";
import type { Machine } from "../../machine/machine.ts";
import type { Moment, VmmSettings } from "./options.ts";

export interface VmmModule {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export class VmmSession {
  readonly #machine: Machine;
  readonly #settings: VmmSettings;
  readonly #modules: readonly VmmModule[];
  readonly #say: (line: string) => void;
  #failed = false;
  #undo: (() => void)[] = [];

  constructor(machine: Machine, settings: VmmSettings, modules: readonly VmmModule[], say: (line: string) => void) {
    this.#machine = machine;
    this.#settings = settings;
    this.#modules = modules;
    this.#say = say;
  }

  /** whether a verb has failed */
  get failed(): boolean {
    return this.#failed;
  }

  /** Loads, and arms the moments; again whenever the machine is reset. Returns what ends that. */
  open(): () => void {
    const offs = [
      this.#machine.on("reset", () => this.#begin()),
      this.#machine.on("vmm", (text) => {
        this.#failed = true;
        this.#say(`the VMM has stopped, and the guest goes on without it:\n${text.trimEnd()}`);
      }),
    ];
    this.#begin();
    return () => {
      for (const off of offs) off();
      this.#disarm();
    };
  }

  #begin(): void {
    this.#disarm();
    const loaded = this.#try("load", () => {
      const { vmm } = this.#machine;
      for (const { name, bytes } of this.#modules) vmm.addModule(name, bytes);
      vmm.load();
    });
    if (!loaded) return;
    this.#when(this.#settings.start, () => this.#try("start", () => this.#machine.vmm.start()));
    this.#when(this.#settings.stop, () => this.#try("stop", () => this.#machine.vmm.stop()));
  }

  #when({ text, cycle }: Moment, act: () => void): void {
    const { serial, pc } = this.#machine;
    const once = () => this.#machine.atBoundary(act);
    if (cycle !== undefined) {
      const alarm = pc.clock.at(cycle, once);
      this.#undo.push(() => alarm.cancel());
    } else if (text !== undefined) {
      const unwatch = serial.watch(text, () => {
        unwatch();
        once();
      });
      this.#undo.push(unwatch);
    }
  }

  #try(verb: string, act: () => void): boolean {
    try {
      act();
      return true;
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      this.#failed = true;
      this.#say(`vmm ${verb} failed: ${error.report}`);
      return false;
    }
  }

  #disarm(): void {
    for (const undo of this.#undo) undo();
    this.#undo = [];
  }
}
