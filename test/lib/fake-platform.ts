/** A platform without a machine: memory by address, functions of modules answered by name, and a list of everything that was asked for. */
import type { Driver } from "../../src/driver/driver.ts";
import type { Access, Platform, VmcallRegisters } from "../../src/driver/platform.ts";
import { BadAlloc } from "../../src/vmm/errors.ts";
import { CODE, elfModule, type ModuleText } from "./elf-module.ts";

const VIRTUAL_TO_PHYSICAL = 0xffff_f000_0000_0000n - 0x8000_0000n;

/** An answer of a function: what is in RAX. */
export type Answer = (args: readonly bigint[], cpu: bigint) => bigint;

export class FakePlatform implements Platform {
  cpus = 1;
  /** what was done, one line each; calls of functions are "name(arguments) on CPU" */
  readonly events: string[] = [];
  readonly logged: string[] = [];
  readonly answers = new Map<string, Answer>();
  readonly allocations = new Map<bigint, { bytes: Uint8Array; kind: "rw" | "rwe"; what: string }>();
  readonly access = new Map<bigint, Access>();
  /** register 1 after a vmcall */
  vmcallAnswer: (registers: VmcallRegisters) => bigint = () => 0n;
  affinity: (cpu: bigint) => bigint = () => 77n;
  /** what `names` of a driver says of functions */
  driver: Driver | undefined;
  forgotten = 0;
  /** start of the next allocation: an odd page, so that nothing is aligned by chance */
  next = 0xffff_f000_0000_3000n;

  allocRw(size: bigint, what: string): bigint {
    return this.#alloc(size, "rw", what);
  }
  allocRwe(size: bigint, what: string): bigint {
    return this.#alloc(size, "rwe", what);
  }
  #alloc(size: bigint, kind: "rw" | "rwe", what: string): bigint {
    if (size > 1n << 24n) throw new BadAlloc(`no room for ${what}: raise MEMORY_POOL_BYTES`);
    const address = this.next;
    this.next += ((size + 0xfffn) & ~0xfffn) + 0x1000n;
    this.allocations.set(address, { bytes: new Uint8Array(Number(size)).fill(0xcc), kind, what });
    this.events.push(`alloc ${kind} ${size}`);
    return address;
  }
  freeRw(address: bigint, size: bigint): void {
    this.#free(address, size, "rw");
  }
  freeRwe(address: bigint, size: bigint): void {
    this.#free(address, size, "rwe");
  }
  #free(address: bigint, size: bigint, kind: "rw" | "rwe"): void {
    const found = this.allocations.get(address);
    if (found === undefined || found.bytes.length !== Number(size) || found.kind !== kind)
      throw new Error(`free of 0x${address.toString(16)}`);
    this.allocations.delete(address);
    this.events.push(`free ${kind} ${size}`);
  }
  virtToPhys(address: bigint): bigint {
    return address - VIRTUAL_TO_PHYSICAL;
  }
  protect(address: bigint, size: bigint, access: Access): void {
    for (let page = address; page < address + size; page += 0x1000n) {
      if (access === "data") this.access.delete(page);
      else this.access.set(page, access);
    }
  }
  #at(address: bigint, length: number): Uint8Array {
    for (const [start, { bytes }] of this.allocations) {
      if (address >= start && address + BigInt(length) <= start + BigInt(bytes.length)) {
        return bytes.subarray(Number(address - start), Number(address - start) + length);
      }
    }
    throw new Error(`nothing was allocated at 0x${address.toString(16)}`);
  }
  read(address: bigint, length: number): Uint8Array {
    return this.#at(address, length).slice();
  }
  write(address: bigint, bytes: Uint8Array): void {
    this.#at(address, bytes.length).set(bytes);
  }
  words(address: bigint, count: number): readonly bigint[] {
    return [...new BigUint64Array(this.read(address, count * 8).buffer)];
  }
  setAffinity(cpu: bigint): bigint {
    this.events.push(`to CPU ${cpu}`);
    return this.affinity(cpu);
  }
  restoreAffinity(previous: bigint): void {
    this.events.push(`back to ${previous}`);
  }
  started(cpu: bigint): void {
    this.events.push(`started ${cpu}`);
  }
  stopped(cpu: bigint): void {
    this.events.push(`stopped ${cpu}`);
  }
  vmcall(registers: VmcallRegisters): void {
    this.events.push(`vmcall ${registers[0]} ${registers[1].toString(16)}`);
    registers[1] = this.vmcallAnswer(registers);
  }
  vmcallEvent(registers: VmcallRegisters): void {
    this.events.push(`vmcall event ${registers[2]}`);
  }
  call(address: bigint, args: readonly bigint[], cpu: bigint): bigint {
    const [, target, a1, a2] = args;
    const entry = this.driver?.nameOf(address) ?? "";
    if (!entry.endsWith("execute_entry+0x0")) throw new Error(`called ${entry}, not execute_entry`);
    const name = (this.driver?.nameOf(target) ?? "").replace("+0x0", "").replace(/^.*: /, "");
    this.events.push(`${name} on CPU ${cpu}`);
    this.lastCall = { stack: args[0], a1, a2 };
    return this.answers.get(name)?.([a1, a2], cpu) ?? 0n;
  }
  lastCall: { stack: bigint; a1: bigint; a2: bigint } | undefined;
  forget(): void {
    this.forgotten++;
  }
  log(line: string): void {
    this.logged.push(line);
  }
}

const SYMBOLS = ["execute_entry", "local_init", "local_fini", "add_md", "start_vmm", "stop_vmm", "get_drr"];

/** A module that has all functions that the driver calls, except those named. */
export function vmmModule(without: readonly string[] = [], more: ModuleText = {}): Uint8Array {
  const symbols = SYMBOLS.filter((name) => !without.includes(name)).map((name, i) => ({ name, value: CODE + i * 16, size: 16 }));
  return elfModule({ code: new Uint8Array(16 * SYMBOLS.length).fill(0xc3), ...more, symbols: [...symbols, ...(more.symbols ?? [])] });
}
