/** The driver's states and verbs over a platform that any step can fail of. */
import { describe, expect, it } from "vitest";
import { Driver, type DriverOptions } from "../../src/driver/driver.ts";
import { DriverError } from "../../src/driver/driver-error.ts";
import { STATE } from "../../src/driver/states.ts";
import { ERROR_CODE } from "../../src/vmm/error-codes.ts";
import { BadAlloc } from "../../src/vmm/errors.ts";
import { failure } from "../lib/driver-error.ts";
import { CODE, DATA, elfModule } from "../lib/elf-module.ts";
import { FakePlatform, vmmModule } from "../lib/fake-platform.ts";

const MAGIC = "b045eacdacd52e22";
const REFERENCE = { symbols: [{ name: "nobody_has_it" }], relocations: [{ at: DATA, type: 6, symbol: "nobody_has_it" }] };

function rig(options: DriverOptions & { cpus?: number; without?: readonly string[] } = {}) {
  const platform = new FakePlatform();
  platform.cpus = options.cpus ?? 1;
  const driver = new Driver(platform, options);
  platform.driver = driver;
  const events = (run: () => void) => {
    platform.events.length = 0;
    run();
    return platform.events.splice(0);
  };
  const to = (state: "UNLOADED" | "LOADED" | "RUNNING" | "CORRUPT") => {
    if (state === "UNLOADED") return;
    driver.addModule("vmm.so", vmmModule(options.without));
    driver.load();
    if (state === "LOADED") return;
    driver.start();
    if (state === "RUNNING") return;
    platform.answers.set("stop_vmm", () => 1n);
    expect(() => driver.stop()).toThrow();
    platform.answers.delete("stop_vmm");
    expect(driver.state).toBe(STATE.CORRUPT);
  };
  return { platform, driver, events, to };
}
const at = (...args: Parameters<ReturnType<typeof rig>["to"]>) => {
  const all = rig();
  all.to(...args);
  return all;
};

it("CONST-10: numbers of the states", () => {
  expect(STATE).toEqual({ UNLOADED: 10, LOADED: 11, RUNNING: 12, CORRUPT: 100 });
});

describe("init, reset, fini", () => {
  it.each(["UNLOADED", "LOADED", "RUNNING", "CORRUPT"] as const)("DRV-1 DRV-2: init and reset forget everything in state %s", (state) => {
    for (const verb of ["init", "reset"] as const) {
      const { driver, platform } = at(state);
      driver[verb]();
      expect(platform.allocations.size).toBe(0);
      expect(platform.access.size).toBe(0);
      expect([driver.state, driver.moduleCount, driver.started]).toEqual([STATE.UNLOADED, 0, 0n]);
      expect(platform.forgotten).toBeGreaterThan(0);
      expect(failure("BF_ERROR_NO_MODULES_ADDED", () => driver.executeSymbol("local_init", 0n, 0n, 0n))).toBeTruthy();
      driver.addModule("vmm.so", vmmModule());
      driver.load();
      expect(driver.state).toBe(STATE.LOADED);
    }
  });

  it("DRV-3: fini stops, then unloads", () => {
    const { driver, events } = at("RUNNING");
    expect(events(() => driver.fini()).filter((event) => /_vmm|local/.test(event))).toEqual(["stop_vmm on CPU 0", "local_fini on CPU 0"]);
    expect(driver.state).toBe(STATE.UNLOADED);
  });
  it("DRV-3: modules that were only added are dropped; nothing to do is a success", () => {
    const { driver, platform } = at("UNLOADED");
    driver.fini();
    driver.addModule("vmm.so", vmmModule());
    driver.fini();
    expect([driver.moduleCount, platform.allocations.size]).toEqual([0, 0]);
  });
  it("DRV-3: CORRUPT is VMM-corrupted, also if fini's own stop or unload has made it so; their errors are only logged", () => {
    const { driver } = at("CORRUPT");
    failure("BF_ERROR_VMM_CORRUPTED", () => driver.fini());
    for (const symbol of ["stop_vmm", "local_fini"]) {
      const other = at("RUNNING");
      other.platform.answers.set(symbol, () => ERROR_CODE.CRT_FAILURE);
      failure("BF_ERROR_VMM_CORRUPTED", () => other.driver.fini());
      expect(other.platform.logged).toEqual([expect.stringContaining(`CRT_FAILURE: ${symbol}`)]);
    }
  });
});

