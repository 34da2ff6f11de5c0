/** Files that the command line writes: logs, serial output, statistics. */
import { appendFileSync, closeSync, openSync, writeFileSync, writeSync } from "node:fs";

/** An output file that cannot be written. */
export class OutputError extends Error {}

export class OutputFile {
  readonly #option: string;
  readonly #file: number;

  /** `option` in messages: "-serial file:log" */
  constructor(option: string, path: string) {
    this.#option = option;
    this.#file = attempt(option, () => openSync(path, "w"));
  }

  write(bytes: Uint8Array): void {
    attempt(this.#option, () => {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#file, bytes, done);
    });
  }

  close(): void {
    closeSync(this.#file);
  }
}

export interface Log {
  print(line: string): void;
  /** always to the standard error output */
  warn(text: string): void;
  close(): void;
}

/** `-D`: lines go to the file, or to the standard error output. */
export function openLog(path: string | undefined): Log {
  const file = path === undefined ? 2 : attempt(`-D ${path}`, () => openSync(path, "w"));
  let lines: string[] = [];
  const flush = () => {
    if (lines.length > 0) appendFileSync(file, `${lines.join("\n")}\n`);
    lines = [];
  };
  return {
    print: (line) => {
      lines.push(line);
      if (file === 2 || lines.length > 1000) flush();
    },
    warn: (text) => {
      writeSync(2, text);
    },
    close: () => {
      flush();
      if (file !== 2) closeSync(file);
    },
  };
}

export function writeJson(option: string, path: string, record: unknown): void {
  attempt(`${option} ${path}`, () => writeFileSync(path, `${JSON.stringify(record, null, 2)}\n`));
}

function attempt<T>(what: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new OutputError(`${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
