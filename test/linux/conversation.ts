/** Talks to a guest through its serial port, as somebody at its terminal would. */
import { type ChildProcess, spawn } from "node:child_process";

const MINUTES = 60_000;

export class Conversation {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  /** everything that the guest has printed */
  log = "";
  #read = 0;
  #heard: () => void = () => {};

  /** `minusone run` with these arguments */
  constructor(args: readonly string[]) {
    this.#child = spawn(process.execPath, ["dist/cli/main.js", "run", ...args], { stdio: ["pipe", "pipe", "inherit"] });
    this.#child.stdout?.on("data", (bytes: Buffer) => {
      this.log += bytes.toString("latin1");
      this.#heard();
    });
    this.#ended = new Promise((resolve) => this.#child.on("close", resolve));
  }

  /** Waits for a text behind what was read last; returns what came before it. */
  async until(text: string, patience = 10 * MINUTES): Promise<string> {
    const giveUp = Date.now() + patience;
    for (;;) {
      const at = this.log.indexOf(text, this.#read);
      if (at >= 0) {
        const before = this.log.slice(this.#read, at);
        this.#read = at + text.length;
        return before;
      }
      if (this.#child.exitCode !== null || Date.now() > giveUp) throw new Error(`no "${text}" in:\n${this.log.slice(this.#read)}`);
      await Promise.race([
        new Promise<void>((resolve) => (this.#heard = resolve)),
        this.#ended,
        new Promise((resolve) => setTimeout(resolve, 1000)),
      ]);
    }
  }

  say(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** exit status */
  end(): Promise<number | null> {
    return this.#ended;
  }

  kill(): void {
    this.#child.kill();
  }
}
