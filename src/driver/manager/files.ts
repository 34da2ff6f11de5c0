/** Files as the manager's commands name them, wherever they are. */
import { ContractViolation, GeneralException } from "../../vmm/errors.ts";

export interface FileStore {
  /** Throws if there is no such file. */
  read(name: string): Uint8Array;
  write(name: string, bytes: Uint8Array): void;
}

export function readFile(store: FileStore, name: string): Uint8Array {
  if (name === "") throw new ContractViolation("a file without a name");
  try {
    return store.read(name);
  } catch (error) {
    throw new GeneralException(`invalid filename: ${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export function writeFile(store: FileStore, name: string, bytes: Uint8Array): void {
  if (name === "") throw new ContractViolation("a file without a name");
  if (bytes.length === 0) throw new ContractViolation(`nothing to write to ${name}`);
  try {
    store.write(name, bytes);
  } catch (error) {
    throw new GeneralException(`invalid filename: ${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** A name as a file that lists it means it: beside that file, unless it is an absolute one. */
export function beside(list: string, name: string): string {
  return name.startsWith("/") || !list.includes("/") ? name : list.slice(0, list.lastIndexOf("/") + 1) + name;
}
