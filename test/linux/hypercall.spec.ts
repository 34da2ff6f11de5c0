/** A program of Linux calls the VMM: nobody answers until the VMM is put underneath, and then its extension does, with others beside it. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { Vmm } from "../../src/driver/vmm.ts";
import { Machine } from "../../src/machine/machine.ts";
import { hypercallEcho } from "../../src/vcpu/intel_x64/extensions/hypercall-echo.ts";
import { msrBitmapSaver } from "../../src/vcpu/intel_x64/extensions/msr-bitmap-saver.ts";
import { portLogger } from "../../src/vcpu/intel_x64/extensions/port-logger.ts";
import { syscallTracer } from "../../src/vcpu/intel_x64/extensions/syscall-tracer.ts";
import { vpid } from "../../src/vcpu/intel_x64/extensions/vpid.ts";
import { writeWatch } from "../../src/vcpu/intel_x64/extensions/write-watch.ts";
import { CAN_REBUILD, rebuild } from "../lib/rebuild.ts";
import { Unavailable } from "./debian.ts";
import { type Guest, hypercaller } from "./guest.ts";

const MINUTES = 60_000;
const UART = 0x3f8;
const NANOSLEEP = 35n;
const VALUE = 0x1234_5678_9abc_def0n;

function guestOrReason(): Omit<Guest, "disk"> | string {
  try {
    return hypercaller();
  } catch (error) {
    if (error instanceof Unavailable) return error.message;
    throw error;
  }
}

describe("a hypercall from Linux user space", () => {
  const linux = guestOrReason();
  if (typeof linux === "string") {
    it.skip(`cannot be had: ${linux}`, () => {});
    return;
  }

  it("is an invalid opcode without a VMM, and is echoed with one", { timeout: 10 * MINUTES }, async () => {
    const [kernel, initrd] = [linux.kernel, linux.initrd].map((path) => new Uint8Array(readFileSync(path)));
    const module = new WebAssembly.Module(readFileSync("build/core.wasm"));
    const machine = await Machine.create({ memory: 256, kernel, initrd, append: "console=ttyS0", module, vmm: true });
    const { core, memory, pool } = machine.pc;
    let text = "";
    machine.on("serial", (bytes) => {
      text += Buffer.from(bytes).toString("latin1");
    });
    await machine.run({ until: "== nobody underneath" });

    const { extension, values } = hypercallEcho();
    const vmm = new Vmm({
      core,
      memory,
      pool: { physical: BigInt(pool.start), bytes: BigInt(pool.length) },
      runtime: new Uint8Array(readFileSync("src/modules/runtime/runtime.so")),
      serial: () => {},
    });
    const tracer = syscallTracer();
    const logger = portLogger(UART, UART);
    const watch = writeWatch(0n, 0xfffn);
    for (const used of [extension, tracer.extension, logger.extension, watch.extension, vpid(1), msrBitmapSaver]) vmm.use(used);
    vmm.load();
    vmm.start();
    for (let slice = 0; slice < 20 && machine.ended === undefined; slice++) await machine.run({ instructions: 100_000_000 });

    expect(machine.ended?.reason).toBe("power off");
    const answer = BigInt.asUintN(64, ~VALUE).toString(16).padStart(16, "0");
    expect(text).toContain(`== echo of 0x${VALUE.toString(16)}: 0x${answer}, succeeded`);
    expect(values).toEqual([VALUE]);
    // what the program does behind its first second of sleep, in the order of its source
    const [WRITE, GETPID, REBOOT] = [1n, 39n, 169n];
    expect(tracer.notes.map(({ number }) => number).filter((number) => number !== NANOSLEEP)).toEqual([
      ...new Array<bigint>(5).fill(WRITE),
      GETPID,
      REBOOT,
    ]);
    const logged = logger.notes.filter(({ direction }) => direction === "out").map(({ value }) => String.fromCharCode(value));
    expect(logged.join("")).toContain(`0x${answer}, succeeded`);
  });
});

// skipped without a C compiler: the committed object is compared with what its sources make
it.skipIf(!CAN_REBUILD)("the program comes from its sources", () => {
  const built = resolve("build/hypercall");
  const { sameCompiler, sameBytes } = rebuild("test/linux/hypercall/build.sh", [built], "test/linux/hypercall/hypercall", built);
  if (sameCompiler) expect(sameBytes).toBe(true);
});
