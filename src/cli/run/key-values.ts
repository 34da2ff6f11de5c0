/** QEMU's way to write options with parts: "file=disk.img,if=virtio,readonly=on". A comma that belongs to a value is written twice. */
import { UsageError } from "../options.ts";

export type KeyValues = ReadonlyMap<string, string>;

/** `first` is what a first part without "=" is the value of; other parts without "=" mean "on". */
export function parseKeyValues(text: string, first?: string): KeyValues {
  const parts = text.split(/(?<!,),(?!,)/).map((part) => part.replaceAll(",,", ","));
  return new Map(
    parts.map((part, i) => {
      const at = part.indexOf("=");
      if (at > 0) return [part.slice(0, at), part.slice(at + 1)] as const;
      return i === 0 && first !== undefined ? ([first, part] as const) : ([part, "on"] as const);
    }),
  );
}

/** Refuses keys that nothing is known of, so that a misspelt one is not silently without effect. */
export function onlyKeys(option: string, values: KeyValues, known: readonly string[]): void {
  for (const key of values.keys())
    if (!known.includes(key)) throw new UsageError(`${option}: "${key}" is not known here; there are ${known.join(", ")}`);
}

export function parseSwitch(option: string, text: string): boolean {
  if (text === "on" || text === "true" || text === "yes") return true;
  if (text === "off" || text === "false" || text === "no") return false;
  throw new UsageError(`${option}: write on or off, not "${text}"`);
}

/** "0xf4", "244" */
export function parseInteger(option: string, text: string): number {
  const value = /^(0x[\da-f]+|\d+)$/i.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new UsageError(`${option} needs a whole number, not "${text}"`);
  return value;
}
