/**
 * A machine on this terminal: its serial ports and its monitor are connected to where the options say, it runs, pauses and goes on, and when
 * it is over, whatever the cause, everything is put back.
 */
import type { Machine, RunOptions } from "../../machine/machine.ts";
import type { Output } from "../../machine/output.ts";
import type { Stop } from "../../machine/stop.ts";
import { OutputFile } from "../output-file.ts";
import { Monitor } from "./monitor.ts";
import type { Destination, RunSettings } from "./options.ts";
import { Progress } from "./progress.ts";
import { Terminal } from "./terminal.ts";

export interface Ending {
  readonly stop: Stop;
  /** what outside of the guest ended it: the time limit, or a signal by its number */
  readonly cause?: "timeout" | number;
}

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

export class Session {
  readonly #machine: Machine;
  readonly #settings: RunSettings;
  readonly #monitor: Monitor;
  readonly #terminal: Terminal;
  readonly #undo: (() => void)[] = [];
  /** whom the terminal's input is for */
  #focus: "serial" | "monitor";
  readonly #consoleIndex: number;
  #inputEnded = false;
  #paused: boolean;
  #quit = false;
  /** the guest waits for what cannot come */
  #halted = false;
  #cause: Ending["cause"];
  #resume: () => void = () => {};

  constructor(machine: Machine, settings: RunSettings) {
    this.#machine = machine;
    this.#settings = settings;
    this.#paused = settings.frozen;
    this.#consoleIndex = settings.serial.findIndex((to) => to.kind === "stdio");
    this.#focus = this.#consoleIndex < 0 ? "monitor" : "serial";
    const session = this;
    this.#terminal = new Terminal(process.stdin, {
      input: (bytes) => this.#input(bytes),
      quit: () => this.#end(),
      toggle: () => this.#toggle(),
      ended: () => this.#noMoreInput(),
      print: (text) => this.#print(text),
    });
    this.#monitor = new Monitor(
      machine,
      {
        get running() {
          return !session.#paused;
        },
        stop: () => this.#pause(),
        cont: () => this.#continue(),
        quit: () => this.#end(),
      },
      (text) => this.#print(this.#terminal.isTerminal ? text.replaceAll("\n", "\r\n") : text),
    );
  }

  async run(): Promise<Ending> {
    try {
      this.#connect();
      return await this.#untilOver();
    } finally {
      for (const undo of this.#undo.reverse()) undo();
    }
  }

  async #untilOver(): Promise<Ending> {
    const machine = this.#machine;
    const lastInstruction = this.#settings.maxInstructions;
    for (;;) {
      if (this.#paused && !this.#quit) await new Promise<void>((resolve) => (this.#resume = resolve));
      const stop: Stop = this.#quit
        ? { reason: "stopped" }
        : await machine.run({
            idle: (nanoseconds, woken) => this.#idle(nanoseconds, woken),
            ...(lastInstruction === undefined ? {} : { instructions: lastInstruction - machine.pc.instructions }),
          });
      const over = this.#quit || stop.reason !== "stopped";
      if (this.#halted && !this.#quit) return { stop: { reason: "halted" } };
      if (over) return this.#cause === undefined ? { stop } : { stop, cause: this.#cause };
    }
  }

  #connect(): void {
    const { serial, debugcon, monitor, timeoutSeconds } = this.#settings;
    const usesTerminal = this.#consoleIndex >= 0 || monitor;
    for (const [n, to] of serial.entries()) this.#send(this.#machine.serialPorts[n], to, "-serial");
    this.#send(this.#machine.debugConsole, debugcon, "-debugcon");
    for (const [name, number] of Object.entries(SIGNALS)) this.#onSignal(name, number);
    if (timeoutSeconds !== undefined) {
      const timer = setTimeout(() => this.#end("timeout"), Math.min(timeoutSeconds * 1000, 2 ** 31 - 1));
      this.#undo.push(() => clearTimeout(timer));
    }
    const progress = new Progress(this.#machine, usesTerminal);
    this.#undo.push(() => progress.close());
    if (usesTerminal) {
      this.#terminal.open();
      this.#undo.push(() => this.#terminal.close());
    } else this.#inputEnded = true;
    if (this.#focus === "monitor" && monitor) this.#monitor.open();
  }

  #onSignal(name: string, number: number): void {
    const listener = () => this.#end(number);
    process.on(name, listener);
    this.#undo.push(() => process.off(name, listener));
  }

  #send(output: Output, to: Destination, option: string): void {
    if (to.kind === "stdio") output.onOutput((bytes) => this.#write(bytes));
    else if (to.kind === "file") {
      const file = new OutputFile(`${option} file:${to.path}`, to.path);
      output.onOutput((bytes) => file.write(bytes));
      this.#undo.push(() => file.close());
    }
  }

  #write(bytes: Uint8Array): void {
    process.stdout.write(bytes);
  }

  #print(text: string): void {
    process.stdout.write(text);
  }

  #input(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#focus === "serial") return this.#machine.serialPorts[this.#consoleIndex].write(bytes);
    if (this.#settings.monitor || this.#terminal.isTerminal) this.#monitor.input(bytes, this.#terminal.isTerminal ? "echo" : "quiet");
    return undefined;
  }

  #toggle(): void {
    if (this.#consoleIndex < 0) return;
    this.#focus = this.#focus === "serial" ? "monitor" : "serial";
    if (this.#focus === "monitor") this.#print("\r\n");
    if (this.#focus === "monitor") this.#monitor.open();
    else this.#print("\r\n");
  }

  #noMoreInput(): void {
    this.#inputEnded = true;
    // nobody is left who could let it go on
    if (this.#paused) this.#end();
    this.#wakeIdle();
  }

  #pause(): void {
    this.#paused = true;
    this.#machine.stop();
  }

  #continue(): void {
    this.#paused = false;
    this.#resume();
  }

  #end(cause?: Ending["cause"]): void {
    if (this.#quit) return;
    this.#quit = true;
    if (cause !== undefined) this.#cause = cause;
    this.#machine.stop();
    this.#resume();
  }

  #wakeIdle: () => void = () => {};

  /**
   * The guest waits. On a terminal, its time is that of the wall, so that clocks tick and cursors blink as they should; elsewhere time is
   * skipped, and waiting for nothing with nobody there who could type is the end.
   */
  #idle(nanoseconds: number, woken: Promise<void>): ReturnType<NonNullable<RunOptions["idle"]>> {
    const endless = nanoseconds === Number.POSITIVE_INFINITY;
    if (!this.#terminal.isTerminal || this.#inputEnded) {
      if (!endless) return undefined;
      if (this.#inputEnded) {
        this.#halted = true;
        this.#machine.stop();
        return Promise.resolve();
      }
    }
    return new Promise((resolve) => {
      const timer = endless ? undefined : setTimeout(done, nanoseconds / 1e6);
      function done() {
        clearTimeout(timer);
        resolve();
      }
      this.#wakeIdle = done;
      woken.then(done);
    });
  }
}
