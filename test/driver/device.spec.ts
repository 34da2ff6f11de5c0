/** The driver's control codes: what they take, what they answer, what they remember. */
import { describe, expect, it } from "vitest";
import { CONTROL, DEVICE, Device, RING_BYTES } from "../../src/driver/device.ts";
import { Driver } from "../../src/driver/driver.ts";
import { STATE } from "../../src/driver/states.ts";
import { ERROR_CODE, errorName } from "../../src/vmm/error-codes.ts";
import { elfModule } from "../lib/elf-module.ts";
import { FakePlatform, vmmModule } from "../lib/fake-platform.ts";

const word = (value: bigint) => new Uint8Array(BigUint64Array.of(value).buffer);
const NEEDY = elfModule({ symbols: [{ name: "nobody" }], relocations: [{ at: 0x20_000, type: 6, symbol: "nobody" }] });

function rig() {
  const platform = new FakePlatform();
  const driver = new Driver(platform);
  platform.driver = driver;
  const device = new Device(driver, (line) => platform.logged.push(line));
  const add = (file: Uint8Array, length = file.length) => {
    expect(device.ioctl(CONTROL.ADD_MODULE_LENGTH, word(BigInt(length)))).toBe(0);
    return device.ioctl(CONTROL.ADD_MODULE, file, "vmm.so");
  };
  const all = (...codes: number[]) => codes.map((code) => device.ioctl(code));
  const failed = () => errorName(device.failure?.code ?? 0n);
  return { platform, driver, device, add, all, failed };
}

it("CONST-11 CONST-12: name, numbers and control codes of the device", () => {
  expect(DEVICE).toEqual({ NAME: "bareflank", MAJOR: 0x96, WINDOWS_TYPE: 0xf00d });
  // 0x801 to 0x80b in this order
  const names = "ADD_MODULE_LENGTH ADD_MODULE LOAD UNLOAD START STOP DUMP STATUS SET_CPUID SET_VCPUID VMCALL".split(" ");
  expect(Object.entries(CONTROL)).toEqual(names.map((name, i) => [name, 0x801 + i]));
});

it("IOC-1: an unknown control code is -EINVAL, every failure is -1 with its reason beside", () => {
  const { device, all, failed } = rig();
  expect(all(0, 0x800, 0x80c)).toEqual([-22, -22, -22]);
  expect(all(CONTROL.LOAD)).toEqual([-1]);
  expect(failed()).toBe("BF_ERROR_NO_MODULES_ADDED");
  expect(all(CONTROL.START)).toEqual([-1]);
  expect(failed()).toBe("BF_ERROR_VMM_INVALID_STATE");
  expect(all(CONTROL.STOP, CONTROL.DUMP, CONTROL.VMCALL, CONTROL.STATUS, CONTROL.SET_CPUID)).toEqual([-1, -1, -1, -1, -1]);
  expect(all(CONTROL.UNLOAD)).toEqual([0]);
  expect(device.failure).toBeUndefined();
});

describe("modules", () => {
  it("IOC-2: the length that was told last is the length of the module", () => {
    const { device, add, driver, failed } = rig();
    const file = vmmModule();
    expect(device.ioctl(CONTROL.ADD_MODULE, file)).toBe(-1);
    expect(failed()).toBe("BF_ERROR_FAILED_TO_ADD_FILE");
    expect(add(file, 63)).toBe(-1);
    expect(failed()).toBe("BFELF_ERROR_INVALID_ARG");
    expect(add(file, file.length + 1)).toBe(-1);
    const longer = new Uint8Array(file.length + 100);
    longer.set(file);
    expect(add(longer, file.length)).toBe(0);
    expect(driver.module(0)?.elf.file.bytes.length).toBe(file.length);
  });
  it("IOC-3: the file is copied, and kept until unload", () => {
    const { device, add, all } = rig();
    const file = vmmModule();
    expect(add(file)).toBe(0);
    file.fill(0);
    expect([device.files, ...all(CONTROL.LOAD, CONTROL.START, CONTROL.STOP)]).toEqual([1, 0, 0, 0]);
    expect([...all(CONTROL.UNLOAD), device.files]).toEqual([0, 0]);
  });
});