describe("add_module", () => {
  it("DRV-4: no file, an empty file", () => {
    const { driver } = at("CORRUPT");
    for (const file of [null, new Uint8Array(0)]) failure("BF_ERROR_INVALID_ARG", () => driver.addModule("m", file));
  });
  it.each([
    ["LOADED", "BF_ERROR_VMM_INVALID_STATE"],
    ["RUNNING", "BF_ERROR_VMM_INVALID_STATE"],
    ["CORRUPT", "BF_ERROR_VMM_CORRUPTED"],
  ] as const)("DRV-4: in state %s before the file is looked at", (state, code) => {
    const { driver } = at(state);
    failure(code, () => driver.addModule("m", new Uint8Array(100)));
    expect(driver.moduleCount).toBe(1);
  });
  it("DRV-4 CONST-4: 75 modules, and the table is full before the file is looked at", () => {
    const { driver } = rig();
    for (let i = 0; i < 75; i++) driver.addModule(`m${i}`, elfModule({}));
    expect(failure("BF_ERROR_MAX_MODULES_REACHED", () => driver.addModule("one more", new Uint8Array(100)))).toContain("one more");
    expect(driver.moduleCount).toBe(75);
  });
  it("DRV-4: the ELF file's own error", () => {
    const { driver, platform } = rig();
    failure("BFELF_ERROR_INVALID_ARG", () => driver.addModule("m", new Uint8Array(63)));
    failure("BFELF_ERROR_INVALID_SIGNATURE", () => driver.addModule("m", new Uint8Array(100)));
    expect([driver.moduleCount, platform.events]).toEqual([0, []]);
  });
  it("DRV-4: the image has the file's total size, zeros, and its segments", () => {
    const { driver, platform } = rig();
    driver.addModule("m", elfModule({ code: Uint8Array.of(0x90, 0xc3), data: Uint8Array.of(1, 2, 3), dataMemory: 0x2345 }));
    expect(platform.events).toEqual([`alloc rwe ${DATA + 0x2345}`]);
    const [{ bytes }] = [...platform.allocations.values()];
    expect([...bytes.subarray(CODE - 1, CODE + 3)]).toEqual([0, 0x90, 0xc3, 0]);
    expect([...bytes.subarray(DATA, DATA + 4)]).toEqual([1, 2, 3, 0]);
    expect(bytes.subarray(DATA + 3).every((byte) => byte === 0)).toBe(true);
  });
  it("DRV-4: no room for the image: out of memory, and the constant to raise", () => {
    const { driver } = rig();
    const message = failure("BF_ERROR_OUT_OF_MEMORY", () => driver.addModule("big.so", elfModule({ dataMemory: 1 << 25 })));
    expect(message).toBe("allocate the image of big.so: no room for big.so: raise MEMORY_POOL_BYTES");
    expect(driver.moduleCount).toBe(0);
  });
  it("DRV-5: the same module twice", () => {
    const { driver } = rig();
    driver.addModule("m", vmmModule());
    driver.addModule("m", vmmModule());
    driver.load();
    expect(driver.moduleCount).toBe(2);
  });
  it("a module that is linked to a fixed place, that uses a red zone, that has writable code", () => {
    const symbols = [{ name: "leaf", value: CODE, size: 6 }];
    const redZone = elfModule({ code: Uint8Array.of(0x48, 0x89, 0x7c, 0x24, 0xf8, 0xc3), symbols });
    const writable = elfModule({ segments: (usual) => usual.map((segment, i) => (i === 1 ? { ...segment, flags: 7 } : segment)) });
    const { driver } = rig();
    expect(failure("BFELF_ERROR_UNSUPPORTED_FILE", () => driver.addModule("m", elfModule({ base: 0x40_0000 })))).toContain("0x400000");
    expect(failure("BFELF_ERROR_UNSUPPORTED_FILE", () => driver.addModule("m", redZone))).toContain("leaf+0x0 (8 bytes below)");
    expect(failure("BFELF_ERROR_INVALID_SEGMENT", () => driver.addModule("m", writable))).toContain("writable and executable");
    const lax = rig({ allowRedZone: true, allowWritableCode: true }).driver;
    lax.addModule("m", redZone);
    lax.addModule("m", writable);
    expect(lax.moduleCount).toBe(2);
  });
});

