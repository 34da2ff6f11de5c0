/**
 * The driver as a character device, as programs of the host see it: control codes with a buffer each, answers that are 0 or -1, and some
 * state between calls: the length of the next module, the CPU of the next vmcall, the vCPU of the next dump. What went wrong is in
 * `failure`, since -1 does not say.
 */
import { ERROR_CODE } from "../vmm/error-codes.ts";
import type { Driver } from "./driver.ts";
import { DriverError } from "./driver-error.ts";
import { VMCALL_REGISTERS } from "./platform.ts";

export const DEVICE = { NAME: "bareflank", MAJOR: 150, WINDOWS_TYPE: 0xf00d } as const;

export const CONTROL = {
  ADD_MODULE_LENGTH: 0x801,
  ADD_MODULE: 0x802,
  LOAD: 0x803,
  UNLOAD: 0x804,
  START: 0x805,
  STOP: 0x806,
  DUMP: 0x807,
  STATUS: 0x808,
  SET_CPUID: 0x809,
  SET_VCPUID: 0x80a,
  VMCALL: 0x80b,
} as const;

const SUCCESS = 0;
const FAILURE = -1;
const EINVAL = -22;
/** of the debug ring's struct: two positions, a tag, the buffer, a tag */
export const RING_BYTES = 3 * 8 + 0x8000 + 8;
const NOTHING = new Uint8Array(0);

/** What of a driver can be reached through it. */
export type DriverVerbs = Pick<
  Driver,
  "state" | "addModule" | "load" | "unload" | "start" | "stop" | "dump" | "read" | "vmcall" | "vmcallWithBuffers" | "fini"
>;

export class Device {
  /** why the last control code that failed did */
  failure: DriverError | undefined;
  readonly #driver: DriverVerbs;
  readonly #log: (line: string) => void;
  /** copies of files: the caller's buffers are the caller's */
  #files: Uint8Array[] = [];
  #length = 0n;
  #cpu = 0n;
  #vcpu = 0n;

  constructor(driver: DriverVerbs, log: (line: string) => void) {
    this.#driver = driver;
    this.#log = log;
  }

  /** files of modules that are kept */
  get files(): number {
    return this.#files.length;
  }

  /**
   * The buffer is read or written as the control code says: a 64-bit number, a file, the ring's struct, 16 registers. `name` is what
   * messages call a module.
   */
  ioctl(code: number, buffer: Uint8Array = NOTHING, name = `module ${this.#files.length}`): number {
    const run = this.#actions(buffer, name)[code];
    return run === undefined ? EINVAL : this.#try(run);
  }

  #try(run: () => void): number {
    this.failure = undefined;
    try {
      run();
      return SUCCESS;
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      this.failure = error;
      return FAILURE;
    }
  }

  /** The vmcall control code for calls that take buffers: they are copied in and out. Undefined: it failed. */
  vmcallWithBuffers(registers: BigUint64Array, input: Uint8Array, outputBytes: number): Uint8Array | undefined {
    let output: Uint8Array | undefined;
    this.#try(() => {
      output = this.#driver.vmcallWithBuffers(registers, this.#cpu, input, outputBytes);
    });
    return output;
  }

  /** The host will reboot: the VMM is torn down before. */
  reboot(): void {
    this.#logged(() => this.#driver.fini());
  }

  #actions(buffer: Uint8Array, name: string): Readonly<Record<number, () => void>> {
    const driver = this.#driver;
    return {
      [CONTROL.ADD_MODULE_LENGTH]: () => {
        this.#length = numberOf(buffer);
      },
      [CONTROL.ADD_MODULE]: () => this.#addModule(buffer, name),
      [CONTROL.LOAD]: () => this.#orElse("load", "unload"),
      [CONTROL.UNLOAD]: () => this.#unload(),
      [CONTROL.START]: () => this.#orElse("start", "stop"),
      [CONTROL.STOP]: () => driver.stop(),
      [CONTROL.DUMP]: () => this.#dump(buffer),
      [CONTROL.STATUS]: () => put(buffer, BigUint64Array.of(BigInt(driver.state))),
      [CONTROL.SET_CPUID]: () => {
        this.#cpu = numberOf(buffer);
      },
      [CONTROL.SET_VCPUID]: () => {
        this.#vcpu = numberOf(buffer);
      },
      [CONTROL.VMCALL]: () => this.#vmcall(buffer),
    };
  }

  #addModule(buffer: Uint8Array, name: string): void {
    if (this.#length === 0n || this.#length > BigInt(buffer.length)) {
      const problem = `${name}: a length of ${this.#length} bytes was told, the buffer has ${buffer.length}`;
      throw new DriverError(ERROR_CODE.BF_ERROR_FAILED_TO_ADD_FILE, problem);
    }
    const file = buffer.slice(0, Number(this.#length));
    this.#driver.addModule(name, file);
    this.#files.push(file);
  }

  #unload(): void {
    try {
      this.#driver.unload();
    } finally {
      this.#files = [];
    }
  }

  #orElse(verb: "load" | "start", undo: "unload" | "stop"): void {
    try {
      this.#driver[verb]();
    } catch (error) {
      this.#logged(() => (undo === "unload" ? this.#unload() : this.#driver.stop()));
      throw error;
    }
  }

  #dump(buffer: Uint8Array): void {
    if (buffer.length < RING_BYTES) throw new DriverError(ERROR_CODE.BF_ERROR_FAILED_TO_DUMP_DR, `a debug ring has ${RING_BYTES} bytes`);
    const address = new BigUint64Array(1);
    this.#driver.dump(address, this.#vcpu);
    try {
      buffer.set(this.#driver.read(address[0], RING_BYTES));
    } catch (error) {
      const problem = `get_drr answered 0x${address[0].toString(16)}, where no debug ring is`;
      throw new DriverError(ERROR_CODE.BF_ERROR_FAILED_TO_DUMP_DR, problem, { cause: error });
    }
  }

  #vmcall(buffer: Uint8Array): void {
    const registers = new BigUint64Array(VMCALL_REGISTERS);
    if (buffer.length < registers.byteLength) throw new DriverError(ERROR_CODE.BF_ERROR_INVALID_ARG, "a vmcall has 16 registers");
    registers.set(new BigUint64Array(buffer.slice(0, registers.byteLength).buffer));
    this.#driver.vmcall(registers, this.#cpu);
    put(buffer, registers);
  }

  #logged(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#log(error instanceof DriverError ? error.report : String(error));
    }
  }
}

function numberOf(buffer: Uint8Array): bigint {
  if (buffer.length < 8) throw new DriverError(ERROR_CODE.BF_ERROR_INVALID_ARG, `a number has 8 bytes, the buffer ${buffer.length}`);
  return new DataView(buffer.buffer, buffer.byteOffset).getBigUint64(0, true);
}

function put(buffer: Uint8Array, values: BigUint64Array): void {
  if (buffer.length < values.byteLength) {
    throw new DriverError(ERROR_CODE.BF_ERROR_INVALID_ARG, `${values.byteLength} bytes are answered, the buffer has ${buffer.length}`);
  }
  buffer.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
}
