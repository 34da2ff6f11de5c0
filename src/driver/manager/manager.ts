/**
 * The manager: commands of a user, each a sequence of control codes that depends on the state of the VMM. Modules are loaded in a random
 * order, so that an order that matters is found early.
 */

import { isElf } from "../../boot/elf.ts";
import { VMCALL_OUT_BYTES } from "../../vmm/constants.ts";
import { ringText } from "../../vmm/debug-ring.ts";
import { errorName } from "../../vmm/error-codes.ts";
import { GeneralException } from "../../vmm/errors.ts";
import { CONTROL, type Device, RING_BYTES } from "../device.ts";
import { STATE, STATE_NAME, type State } from "../states.ts";
import { type Command, HELP, parseCommand, type VmcallCommand } from "./command.ts";
import { beside, type FileStore, readFile, writeFile } from "./files.ts";
import { printed, printedText, received, registersOf } from "./vmcalls.ts";

export type ControlDevice = Pick<Device, "ioctl" | "vmcallWithBuffers" | "failure">;

export interface NamedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface ManagerOptions {
  /** modules that every VMM has, such as its runtime */
  readonly always?: readonly NamedFile[];
  /** from 0 up to, but not, 1 */
  readonly random?: () => number;
}

/** What a command prints, and how it ends. */
export interface Outcome {
  readonly status: 0 | 1;
  readonly out: string;
  readonly error: string;
}

export class Manager {
  readonly #device: ControlDevice;
  readonly #files: FileStore;
  readonly #always: readonly NamedFile[];
  readonly #random: () => number;

  constructor(device: ControlDevice, files: FileStore, { always = [], random = Math.random }: ManagerOptions = {}) {
    this.#device = device;
    this.#files = files;
    this.#always = always;
    this.#random = random;
  }

  /** Runs a command line as a program would: nothing is thrown. */
  run(args: readonly string[]): Outcome {
    try {
      return { status: 0, out: this.process(parseCommand(args)), error: "" };
    } catch (error) {
      return { status: 1, out: "", error: `vmm: ${error instanceof Error ? error.message : String(error)}` };
    }
  }

  /** What the command prints, without a newline at its end. */
  process(command: Command): string {
    switch (command.verb) {
      case "help":
        return HELP;
      case "load":
        this.load(command.files);
        return "";
      case "unload":
        this.unload();
        return "";
      case "start":
        this.start();
        return "";
      case "stop":
        if (this.state() === STATE.RUNNING) this.#control(CONTROL.STOP, "stop");
        return "";
      case "dump":
        return this.dump(command.vcpuId);
      case "status":
        return STATE_NAME[this.state(STATE.CORRUPT)];
      case "vmcall":
        return this.#vmcall(command.call, command.cpuId);
    }
  }

  /** Each file is a list of modules, or a module. */
  load(names: readonly string[]): void {
    this.#toUnloaded();
    const modules = this.#shuffled([...this.#always, ...names.flatMap((name) => this.#modulesOf(name))]);
    try {
      for (const { name, bytes } of modules) {
        this.#control(CONTROL.ADD_MODULE_LENGTH, `add ${name}`, word(BigInt(bytes.length)));
        this.#control(CONTROL.ADD_MODULE, `add ${name}`, bytes, name);
      }
      this.#control(CONTROL.LOAD, "load");
    } catch (error) {
      this.#device.ioctl(CONTROL.UNLOAD);
      throw error;
    }
  }

  unload(): void {
    if (this.state() === STATE.RUNNING) this.#control(CONTROL.STOP, "stop");
    this.#control(CONTROL.UNLOAD, "unload");
  }

  start(): void {
    const state = this.state();
    if (state === STATE.UNLOADED) throw new GeneralException("start: vmm must be loaded first");
    if (state === STATE.RUNNING) this.#control(CONTROL.STOP, "stop");
    this.#control(CONTROL.START, "start");
  }

  /** The text in the debug ring of a vCPU. */
  dump(vcpuId: bigint): string {
    if (this.state(STATE.CORRUPT) === STATE.UNLOADED) throw new GeneralException("dump: invalid state: vmm must be loaded first");
    const ring = new Uint8Array(RING_BYTES);
    this.#control(CONTROL.SET_VCPUID, "dump", word(vcpuId));
    this.#control(CONTROL.DUMP, "dump", ring);
    // any address but 0: the ring is read where it was copied to
    const address = 0x1000n;
    const read = (at: bigint, length: number) => ring.subarray(Number(at - address), Number(at - address) + length);
    return ringText({ read, write: () => {} }, address);
  }