describe("load", () => {
  it("DRV-6: by state, and without modules", () => {
    failure("BF_ERROR_NO_MODULES_ADDED", () => rig().driver.load());
    failure("BF_ERROR_VMM_CORRUPTED", () => at("CORRUPT").driver.load());
    failure("BF_ERROR_VMM_INVALID_STATE", () => at("RUNNING").driver.load());
    const { driver, events } = at("LOADED");
    expect(events(() => driver.load())).toEqual([]);
  });

  it("DRV-7 CONST-7: thread-local blocks of 4096 bytes for each CPU, then a stack of twice 32 KiB", () => {
    const { driver, platform } = rig({ cpus: 3 });
    driver.addModule("vmm.so", vmmModule());
    platform.events.length = 0;
    driver.load();
    expect(platform.events.slice(0, 2)).toEqual(["alloc rw 12288", "alloc rw 65536"]);
  });
  it.each(["allocate thread-local blocks", "allocate a stack"])(
    "DRV-7: %s fails: out of memory, the modules stay, fini succeeds",
    (step) => {
      const { driver, platform } = rig({ faults: { fails: (name) => name === step } });
      driver.addModule("vmm.so", vmmModule());
      expect(failure("BF_ERROR_OUT_OF_MEMORY", () => driver.load())).toContain(step);
      expect([driver.state, driver.moduleCount, platform.allocations.size]).toEqual([STATE.UNLOADED, 1, 1]);
      driver.fini();
      expect(platform.allocations.size).toBe(0);
    },
  );

  it.each([0x0n, 0x1000n, 0x7000n, 0x8000n, 0xf000n])("DRV-8 CONST-6: top of a stack whose memory is at %s from alignment", (offset) => {
    const { driver, platform } = rig();
    driver.addModule("vmm.so", vmmModule());
    // one page of thread-local blocks and the page between allocations come first
    platform.next = 0xffff_f000_1000_0000n + offset - 0x2000n;
    const base = 0xffff_f000_1000_0000n + offset;
    driver.load();
    const top = ((base + 0x1_0000n) & ~0x7fffn) - 1n;
    expect(platform.lastCall?.stack).toBe(top);
    // the stack and the page below it are inside of what was allocated
    expect(top + 1n - 0x9000n).toBeGreaterThanOrEqual(base);
    expect(top).toBeLessThan(base + 0x1_0000n);
    expect(platform.access.get(top + 1n - 0x9000n)).toBe("guard");
  });

  it("DRV-9: relocated images, local_init in the order of adding with section information, then descriptors of modules and blocks", () => {
    const { driver, platform, events } = rig({ cpus: 2 });
    const arrays = [
      [25, DATA],
      [27, 16],
    ] as const;
    const image = (name: string, word: bigint) =>
      vmmModule(name === "a" ? [] : ["execute_entry", "add_md"], {
        data: new Uint8Array(16),
        dataMemory: 0x40,
        dynamic: arrays,
        relocations: [{ at: DATA, type: 8, addend: word }],
      });
    driver.addModule("a", image("a", 0x111n));
    driver.addModule("b", image("b", 0x222n));
    const infos: (readonly bigint[])[] = [];
    const described: (readonly bigint[])[] = [];
    platform.answers.set("local_init", ([info]) => {
      infos.push(platform.words(info, 8));
      return 0n;
    });
    platform.answers.set("add_md", ([descriptor]) => {
      described.push(platform.words(descriptor, 3));
      return 0n;
    });
    const seen = events(() => driver.load());
    const [a, b] = [driver.module(0)?.address ?? 0n, driver.module(1)?.address ?? 0n];
    expect([platform.words(a + BigInt(DATA), 1), platform.words(b + BigInt(DATA), 1)]).toEqual([[a + 0x111n], [b + 0x222n]]);
    expect(infos).toEqual([a, b].map((base) => [0n, 0n, base + BigInt(DATA), 16n, 0n, 0n, 0n, 0n]));
    expect(seen.filter((event) => event.startsWith("local_init"))).toHaveLength(2);
    expect(seen.lastIndexOf("local_init on CPU 0")).toBeLessThan(seen.indexOf("add_md on CPU 0"));
    // the blocks come last, a page each
    const pages = described.slice(-2).map(([, virt]) => virt);
    expect(pages[1]).toBe(pages[0] + 0x1000n);
    expect([...platform.allocations].find(([address]) => address === pages[0])?.[1].what).toBe("thread-local blocks");
    expect(described.every(([phys, virt]) => phys === platform.virtToPhys(virt))).toBe(true);
  });
  it("DRV-9: the thread-local blocks are zero", () => {
    const { driver, platform } = rig({ cpus: 2 });
    driver.addModule("vmm.so", vmmModule());
    driver.load();
    const block = [...platform.allocations.values()].find(({ what }) => what === "thread-local blocks");
    expect(block?.bytes).toEqual(new Uint8Array(0x2000));
  });
  it("DRV-9: a missing symbol names itself and the module; nothing is left and the state is UNLOADED", () => {
    const { driver, platform } = rig();
    driver.addModule("vmm.so", vmmModule());
    driver.addModule("needy.so", elfModule(REFERENCE));
    expect(failure("BFELF_ERROR_NO_SUCH_SYMBOL", () => driver.load())).toMatch(/^needy\.so: needs nobody_has_it/);
    expect([driver.state, driver.moduleCount, platform.allocations.size]).toEqual([STATE.UNLOADED, 0, 0]);
  });
  it.each(["execute_entry", "local_init", "add_md"])("DRV-9: no %s: no such symbol, unloaded", (symbol) => {
    const { driver, platform } = rig();
    driver.addModule("vmm.so", vmmModule([symbol]));
    expect(failure("BFELF_ERROR_NO_SUCH_SYMBOL", () => driver.load())).toBe(`no module defines ${symbol}`);
    expect([driver.state, driver.moduleCount, platform.allocations.size]).toEqual([STATE.UNLOADED, 0, 0]);
  });
  it("DRV-9 DRV-12: what a function answers is the error, of a block's descriptor, too; unloaded", () => {
    const last = 4;
    for (const [symbol, nth] of [
      ["local_init", 1],
      ["add_md", 1],
      ["add_md", last],
    ] as const) {
      const { driver, platform } = rig();
      driver.addModule("vmm.so", vmmModule());
      let count = 0;
      platform.answers.set(symbol, () => (++count === nth ? ERROR_CODE.MEMORY_MANAGER_FAILURE : 0n));
      const message = failure("MEMORY_MANAGER_FAILURE", () => driver.load());
      expect(message).toContain(nth === last ? "the thread-local blocks" : "vmm.so");
      expect([driver.state, driver.moduleCount, platform.allocations.size]).toEqual([STATE.UNLOADED, 0, 0]);
    }
  });
  it("a constructor that faults is a CRT failure with the fault's message", () => {
    const { driver, platform } = rig();
    driver.addModule("vmm.so", vmmModule());
    platform.answers.set("local_init", () => {
      throw new Error("#UD in vmm.so: f+0x2");
    });
    expect(failure("CRT_FAILURE", () => driver.load())).toBe("local_init of vmm.so: #UD in vmm.so: f+0x2");
  });
  it("an error that has a code of its own keeps it", () => {
    const { driver, platform } = rig();
    driver.addModule("vmm.so", vmmModule());
    platform.answers.set("local_init", () => {
      throw Object.assign(new BadAlloc("stack"), { code: ERROR_CODE.ENTRY_ERROR_STACK_OVERFLOW });
    });
    failure("ENTRY_ERROR_STACK_OVERFLOW", () => driver.load());
  });

  it("DRV-10: a module whose record a loader has", () => {
    const { driver, platform } = rig();
    driver.addModule("vmm.so", vmmModule());
    const module = driver.module(0);
    if (module !== undefined) module.elf.added = true;
    failure("BFELF_ERROR_INVALID_ARG", () => driver.load());
    expect([driver.state, platform.allocations.size]).toEqual([STATE.UNLOADED, 0]);
  });

  it("DRV-11 DRV-12 CONST-15: every page of a segment, R|E with code, else R|W; not the page behind an end on a page boundary", () => {
    const { driver, platform } = rig();
    const described: (readonly bigint[])[] = [];
    platform.answers.set("add_md", ([descriptor]) => {
      described.push(platform.words(descriptor, 3));
      return 0n;
    });
    driver.addModule("vmm.so", vmmModule([], { data: new Uint8Array(0x10), dataMemory: 0x2000 }));
    driver.load();
    const base = driver.module(0)?.address ?? 0n;
    const types = new Map(described.map(([, virt, type]) => [virt - base, type]));
    expect(types.get(0n)).toBe(3n);
    expect(types.get(BigInt(CODE))).toBe(5n);
    expect(types.get(BigInt(CODE) + 0x1000n)).toBeUndefined();
    expect(types.get(BigInt(DATA))).toBe(3n);
    expect(types.get(BigInt(DATA) + 0x1000n)).toBe(3n);
    expect(types.get(BigInt(DATA) + 0x2000n)).toBeUndefined();
    // the block of the one CPU
    expect(described.at(-1)?.[2]).toBe(3n);
    expect(described).toHaveLength(1 + 1 + 2 + 1);
  });
  it("pages of code may run, constants may not be written", () => {
    const { driver, platform } = at("LOADED");
    const base = driver.module(0)?.address ?? 0n;
    expect(platform.access.get(base)).toBe("read-only");
    expect(platform.access.get(base + BigInt(CODE))).toBe("code");
    expect(platform.access.get(base + BigInt(DATA))).toBeUndefined();
    driver.unload();
    expect(platform.access.size).toBe(0);
  });

  it("DRV-14: LOADED", () => {
    expect(at("LOADED").driver.state).toBe(STATE.LOADED);
  });
});

