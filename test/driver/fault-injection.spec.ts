/**
 * Every step of load and of start that can fail is made to fail, one after the other: allocations, intrinsics, copies, calls. Each time
 * the verb ends in its documented error and says why, the driver is where it was, the OS and its memory are the same bit by bit, and the
 * verb then works.
 */
import { describe, expect, it } from "vitest";
import { DriverError } from "../../src/driver/driver-error.ts";
import { STATE } from "../../src/driver/states.ts";
import { ERROR_CODE, errorName } from "../../src/vmm/error-codes.ts";
import { OneFault, VmmHost } from "../lib/vmm-host.ts";

/** What a step's failure is answered with, and what the explanation has to name. The first row that fits. */
type Expectation = readonly [step: RegExp, code: bigint, names: (step: string) => string];

const itself = (step: string): string => step;
const word = (n: number) => (step: string) => step.split(" ")[n];
const constant = (text: string) => () => text;

const LOAD: readonly Expectation[] = [
  [/^alloc .* \d+$/, ERROR_CODE.BF_ERROR_OUT_OF_MEMORY, constant("raise MEMORY_POOL_BYTES (option memoryPoolBytes)")],
  [/^(allocate|copy) /, ERROR_CODE.BF_ERROR_OUT_OF_MEMORY, itself],
  [/^local_init /, ERROR_CODE.CRT_FAILURE, itself],
  [/^add_md /, ERROR_CODE.MEMORY_MANAGER_FAILURE, itself],
  [/^(guard|relocate|write|protect) ?/, ERROR_CODE.BF_ERROR_UNKNOWN, itself],
];

const START: readonly Expectation[] = [
  [/^alloc page pool /, ERROR_CODE.BFBADALLOC, constant("raise PAGE_POOL_BYTES (option pagePoolBytes)")],
  [/^alloc heap pool /, ERROR_CODE.BFBADALLOC, constant("raise HEAP_POOL_BYTES (option heapPoolBytes)")],
  [/^move to /, ERROR_CODE.BF_ERROR_UNKNOWN, itself],
  [/^(rdmsr|wrmsr|vmread|vmwrite) /, ERROR_CODE.ENTRY_ERROR_VMM_START_FAILED, word(1)],
  [/^write cr/, ERROR_CODE.ENTRY_ERROR_VMM_START_FAILED, (step) => step.slice(6).toUpperCase()],
  [/^(start_vmm|vmcall start)/, ERROR_CODE.ENTRY_ERROR_VMM_START_FAILED, itself],
  [/^vmcall$/, ERROR_CODE.ENTRY_ERROR_VMM_START_FAILED, constant("vmcall start on CPU 0: the OS is not in a VM")],
  [/^vm\w+$/, ERROR_CODE.ENTRY_ERROR_VMM_START_FAILED, itself],
];

/** a vCPU without its debug ring writes nothing, and runs; a CPU without IA32_DEBUGCTL has nothing there to be saved */
const SURVIVED = /^(alloc heap pool 32800|rdmsr 0x1d9)$/;

interface Verb {
  readonly name: "load" | "start";
  readonly expectations: readonly Expectation[];
  /** the driver's state before the verb, and after its success */
  readonly before: number;
  readonly after: number;
  readonly prepare: (host: VmmHost) => void;
}

function tryEveryStep({ name, expectations, before, after, prepare }: Verb): void {
  const faults = new OneFault();
  const host = new VmmHost({ faults });
  host.run();
  const kinds = new Map<string, number>();
  for (let n = 1; ; n++) {
    prepare(host);
    host.run(7n);
    const os = host.osState();
    const used = host.vmm.usage;
    faults.arm(n);
    const error = failureOf(() => host.vmm[name]());
    const { steps } = faults;
    faults.arm();
    const step = steps[n - 1];
    if (step === undefined) {
      expect([error, host.vmm.state]).toEqual([undefined, after]);
      break;
    }
    const kind = step.replace(/ .*/, "");
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    const where = `step ${n} of ${name}, ${step}`;
    if (error === undefined) expect([where, step]).toEqual([where, expect.stringMatching(SURVIVED)]);
    else {
      const [, code, names] = expectations.find(([pattern]) => pattern.test(step)) ?? [];
      expect([where, errorName(error.code)]).toEqual([where, errorName(code ?? 0n)]);
      expect([where, error.message]).toEqual([where, expect.stringContaining(names?.(step) ?? "?")]);
      expect([where, host.vmm.state, host.changes(os)]).toEqual([where, before, []]);
      if (name === "load") expect([where, host.vmm.usage]).toEqual([where, used]);
      host.vmm[name]();
      expect([where, host.vmm.state]).toEqual([where, after]);
    }
    // six instructions go once round
    expect([where, host.run(60n)]).toEqual([where, 10n]);
    if (host.vmm.state === STATE.RUNNING) host.vmm.stop();
    host.vmm.unload();
    expect([where, host.run(60n)]).toEqual([where, 10n]);
  }
  const total = [...kinds.values()].reduce((sum, count) => sum + count, 0);
  console.log(`${name}: ${total} steps made to fail: ${[...kinds].map(([kind, count]) => `${kind} ${count}`).join(", ")}`);
  expect(total).toBeGreaterThan(expectations.length);
}

function failureOf(verb: () => void): DriverError | undefined {
  try {
    verb();
    return undefined;
  } catch (error) {
    if (error instanceof DriverError) return error;
    throw error;
  }
}

describe("fault injection", () => {
  it("load: every step", () => {
    tryEveryStep({ name: "load", expectations: LOAD, before: STATE.UNLOADED, after: STATE.LOADED, prepare: () => {} });
  });

  it("start: every step", () => {
    tryEveryStep({ name: "start", expectations: START, before: STATE.LOADED, after: STATE.RUNNING, prepare: ({ vmm }) => vmm.load() });
  });
});
