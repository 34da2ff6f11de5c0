/** The manager over a real driver on a platform without a machine: which control codes a command becomes, and what it prints. */
import { describe, expect, it } from "vitest";
import { CONTROL, Device, RING_BYTES } from "../../../src/driver/device.ts";
import { Driver } from "../../../src/driver/driver.ts";
import { type FileStore, readFile, writeFile } from "../../../src/driver/manager/files.ts";
import { type ControlDevice, Manager, type ManagerOptions } from "../../../src/driver/manager/manager.ts";
import { STATE } from "../../../src/driver/states.ts";
import { ContractViolation, GeneralException, OutOfRange } from "../../../src/vmm/errors.ts";
import { elfModule } from "../../lib/elf-module.ts";
import { FakePlatform, vmmModule } from "../../lib/fake-platform.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const NEEDY = elfModule({ symbols: [{ name: "nobody" }], relocations: [{ at: 0x20_000, type: 6, symbol: "nobody" }] });

function rig(options: ManagerOptions = {}) {
  const platform = new FakePlatform();
  const driver = new Driver(platform);
  platform.driver = driver;
  const device = new Device(driver, (line) => platform.logged.push(line));
  const files = new Map<string, Uint8Array>([
    ["vmm.so", vmmModule()],
    ["/m/vmm.so", vmmModule()],
    ["/m/more.so", elfModule({})],
    ["/m/needy.so", NEEDY],
    ["/m/vmm.json", encode('{"modules": ["vmm.so", "/m/more.so"]}')],
    ["/m/broken.json", encode('{"modules": ["vmm.so", "needy.so"]}')],
    ["/m/missing.json", encode('{"modules": ["vmm.so", "nowhere.so"]}')],
  ]);
  const store: FileStore = {
    read: (name) => files.get(name) ?? fail(`no file ${name}`),
    write: (name, bytes) => void files.set(name, bytes),
  };
  const codes: number[] = [];
  const names = Object.entries(CONTROL);
  const recorded: ControlDevice = {
    ioctl: (code, buffer, name) => {
      codes.push(code);
      return device.ioctl(code, buffer, name);
    },
    vmcallWithBuffers: (...args) => device.vmcallWithBuffers(...args),
    get failure() {
      return device.failure;
    },
  };
  const manager = new Manager(recorded, store, options);
  /** the control codes of a command that are no questions */
  const control = (...args: string[]) => {
    codes.length = 0;
    const outcome = manager.run(args);
    expect(outcome).toEqual({ status: 0, out: "", error: "" });
    return codes.map((code) => names.find(([, value]) => value === code)?.[0]).filter((name) => name !== "STATUS");
  };
  const error = (...args: string[]) => {
    const outcome = manager.run(args);
    expect([outcome.status, outcome.out]).toEqual([1, ""]);
    return outcome.error;
  };
  const corrupt = () => {
    manager.run(["load", "vmm.so"]);
    manager.run(["start"]);
    platform.answers.set("stop_vmm", () => 1n);
    manager.run(["stop"]);
    expect(driver.state).toBe(STATE.CORRUPT);
  };
  return { platform, driver, device, files, store, manager, control, error, corrupt };
}

function fail(problem: string): never {
  throw new Error(problem);
}

const LOAD_TWO = ["ADD_MODULE_LENGTH", "ADD_MODULE", "ADD_MODULE_LENGTH", "ADD_MODULE", "LOAD"];

/** A manager whose device is in a state that no driver has. */
function strange(): Manager {
  const ioctl = (_: number, buffer?: Uint8Array) => {
    buffer?.fill(0x55);
    return 0;
  };
  return new Manager({ ioctl, vmcallWithBuffers: () => undefined, failure: undefined }, { read: () => new Uint8Array(1), write: () => {} });
}