describe("unload", () => {
  it("DRV-15: by state; unloaded already is a success that drops added modules", () => {
    failure("BF_ERROR_VMM_CORRUPTED", () => at("CORRUPT").driver.unload());
    failure("BF_ERROR_VMM_INVALID_STATE", () => at("RUNNING").driver.unload());
    const { driver } = rig();
    driver.unload();
    driver.addModule("vmm.so", vmmModule());
    driver.unload();
    expect([driver.state, driver.moduleCount]).toEqual([STATE.UNLOADED, 0]);
  });
  it("DRV-15: local_fini in reverse order, then everything is given back", () => {
    const { driver, platform } = rig();
    driver.addModule("a", vmmModule([], { dynamic: [[13, CODE]] }));
    driver.addModule("b", vmmModule([], { dynamic: [[13, CODE]] }));
    driver.load();
    const [a, b] = [driver.module(0)?.address ?? 0n, driver.module(1)?.address ?? 0n];
    const finished: bigint[] = [];
    platform.answers.set("local_fini", ([info]) => {
      finished.push(platform.words(info, 2)[1] - BigInt(CODE));
      return 0n;
    });
    driver.unload();
    expect(finished).toEqual([b, a]);
    expect([driver.state, driver.moduleCount, platform.allocations.size]).toEqual([STATE.UNLOADED, 0, 0]);
  });
  it("DRV-15: a failure corrupts and is the error", () => {
    const { driver, platform } = at("LOADED");
    platform.answers.set("local_fini", () => ERROR_CODE.CRT_FAILURE);
    failure("CRT_FAILURE", () => driver.unload());
    expect(driver.state).toBe(STATE.CORRUPT);
  });
});

