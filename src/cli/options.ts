/** Options with one or two dashes, as QEMU's users expect: `-m 512M`, `--m=512M`. They end at the first argument that is none. */
export class UsageError extends Error {}

export interface OptionRow {
  /** what its value is called in the help text; absent: it takes none */
  readonly value?: string;
  /** its values are all arguments up to the next option, and there may be none */
  readonly many?: true;
  readonly help: string;
}

export type OptionTable = Readonly<Record<string, OptionRow>>;

export interface Parsed {
  /** every value of every option given; "" for those without value */
  readonly options: ReadonlyMap<string, readonly string[]>;
  readonly rest: readonly string[];
}

export function parseOptions(table: OptionTable, args: readonly string[]): Parsed {
  const options = new Map<string, string[]>();
  let at = 0;
  for (; at < args.length; at++) {
    const argument = args[at];
    if (argument === "--") {
      at++;
      break;
    }
    const match = /^--?([a-zA-Z][^=]*)(?:=(.*))?$/s.exec(argument);
    if (match === null) break;
    const [, name, inline] = match;
    const row = Object.hasOwn(table, name) ? table[name] : undefined;
    if (row === undefined) throw new UsageError(`there is no option ${argument.split("=")[0]}`);
    if (row.value === undefined && inline !== undefined) throw new UsageError(`${argument.split("=")[0]} takes no value`);
    if (row.many === true && inline === undefined) {
      const end = args.findIndex((a, i) => i > at && a.startsWith("-"));
      const values = args.slice(at + 1, end < 0 ? args.length : end);
      options.set(name, [...(options.get(name) ?? []), ...values]);
      at += values.length;
      continue;
    }
    const value = row.value === undefined ? "" : (inline ?? args[++at]);
    if (value === undefined) throw new UsageError(`${argument} needs a value: ${argument} ${row.value}`);
    options.set(name, [...(options.get(name) ?? []), value]);
  }
  return { options, rest: args.slice(at) };
}

export function optionsText(table: OptionTable): string {
  const left = (name: string, row: OptionRow) =>
    `  ${name.length === 1 ? "-" : "--"}${name}${row.value === undefined ? "" : ` ${row.value}`}`;
  const width = Math.max(...Object.entries(table).map(([name, row]) => left(name, row).length));
  return Object.entries(table)
    .map(([name, row]) => `${left(name, row).padEnd(width)}  ${row.help}`)
    .join("\n");
}

/** "512M", "1G", "64" (MiB) in MiB. */
export function parseSize(text: string): number {
  const match = /^(\d+)([KMGT]?)B?$/i.exec(text);
  if (match === null) throw new UsageError(`"${text}" is no memory size; write it like 512M or 2G`);
  const factor = { K: 1 / 1024, M: 1, G: 1024, T: 1 << 20 }[match[2].toUpperCase() || "M"] ?? 1;
  return Number(match[1]) * factor;
}

export function parsePositive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new UsageError(`${option} needs a number above 0, not "${text}"`);
  return value;
}