describe("load and unload", () => {
  it("BFM-5: by state: stop and unload what there is first", () => {
    const { control, error, corrupt } = rig();
    expect(control("load", "/m/vmm.json")).toEqual(LOAD_TWO);
    expect(control("load", "/m/vmm.json")).toEqual(["UNLOAD", ...LOAD_TWO]);
    control("start");
    expect(control("load", "/m/vmm.json")).toEqual(["STOP", "UNLOAD", ...LOAD_TWO]);
    corrupt();
    expect(error("load", "/m/vmm.json")).toContain("vmm corrupt");
    expect(strange().run(["load", "x"]).error).toContain("unknown status");
  });
  it("BFM-5: the list is shuffled: every order comes, nothing is lost, and every order loads", () => {
    const orders = new Set<string>();
    for (let seed = 0; seed < 24; seed++) {
      let n = seed;
      const random = () => {
        n = (n * 7 + 3) % 24;
        return n / 24;
      };
      const { manager, driver, files } = rig({ random });
      files.set("/m/vmm.json", encode('{"modules": ["vmm.so", "more.so", "vmm.so"]}'));
      manager.load(["/m/vmm.json"]);
      const order = [0, 1, 2].map((i) => driver.module(i)?.elf.module);
      expect([...order].sort()).toEqual(["more.so", "vmm.so", "vmm.so"]);
      orders.add(order.join(" "));
    }
    expect(orders.size).toBe(3);
  });
  it("BFM-5: modules may be named themselves, and some are always there", () => {
    const { manager, driver } = rig({ always: [{ name: "runtime.so", bytes: elfModule({}) }], random: () => 0.99 });
    manager.load(["vmm.so"]);
    expect([0, 1].map((i) => driver.module(i)?.elf.module)).toEqual(["runtime.so", "vmm.so"]);
  });
  it("BFM-5: whatever fails while adding and loading unloads, and says why", () => {
    const { error, driver, files } = rig();
    expect(error("load", "/m/broken.json")).toMatch(/^vmm: ioctl failed: load: BFELF_ERROR_NO_SUCH_SYMBOL: needy\.so: needs nobody/);
    expect([driver.state, driver.moduleCount]).toEqual([STATE.UNLOADED, 0]);
    files.set("/m/needy.so", encode("not ELF, but long enough to have a header, since a header has sixty-four bytes"));
    expect(error("load", "/m/broken.json")).toContain("add needy.so: BFELF_ERROR_INVALID_SIGNATURE: needy.so: not an ELF file");
    expect(driver.moduleCount).toBe(0);
    expect(error("load", "/m/missing.json")).toBe("vmm: invalid filename: /m/nowhere.so: no file /m/nowhere.so");
    expect(driver.moduleCount).toBe(0);
  });
  it.each([["{"], ["[]"], ["null"], ['{"module": []}'], ['{"modules": "a"}'], ['{"modules": [1]}']])("BFM-5: %s is no list", (text) => {
    const { error, files } = rig();
    files.set("list", encode(text));
    expect(error("load", "list")).toContain('list: neither a module nor a list of modules, {"modules": ["a.so", …]}');
  });

  it("BFM-6: unload stops first, and is done even if there is nothing", () => {
    const { control, error, corrupt } = rig();
    expect(control("unload")).toEqual(["UNLOAD"]);
    control("load", "/m/vmm.json");
    control("start");
    expect(control("unload")).toEqual(["STOP", "UNLOAD"]);
    corrupt();
    expect(error("unload")).toContain("vmm corrupt");
  });
});

describe("start and stop", () => {
  it("BFM-7: start: loaded first; running is stopped first", () => {
    const { control, error, corrupt } = rig();
    expect(error("start")).toBe("vmm: start: vmm must be loaded first");
    control("load", "/m/vmm.json");
    expect(control("start")).toEqual(["START"]);
    expect(control("start")).toEqual(["STOP", "START"]);
    corrupt();
    expect(error("start")).toContain("vmm corrupt");
    expect(strange().run(["start"]).error).toContain("unknown status");
  });
  it("BFM-8: stop: only what runs", () => {
    const { control, error, corrupt } = rig();
    expect(control("stop")).toEqual([]);
    control("load", "/m/vmm.json");
    expect(control("stop")).toEqual([]);
    control("start");
    expect(control("stop")).toEqual(["STOP"]);
    corrupt();
    expect(error("stop")).toContain("vmm corrupt");
  });
});