describe("start", () => {
  it("DRV-16: by state", () => {
    failure("BF_ERROR_VMM_CORRUPTED", () => at("CORRUPT").driver.start());
    failure("BF_ERROR_VMM_INVALID_STATE", () => at("UNLOADED").driver.start());
    const { driver, events } = at("RUNNING");
    expect(events(() => driver.start())).toEqual([]);
  });
  it("DRV-17 CONST-17 CONST-18: on each CPU upward: move, start_vmm(cpu), vmcall START, hook, back", () => {
    const { driver, platform, events, to } = rig({ cpus: 2 });
    to("LOADED");
    const blocks = [...platform.allocations].find(([, { what }]) => what === "thread-local blocks")?.[0] ?? 0n;
    const contexts: (readonly bigint[])[] = [];
    platform.answers.set("start_vmm", ([cpu]) => {
      contexts.push([cpu, ...platform.words((platform.lastCall?.stack ?? 0n) + 1n - 0x20n, 4)]);
      return 0n;
    });
    expect(events(() => driver.start())).toEqual(
      [0, 1].flatMap((cpu) => [`to CPU ${cpu}`, `start_vmm on CPU ${cpu}`, `vmcall 5 ${MAGIC}`, `started ${cpu}`, "back to 77"]),
    );
    expect(contexts).toEqual([
      [0n, 0n, blocks, 0n, 0n],
      [1n, 1n, blocks + 0x1000n, 0n, 0n],
    ]);
    expect([driver.state, driver.started]).toEqual([STATE.RUNNING, 2n]);
  });
  it("DRV-17 DRV-18: an affinity that cannot be had is the error, and what was started is stopped", () => {
    const { driver, platform, events, to } = rig({ cpus: 2 });
    to("LOADED");
    let moves = 0;
    platform.affinity = () => (++moves === 2 ? -5n : 77n);
    const seen = events(() => {
      try {
        driver.start();
      } catch (error) {
        expect(error instanceof DriverError && BigInt.asIntN(64, error.code)).toBe(-5n);
      }
    });
    expect(seen.slice(5)).toEqual(["to CPU 1", "to CPU 0", `vmcall 6 ${MAGIC}`, "stop_vmm on CPU 0", "stopped 0", "back to 77"]);
    expect([driver.state, driver.started]).toEqual([STATE.LOADED, 0n]);
  });
  it("DRV-17 DRV-18: start_vmm's own error, on the second CPU; the failure of the stop is ignored", () => {
    const { driver, platform, to } = rig({ cpus: 2 });
    to("LOADED");
    platform.answers.set("start_vmm", (_, cpu) => (cpu === 1n ? ERROR_CODE.ENTRY_ERROR_VMM_START_FAILED : 0n));
    failure("ENTRY_ERROR_VMM_START_FAILED", () => driver.start());
    expect([driver.state, driver.started]).toEqual([STATE.LOADED, 0n]);
    platform.answers.set("stop_vmm", () => 1n);
    failure("ENTRY_ERROR_VMM_START_FAILED", () => driver.start());
    expect(driver.state).toBe(STATE.CORRUPT);
    expect(platform.logged).toHaveLength(1);
  });
  it("DRV-17: an answer to the vmcall other than 0 is a failed start, and is undone", () => {
    const { driver, platform, events, to } = rig();
    to("LOADED");
    platform.vmcallAnswer = (registers) => (registers[0] === 5n ? ERROR_CODE.BFVMCALL_FAILURE : 0n);
    const seen = events(() => expect(failure("ENTRY_ERROR_VMM_START_FAILED", () => driver.start())).toContain("BFVMCALL_FAILURE"));
    expect(seen).toEqual(["to CPU 0", "start_vmm on CPU 0", `vmcall 5 ${MAGIC}`, "stop_vmm on CPU 0", "back to 77"]);
    expect([driver.state, driver.started]).toEqual([STATE.LOADED, 0n]);
  });
  it("DRV-17: so is one of the second CPU, with the first one; what cannot be undone corrupts", () => {
    const { driver, platform, events, to } = rig({ cpus: 2 });
    to("LOADED");
    let calls = 0;
    platform.vmcallAnswer = () => (++calls === 2 ? 1n : 0n);
    const seen = events(() => failure("ENTRY_ERROR_VMM_START_FAILED", () => driver.start()));
    expect(seen.filter((event) => event.startsWith("stop"))).toEqual(["stop_vmm on CPU 1", "stop_vmm on CPU 0", "stopped 0"]);
    expect([driver.state, driver.started]).toEqual([STATE.LOADED, 0n]);
    calls = 1;
    platform.answers.set("stop_vmm", () => 1n);
    failure("ENTRY_ERROR_VMM_START_FAILED", () => driver.start());
    expect(driver.state).toBe(STATE.CORRUPT);
  });
  it("DRV-18: without start_vmm no such symbol, still LOADED, fini succeeds", () => {
    const { driver, to } = rig({ without: ["start_vmm"] });
    to("LOADED");
    failure("BFELF_ERROR_NO_SUCH_SYMBOL", () => driver.start());
    expect(driver.state).toBe(STATE.LOADED);
    driver.fini();
  });
});

