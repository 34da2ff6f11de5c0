/** What a caller says about a kernel to boot. */
import type { E820Entry, Range } from "./e820.ts";

/** A file that stands beside the kernel in memory, with the text that goes with it. */
export interface Module {
  readonly bytes: Uint8Array;
  /** file name and arguments */
  readonly commandLine: string;
}

export interface LoadOptions {
  /** of the kernel: multiboot puts it before the command line */
  readonly fileName: string;
  readonly append?: string;
  /** Linux and PVH: the initial RAM file system */
  readonly initrd?: Uint8Array;
  /** multiboot's modules */
  readonly modules?: readonly Module[];
  readonly memoryBytes: number;
  /** RAM to be hidden from the guest */
  readonly reserved?: readonly Range[];
  /** address of the ACPI RSDP, if there are tables */
  readonly rsdp?: number;
  /** whether there is a VGA adapter that shows text */
  readonly vga?: boolean;
}

export interface Boot extends LoadOptions {
  readonly memoryMap: readonly E820Entry[];
}

/**
 * What QEMU's users write after -initrd for multiboot: "file arguments,file arguments"; a comma that is part of a name is written twice.
 * The text of a module is all of it, the file name included.
 */
export function splitModules(text: string): readonly { readonly path: string; readonly commandLine: string }[] {
  const parts = text.split(/(?<!,),(?!,)/).map((part) => part.replaceAll(",,", ",").trimStart());
  return parts.filter((part) => part !== "").map((commandLine) => ({ path: commandLine.split(" ")[0], commandLine }));
}