describe("dump and status", () => {
  const ringWith = (platform: FakePlatform, text: string) => {
    const ring = platform.allocRw(BigInt(RING_BYTES), "a ring");
    const struct = new Uint8Array(RING_BYTES);
    struct.set(encode(text), 24);
    new DataView(struct.buffer).setBigUint64(0, BigInt(text.length), true);
    platform.write(ring, struct);
    platform.answers.set("get_drr", ([id, out]) => {
      if (id !== 0x1fn) return 0x8000_0000_0001_0000n;
      platform.write(out, new Uint8Array(BigUint64Array.of(ring).buffer));
      return 0n;
    });
  };
  it("BFM-9: the text of the ring of a vCPU, when there is a VMM", () => {
    const { manager, platform, error } = rig();
    expect(error("dump")).toContain("invalid state");
    manager.run(["load", "vmm.so"]);
    ringWith(platform, "one\0two\0");
    expect(manager.run(["dump", "--vcpuid", "1f"]).out).toBe("onetwo");
    expect(error("dump")).toContain("GET_DRR_FAILURE");
    manager.run(["start"]);
    expect(manager.run(["dump", "--vcpuid", "1f"]).out).toBe("onetwo");
    ringWith(platform, "");
    expect(manager.run(["dump", "--vcpuid", "1f"])).toEqual({ status: 0, out: "", error: "" });
  });
  it("BFM-9: also of one that is corrupt: its messages say why", () => {
    const { manager, platform, corrupt } = rig();
    corrupt();
    ringWith(platform, "why\0");
    expect(manager.run(["dump", "--vcpuid", "1f"]).out).toBe("why");
  });
  it("BFM-10: the state, one line", () => {
    const { manager, corrupt } = rig();
    const status = () => manager.run(["status"]).out;
    expect(status()).toBe("VMM_UNLOADED");
    manager.run(["load", "vmm.so"]);
    expect(status()).toBe("VMM_LOADED");
    manager.run(["start"]);
    expect(status()).toBe("VMM_RUNNING");
    corrupt();
    expect(status()).toBe("VMM_CORRUPT");
  });
});