describe("stop", () => {
  it("DRV-20: by state", () => {
    failure("BF_ERROR_VMM_CORRUPTED", () => at("CORRUPT").driver.stop());
    failure("BF_ERROR_VMM_INVALID_STATE", () => at("UNLOADED").driver.stop());
    const { driver, events } = at("LOADED");
    expect(events(() => driver.stop())).toEqual([]);
  });
  it("DRV-21 CONST-18: on each started CPU downward: move, vmcall STOP, stop_vmm(cpu), hook, back", () => {
    const { driver, events, to } = rig({ cpus: 2 });
    to("RUNNING");
    expect(events(() => driver.stop())).toEqual(
      [1, 0].flatMap((cpu) => [`to CPU ${cpu}`, `vmcall 6 ${MAGIC}`, `stop_vmm on CPU ${cpu}`, `stopped ${cpu}`, "back to 77"]),
    );
    expect([driver.state, driver.started]).toEqual([STATE.LOADED, 0n]);
  });
  it("DRV-21: an affinity that cannot be had corrupts and is the error", () => {
    const { driver, platform } = at("RUNNING");
    platform.affinity = () => -7n;
    expect(() => driver.stop()).toThrow("the platform answered -7");
    expect(driver.state).toBe(STATE.CORRUPT);
  });
  it("DRV-21: an answer to the vmcall other than 0: stop failed, the state is what it was", () => {
    const { driver, platform } = at("RUNNING");
    platform.vmcallAnswer = () => 1n;
    failure("ENTRY_ERROR_VMM_STOP_FAILED", () => driver.stop());
    expect([driver.state, driver.started]).toEqual([STATE.RUNNING, 1n]);
    platform.vmcallAnswer = () => 0n;
    driver.stop();
    expect(driver.state).toBe(STATE.LOADED);
  });
  it("DRV-21: stop_vmm's error corrupts and is the error", () => {
    const { driver, platform } = at("RUNNING");
    platform.answers.set("stop_vmm", () => ERROR_CODE.ENTRY_ERROR_VMM_STOP_FAILED);
    failure("ENTRY_ERROR_VMM_STOP_FAILED", () => driver.stop());
    expect(driver.state).toBe(STATE.CORRUPT);
  });
  it("DRV-22: without stop_vmm no such symbol and CORRUPT; then only reset, status and dump are left", () => {
    const { driver, to } = rig({ without: ["stop_vmm"] });
    to("RUNNING");
    failure("BFELF_ERROR_NO_SUCH_SYMBOL", () => driver.stop());
    expect(driver.state).toBe(STATE.CORRUPT);
    for (const verb of ["load", "unload", "start", "stop", "fini"] as const) failure("BF_ERROR_VMM_CORRUPTED", () => driver[verb]());
    failure("BF_ERROR_VMM_CORRUPTED", () => driver.addModule("m", vmmModule()));
    failure("BF_ERROR_VMM_CORRUPTED", () => driver.vmcall(new BigUint64Array(16), 0n));
    expect(driver.status()).toMatch(/^VMM_CORRUPT\n {2}vmm\.so {2}0x/);
    driver.reset();
    expect(driver.status()).toBe("VMM_UNLOADED");
  });
});