describe("what follows a failure", () => {
  it("IOC-4: a failed load unloads", () => {
    const { device, add, all, driver, platform, failed } = rig();
    add(vmmModule());
    add(NEEDY);
    expect(all(CONTROL.LOAD)).toEqual([-1]);
    expect(failed()).toBe("BFELF_ERROR_NO_SUCH_SYMBOL");
    expect([device.files, driver.moduleCount, platform.allocations.size]).toEqual([0, 0, 0]);
  });
  it("IOC-4: also one that the driver leaves with its modules added", () => {
    const platform = new FakePlatform();
    const driver = new Driver(platform, { faults: { fails: (step) => step === "allocate a stack" } });
    const device = new Device(driver, () => {});
    const file = vmmModule();
    device.ioctl(CONTROL.ADD_MODULE_LENGTH, word(BigInt(file.length)));
    device.ioctl(CONTROL.ADD_MODULE, file);
    expect(device.ioctl(CONTROL.LOAD)).toBe(-1);
    expect([device.files, driver.moduleCount, platform.allocations.size]).toEqual([0, 0, 0]);
  });
  it("IOC-4: a failed start stops, whose own failure is only logged", () => {
    const { add, all, driver, platform, failed } = rig();
    add(vmmModule());
    all(CONTROL.LOAD);
    platform.answers.set("start_vmm", () => ERROR_CODE.ENTRY_ERROR_VMM_START_FAILED);
    expect(all(CONTROL.START)).toEqual([-1]);
    expect(failed()).toBe("ENTRY_ERROR_VMM_START_FAILED");
    expect(driver.state).toBe(STATE.LOADED);
    platform.answers.delete("start_vmm");
    platform.vmcallAnswer = () => 1n;
    platform.answers.set("stop_vmm", () => 1n);
    expect(all(CONTROL.START)).toEqual([-1]);
    expect([failed(), driver.state]).toEqual(["ENTRY_ERROR_VMM_START_FAILED", STATE.CORRUPT]);
    // what the driver tried, twice, and what the device tried
    expect(platform.logged).toHaveLength(3);
  });
  it("IOC-4: unload frees the copies even if it fails", () => {
    const { device, add, all, driver, platform } = rig();
    add(vmmModule());
    all(CONTROL.LOAD);
    platform.answers.set("local_fini", () => 1n);
    expect([...all(CONTROL.UNLOAD), device.files, driver.state]).toEqual([-1, 0, STATE.CORRUPT]);
  });
});

describe("targets and structs", () => {
  const running = () => {
    const all = rig();
    all.add(vmmModule());
    expect(all.all(CONTROL.LOAD, CONTROL.START)).toEqual([0, 0]);
    return all;
  };
  it("status is a number", () => {
    const { device } = running();
    const answer = new Uint8Array(8);
    expect(device.ioctl(CONTROL.STATUS, answer)).toBe(0);
    expect(answer).toEqual(word(12n));
  });
  it("IOC-5 IOC-6: set-cpuid is for the next vmcall, whose 16 registers go in and come out", () => {
    const { device, platform, failed } = running();
    let seen: readonly bigint[] = [];
    platform.vmcallAnswer = (r) => {
      seen = [...r];
      r[15] = 0x77n;
      return 0n;
    };
    const registers = BigUint64Array.from({ length: 16 }, (_, i) => BigInt(i + 1));
    const bytes = new Uint8Array(registers.buffer);
    platform.events.length = 0;
    expect(device.ioctl(CONTROL.VMCALL, bytes)).toBe(0);
    expect(platform.events[0]).toBe("to CPU 0");
    expect(seen).toEqual(Array.from({ length: 16 }, (_, i) => BigInt(i + 1)));
    expect([registers[1], registers[15]]).toEqual([0n, 0x77n]);
    device.ioctl(CONTROL.SET_CPUID, word(5n));
    expect(device.ioctl(CONTROL.VMCALL, bytes)).toBe(-1);
    expect([failed(), device.failure?.message]).toEqual(["BF_ERROR_INVALID_ARG", expect.stringContaining("CPU 5")]);
  });
  it("IOC-5 IOC-6: set-vcpuid is for the next dump, which copies the whole struct of the ring", () => {
    const { device, platform, failed } = running();
    const ring = platform.allocRw(BigInt(RING_BYTES), "a ring");
    platform.write(
      ring,
      Uint8Array.from({ length: RING_BYTES }, (_, i) => i % 251),
    );
    platform.answers.set("get_drr", ([id, out]) => {
      platform.write(out, word(id === 9n ? ring : 0x1234n));
      return 0n;
    });
    const out = new Uint8Array(RING_BYTES + 1);
    expect(device.ioctl(CONTROL.DUMP, out)).toBe(-1);
    expect([failed(), device.failure?.message]).toEqual(["BF_ERROR_FAILED_TO_DUMP_DR", expect.stringContaining("0x1234")]);
    device.ioctl(CONTROL.SET_VCPUID, word(9n));
    expect(device.ioctl(CONTROL.DUMP, out)).toBe(0);
    expect(out.subarray(0, RING_BYTES)).toEqual(platform.read(ring, RING_BYTES));
    // epos, spos, two tags and 32 KiB
    expect(RING_BYTES).toBe(32 + 32768);
    expect(device.ioctl(CONTROL.DUMP, out.subarray(0, 100))).toBe(-1);
  });
  it("IOC-7: when the host reboots the VMM is torn down", () => {
    const { device, driver, platform } = running();
    device.reboot();
    expect([driver.state, platform.allocations.size]).toEqual([STATE.UNLOADED, 0]);
    const other = running();
    other.platform.answers.set("stop_vmm", () => 1n);
    other.device.reboot();
    expect(other.platform.logged.at(-1)).toContain("BF_ERROR_VMM_CORRUPTED");
  });
});