describe("vmcall", () => {
  const running = () => {
    const all = rig();
    all.manager.run(["load", "vmm.so"]);
    all.manager.run(["start"]);
    return all;
  };
  it("BFM-11: only while running; what the VMM refuses is an error", () => {
    const { error, manager } = rig();
    for (const args of [["load", "vmm.so"], ["start"]]) {
      expect(error("vmcall", "event", "1")).toBe("vmm: vmcall: vmm must be running first");
      expect(error("vmcall", "string", "unformatted", "x")).toContain("vmm must be running first");
      expect(manager.run(args).status).toBe(0);
    }
    const { error: refused, platform } = running();
    platform.vmcallAnswer = () => 0x8000_0010_0000_0000n;
    expect(refused("vmcall", "versions", "0")).toBe("vmm: ioctl failed: vmcall: the VMM answered BFVMCALL_FAILURE");
    expect(refused("vmcall", "string", "unformatted", "x")).toContain("BFVMCALL_FAILURE");
    expect(refused("vmcall", "versions", "0", "--cpuid", "9")).toContain("there is no CPU 9");
    expect(refused("vmcall", "string", "unformatted", "x", "--cpuid", "9")).toContain("there is no CPU 9");
  });

  it("BFM-12 CONST-18: versions print the triple", () => {
    const { manager, platform } = running();
    const asked: bigint[] = [];
    platform.vmcallAnswer = (r) => {
      asked.push(r[0], r[2]);
      r.set([3n, 4n, 5n], 3);
      return 0n;
    };
    const lines = ["0", "1", "10", "7"].map((index) => manager.run(["vmcall", "versions", index]).out);
    expect(lines).toEqual(["vmcall version: 3.4.5", "vmm version: 3.4.5", "user version: 3.4.5", "version 7: 3.4.5"]);
    expect(asked).toEqual([1n, 0n, 1n, 1n, 1n, 10n, 1n, 7n]);
  });
  it("BFM-4 BFM-12: registers from r2, printed from r02 to r12 in hex", () => {
    const { manager, platform } = running();
    let sent: readonly bigint[] = [];
    platform.vmcallAnswer = (r) => {
      sent = [...r];
      return 0n;
    };
    const { out } = manager.run(["vmcall", "registers", "a", "ffffffffffffffff"]);
    expect(sent.slice(0, 5)).toEqual([2n, 0xb045eacdacd52e22n, 10n, 0xffff_ffff_ffff_ffffn, 0n]);
    expect(out.split("\n")).toHaveLength(11);
    expect(out.split("\n").slice(0, 2)).toEqual(["r02: 0xa", "r03: 0xffffffffffffffff"]);
    expect(out.split("\n").at(-1)).toBe("r12: 0x0");
  });
  it("BFM-12: event and unittest", () => {
    const { manager, platform } = running();
    platform.events.length = 0;
    // the short way of an event carries r2 only; the VMM clears r1
    platform.vmcallEvent = (r) => {
      platform.events.push(`event ${r[2]}`);
      r[1] = 0n;
    };
    expect(manager.run(["vmcall", "event", "1f"]).out).toBe("success: vmcall event 0x1f");
    expect(platform.events).toContain("event 31");
    expect(manager.run(["vmcall", "unittest", "1001"]).out).toBe("0x1001: passed");
    expect(platform.events).toContain("vmcall 10 b045eacdacd52e22");
  });

  /** A VMM that answers what it is sent, as `type`. */
  const echo = (platform: FakePlatform, type: bigint, answer?: string) => {
    const seen: bigint[] = [];
    platform.vmcallAnswer = (r) => {
      seen.splice(0, seen.length, ...r);
      const bytes = answer === undefined ? platform.read(r[5], Number(r[6])) : encode(answer);
      platform.write(r[8], bytes);
      r[7] = type;
      r[9] = BigInt(bytes.length);
      return 0n;
    };
    return seen;
  };
  it("BFM-4 BFM-12 CONST-8: strings, with their format, no id, and both buffers", () => {
    const { manager, platform } = running();
    const seen = echo(platform, 1n);
    expect(manager.run(["vmcall", "string", "unformatted", "hello wörld"]).out).toBe("received from vmm:\nhello wörld");
    expect([seen[0], seen[2], seen[3], seen[4], seen[6], seen[9]]).toEqual([3n, 0n, 0n, 1n, 12n, 131072n]);
    echo(platform, 2n);
    const { out } = manager.run(["vmcall", "string", "json", '{"a":[1,{"b":true}]}']);
    expect(out).toBe('received from vmm:\n{\n    "a": [\n        1,\n        {\n            "b": true\n        }\n    ]\n}');
  });
  it("BFM-12: data go from a file to a file", () => {
    const { manager, platform, files, error } = running();
    files.set("in", Uint8Array.of(1, 2, 3));
    const seen = echo(platform, 10n);
    expect(manager.run(["vmcall", "data", "unformatted", "in", "out"])).toEqual({ status: 0, out: "", error: "" });
    expect([files.get("out"), seen[4]]).toEqual([Uint8Array.of(1, 2, 3), 10n]);
    expect(error("vmcall", "data", "unformatted", "nowhere", "out")).toContain("invalid filename: nowhere");
  });
  it("BFM-12: an answer as large as the buffer, or larger, is out of range", () => {
    const { manager, platform } = running();
    for (const size of [131072n, 1n << 40n]) {
      platform.vmcallAnswer = (r) => {
        r[9] = size;
        return 0n;
      };
      const command = { verb: "vmcall", call: { kind: "string", format: "unformatted", text: "x" }, cpuId: 0n, vcpuId: 0n } as const;
      expect(() => manager.process(command)).toThrow(OutOfRange);
    }
  });
});

describe("files, exit codes", () => {
  it("BFM-13: no name, no such file, nothing to write", () => {
    const { store, files } = rig();
    expect(() => readFile(store, "")).toThrow(ContractViolation);
    expect(() => readFile(store, "nowhere")).toThrow(GeneralException);
    expect(() => readFile(store, "nowhere")).toThrow("invalid filename: nowhere");
    expect(() => writeFile(store, "", Uint8Array.of(1))).toThrow(ContractViolation);
    expect(() => writeFile(store, "x", new Uint8Array(0))).toThrow(ContractViolation);
    writeFile(store, "x", Uint8Array.of(1));
    expect(files.get("x")).toEqual(Uint8Array.of(1));
    expect(() => writeFile({ ...store, write: () => fail("read-only") }, "x", Uint8Array.of(1))).toThrow("invalid filename: x: read-only");
  });
  it("BFM-14: 0 for success and help, 1 with a message for everything else", () => {
    const { manager } = rig();
    expect(manager.run([])).toMatchObject({ status: 0, out: expect.stringContaining("usage: vmm COMMAND"), error: "" });
    expect(manager.run(["lode"])).toEqual({ status: 1, out: "", error: "vmm: unknown command: lode" });
    expect(manager.run(["dump", "--cpuid", "zz"])).toMatchObject({ status: 1, error: "vmm: --cpuid: zz is no hexadecimal number" });
  });
});