describe("dump", () => {
  it("DRV-23: nowhere to put it, checked first; then by state", () => {
    failure("BF_ERROR_INVALID_ARG", () => at("UNLOADED").driver.dump(null, 0n));
    failure("BF_ERROR_VMM_INVALID_STATE", () => at("UNLOADED").driver.dump(new BigUint64Array(1), 0n));
  });
  it.each(["LOADED", "RUNNING", "CORRUPT"] as const)("DRV-23: get_drr(vcpuid, out) in state %s", (state) => {
    const { driver, platform } = at(state);
    platform.answers.set("get_drr", ([id, out]) => {
      platform.write(out, new Uint8Array(BigUint64Array.of(id + 0x1000n).buffer));
      return 0n;
    });
    const out = new BigUint64Array(1);
    driver.dump(out, 0x7n);
    expect(out[0]).toBe(0x1007n);
    platform.answers.set("get_drr", () => ERROR_CODE.GET_DRR_FAILURE);
    failure("GET_DRR_FAILURE", () => driver.dump(out, 0n));
  });
});

describe("vmcall", () => {
  const registers = (opcode: bigint) => BigUint64Array.from({ length: 16 }, (_, i) => (i === 0 ? opcode : BigInt(i)));
  it("DRV-24: by state, then no registers, then the CPU", () => {
    failure("BF_ERROR_VMM_CORRUPTED", () => at("CORRUPT").driver.vmcall(null, 9n));
    for (const state of ["LOADED", "UNLOADED"] as const) failure("BF_ERROR_VMM_INVALID_STATE", () => at(state).driver.vmcall(null, 9n));
    const { driver } = at("RUNNING");
    failure("BF_ERROR_INVALID_ARG", () => driver.vmcall(null, 9n));
    expect(failure("BF_ERROR_INVALID_ARG", () => driver.vmcall(registers(1n), 1n))).toContain("no CPU 1");
  });
  it("DRV-24 CONST-18: on the CPU; EVENT takes the short way; a negative CPU is the current one", () => {
    const { driver, events } = at("RUNNING");
    expect(events(() => driver.vmcall(registers(1n), 0n))).toEqual(["to CPU 0", "vmcall 1 1", "back to 77"]);
    expect(events(() => driver.vmcall(registers(4n), 0n))).toEqual(["to CPU 0", "vmcall event 2", "back to 77"]);
    expect(events(() => driver.vmcall(registers(1n), 0xffff_ffff_ffff_ffffn))).toEqual(["vmcall 1 1"]);
  });
  it("DRV-24: what the VMM answers in r1 is no error of the driver; an affinity that cannot be had is", () => {
    const { driver, platform } = at("RUNNING");
    platform.vmcallAnswer = () => ERROR_CODE.BFVMCALL_FAILURE;
    const r = registers(1n);
    driver.vmcall(r, 0n);
    expect(r[1]).toBe(ERROR_CODE.BFVMCALL_FAILURE);
    platform.vmcall = () => {
      throw new Error("the OS is not in a VM");
    };
    expect(failure("BFVMCALL_FAILURE", () => driver.vmcall(r, 0n))).toContain("the OS is not in a VM");
    platform.affinity = () => -3n;
    expect(() => driver.vmcall(r, 0n)).toThrow("-3");
    expect(driver.state).toBe(STATE.RUNNING);
  });
});