  /** The state; if it is CORRUPT, or one that nobody knows, only for those who take it. */
  state(taken?: typeof STATE.CORRUPT): State {
    const bytes = new Uint8Array(8);
    this.#control(CONTROL.STATUS, "status", bytes);
    const state = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    if (!(state in STATE_NAME)) throw new GeneralException(`unknown status: ${state}`);
    if (state === STATE.CORRUPT && taken !== state) throw new GeneralException("vmm corrupt: only a reset of the driver helps");
    return state as State;
  }

  #toUnloaded(): void {
    const state = this.state();
    if (state === STATE.RUNNING) this.#control(CONTROL.STOP, "stop");
    if (state !== STATE.UNLOADED) this.#control(CONTROL.UNLOAD, "unload");
  }

  #modulesOf(name: string): readonly NamedFile[] {
    const bytes = readFile(this.#files, name);
    if (isElf(bytes)) return [{ name: baseName(name), bytes }];
    return listed(name, bytes).map((module) => {
      const path = beside(name, module);
      return { name: baseName(path), bytes: readFile(this.#files, path) };
    });
  }

  #shuffled<T>(items: readonly T[]): readonly T[] {
    const shuffled = [...items];
    for (let left = shuffled.length; left > 1; left--) {
      const chosen = Math.floor(this.#random() * left);
      [shuffled[left - 1], shuffled[chosen]] = [shuffled[chosen], shuffled[left - 1]];
    }
    return shuffled;
  }

  #vmcall(call: VmcallCommand, cpuId: bigint): string {
    if (this.state() !== STATE.RUNNING) throw new GeneralException("vmcall: vmm must be running first");
    this.#control(CONTROL.SET_CPUID, "vmcall", word(cpuId));
    const registers = registersOf(call);
    if (call.kind === "string" || call.kind === "data") return this.#exchange(call, registers);
    const bytes = new Uint8Array(registers.buffer);
    this.#control(CONTROL.VMCALL, "vmcall", bytes);
    checkResult(registers);
    return printed(call, registers);
  }

  #exchange(call: VmcallCommand & { kind: "string" | "data" }, registers: BigUint64Array): string {
    const input = call.kind === "string" ? new TextEncoder().encode(call.text) : readFile(this.#files, call.input);
    const answered = this.#device.vmcallWithBuffers(registers, input, Number(VMCALL_OUT_BYTES));
    if (answered === undefined) throw this.#failed("vmcall");
    checkResult(registers);
    const output = received(registers, answered);
    if (call.kind === "string") return printedText(registers, output);
    writeFile(this.#files, call.output, output);
    return "";
  }

  #control(code: number, what: string, buffer?: Uint8Array, name?: string): void {
    if (this.#device.ioctl(code, buffer, name) !== 0) throw this.#failed(what);
  }

  #failed(what: string): GeneralException {
    return new GeneralException(`ioctl failed: ${what}: ${this.#device.failure?.report ?? "no reason was given"}`);
  }
}

/** The names in {"modules": [names]}. */
function listed(name: string, bytes: Uint8Array): readonly string[] {
  const problem = (what: string) =>
    new GeneralException(`${name}: neither a module nor a list of modules, {"modules": ["a.so", …]}: ${what}`);
  let list: unknown;
  try {
    list = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw problem((error as Error).message);
  }
  if (typeof list !== "object" || list === null || !("modules" in list)) throw problem("no modules");
  const { modules } = list;
  if (!Array.isArray(modules) || !modules.every((module) => typeof module === "string")) throw problem("modules is no list of names");
  return modules;
}

function checkResult(registers: BigUint64Array): void {
  if (registers[1] !== 0n) throw new GeneralException(`ioctl failed: vmcall: the VMM answered ${errorName(registers[1])}`);
}

const word = (value: bigint) => new Uint8Array(BigUint64Array.of(value).buffer);
const baseName = (path: string) => path.slice(path.lastIndexOf("/") + 1);