describe("vmcall with buffers", () => {
  it("the VMM finds the input, answers into the output; both are gone afterwards", () => {
    const { driver, platform } = at("RUNNING");
    const before = platform.allocations.size;
    platform.vmcallAnswer = (r) => {
      platform.write(r[8], platform.read(r[5], Number(r[6])).reverse());
      r[9] = 3n;
      return 0n;
    };
    const r = BigUint64Array.from({ length: 16 }, () => 3n);
    expect([...driver.vmcallWithBuffers(r, 0n, Uint8Array.of(1, 2, 3), 8)]).toEqual([3, 2, 1, 0, 0, 0, 0, 0]);
    expect(platform.allocations.size).toBe(before);
    expect(() => driver.vmcallWithBuffers(r, 9n, Uint8Array.of(1), 8)).toThrow("no CPU 9");
    expect(() => driver.vmcallWithBuffers(r, 0n, Uint8Array.of(1), 1 << 25)).toThrow("MEMORY_POOL_BYTES");
    expect(platform.allocations.size).toBe(before);
  });
});

describe("symbols", () => {
  it("DRV-25: no name, no modules, no such symbol", () => {
    failure("BF_ERROR_INVALID_ARG", () => at("LOADED").driver.executeSymbol("", 0n, 0n, 0n));
    failure("BF_ERROR_NO_MODULES_ADDED", () => rig().driver.executeSymbol("local_init", 0n, 0n, 0n));
    failure("BFELF_ERROR_NO_SUCH_SYMBOL", () => at("LOADED").driver.executeSymbol("nobody_has_it", 0n, 0n, 0n));
  });
  it("DRV-25 CONST-6 ENT-6: execute_entry(stack, function, a1, a2) with {cpuid, block, 0, 0} at the top of the stack; its answer is the error", () => {
    const { driver, platform, to } = rig({ cpus: 2 });
    to("LOADED");
    driver.executeSymbol("get_drr", 11n, 22n, 1n);
    expect(platform.lastCall).toMatchObject({ a1: 11n, a2: 22n });
    const { stack } = platform.lastCall as { stack: bigint };
    expect(stack & 0x7fffn).toBe(0x7fffn);
    const blocks = [...platform.allocations].find(([, { what }]) => what === "thread-local blocks")?.[0] ?? 0n;
    expect(platform.words(stack - 0x1fn, 4)).toEqual([1n, blocks + 0x1000n, 0n, 0n]);
    platform.answers.set("get_drr", () => 0x1234n);
    expect(() => driver.executeSymbol("get_drr", 0n, 0n, 0n)).toThrow("get_drr: it answered 0x1234");
  });
  it("DRV-26: a symbol's address; a module by index", () => {
    const { driver } = at("LOADED");
    const base = driver.module(0)?.address ?? 0n;
    expect(driver.resolveSymbol("local_init")).toBe(base + BigInt(CODE) + 16n);
    failure("BF_ERROR_INVALID_ARG", () => driver.resolveSymbol(""));
    expect([driver.module(-1), driver.module(1), driver.module(75)]).toEqual([undefined, undefined, undefined]);
  });
});

describe("every step that can fail", () => {
  it("is undone: the state is what it was, nothing is left, and the next try succeeds", () => {
    const steps: string[] = [];
    const all = rig({ cpus: 2, faults: { fails: (name) => steps.push(name) < 0 } });
    all.to("RUNNING");
    expect(steps.length).toBeGreaterThan(15);
    for (const [at, step] of steps.entries()) {
      let count = 0;
      const { driver, platform } = rig({ cpus: 2, faults: { fails: () => count++ === at } });
      const told: string[] = [];
      const tried = (verb: () => void) => {
        try {
          verb();
        } catch (error) {
          if (!(error instanceof DriverError)) throw error;
          told.push(error.message);
        }
      };
      const run = () => {
        tried(() => driver.addModule("vmm.so", vmmModule()));
        if (driver.moduleCount === 1) tried(() => driver.load());
        if (driver.state === STATE.LOADED) tried(() => driver.start());
      };
      run();
      expect(told, step).toEqual([`${step}: made to fail`]);
      expect(driver.state, step).toBe(/start|move|vmcall/.test(step) ? STATE.LOADED : STATE.UNLOADED);
      expect(driver.started).toBe(0n);
      driver.unload();
      expect([platform.allocations.size, platform.access.size], step).toEqual([0, 0]);
      told.length = 0;
      run();
      expect([told, driver.state]).toEqual([[], STATE.RUNNING]);
    }
  });
});
