/** The machine as programs embed it. Guests are a few bytes of code each; what they should do follows from the manuals of their parts. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ConfigError, type MachineOptions } from "../../src/machine/config.ts";
import type { Delivery } from "../../src/machine/hooks.ts";
import { Machine } from "../../src/machine/machine.ts";
import { BODY, ECHO, ENTRY, exitWith, guest, HALTED, HELLO, HUNG, onVector, POWER_OFF, print, TIMER, TRIPLE_FAULT } from "../lib/guest.ts";

const module = new WebAssembly.Module(readFileSync("build/core.wasm"));
const machine = (options: MachineOptions) => Machine.create({ module, memory: 4, ...options });

async function collect(output: AsyncIterable<string>): Promise<string> {
  let all = "";
  for await (const text of output) all += text;
  return all;
}

describe("run", () => {
  test("prints over the serial port and switches off", async () => {
    const m = await machine({ kernel: HELLO });
    const text = collect(m.serial);
    expect(await m.run()).toEqual({ reason: "power off" });
    expect(await text).toBe("hello\n");
    expect(m.ended).toEqual({ reason: "power off" });
    expect(await m.run()).toEqual({ reason: "power off" });
  });

  test("ends in all the ways a guest can end", async () => {
    const run = async (kernel: Uint8Array) => (await machine({ kernel, debugExit: {}, onReset: "stop" })).run();
    expect(await run(guest(exitWith(3)))).toEqual({ reason: "exit", code: 7 });
    expect(await run(TRIPLE_FAULT)).toEqual({ reason: "triple fault" });
    expect(await run(HALTED)).toEqual({ reason: "halted" });
    // mov dx, CF9h; mov al, 6; out dx, al; jmp $
    expect(await run(guest("66baf90c b006 ee ebfe"))).toEqual({ reason: "reset" });
    // mov al, FEh; out 64h, al; jmp $
    expect(await run(guest("b0fe e664 ebfe"))).toEqual({ reason: "reset" });
  });

  test("a guest that never ends is ended by cycles, instructions, a signal or stop()", async () => {
    const m = await machine({ kernel: HUNG });
    expect(await m.run({ cycles: 1000 })).toEqual({ reason: "cycles" });
    expect(m.cycles).toBe(1000);
    expect(await m.run({ instructions: 500 })).toEqual({ reason: "instructions" });
    expect(m.stats().instructions).toBe(1500);
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 20);
    expect(await m.run({ signal: abort.signal })).toEqual({ reason: "stopped" });
    setTimeout(() => m.stop(), 20);
    expect(await m.run()).toEqual({ reason: "stopped" });
    expect(await m.run({ until: () => m.cycles > 1e6 })).toEqual({ reason: "until" });
  });

  test("a storm of exceptions does not keep it from looking up", async () => {
    // #UD whose handler is UD2 again, on a stack of 3 MiB: hundreds of thousands of exceptions and not one instruction
    const m = await machine({ kernel: guest(`eb02 0f0b ${onVector(6, BODY + 2)} 0f0b`) });
    const started = performance.now();
    expect(await m.run({ until: () => m.stats().exceptions["#UD"] > 20_000 })).toEqual({ reason: "until" });
    expect(m.stats().exceptions["#UD"]).toBeLessThan(60_000);
    expect(performance.now() - started).toBeLessThan(20_000);
  });

  test("stops at the byte that completes a text", async () => {
    const m = await machine({ kernel: guest(`${print("abcabd, and more")} ${POWER_OFF}`) });
    let seen = "";
    m.on("serial", (bytes) => {
      seen += new TextDecoder().decode(bytes);
    });
    expect(await m.run({ until: "abd" })).toEqual({ reason: "until" });
    expect(seen).toBe("abcabd");
    await m.run();
    expect(seen).toBe("abcabd, and more");
  });

  test("takes input as the guest takes it", async () => {
    const m = await machine({ kernel: ECHO });
    const text = collect(m.serial);
    const long = "0123456789".repeat(3);
    const written = m.serial.write(`${long}q`);
    expect(await m.run()).toEqual({ reason: "power off" });
    await written;
    expect(await text).toBe(`${long}q`);
  });

  test("a reset starts it again", async () => {
    // inc dword [200000h]; cmp dword [200000h], 3; je over; reset by port CF9h
    const m = await machine({ kernel: guest(`ff0500002000 833d0000200003 740b 66baf90c b006 ee ebfe 9090 ${POWER_OFF}`) });
    let resets = 0;
    m.on("reset", () => resets++);
    expect(await m.run()).toEqual({ reason: "power off" });
    expect(resets).toBe(2);
  });

  test("two runs are the same to the cycle", async () => {
    const once = async () => {
      const m = await machine({ kernel: TIMER });
      await m.run();
      return { cycles: m.cycles, stats: m.stats() };
    };
    expect(await once()).toEqual(await once());
  });
});

describe("time", () => {
  test("the timer interrupts as often as it should; idle time is skipped, and counted", async () => {
    const m = await machine({ kernel: TIMER });
    const started = performance.now();
    expect(await m.run()).toEqual({ reason: "power off" });
    const { interrupts, exceptions, idleCycles, instructions, cycles } = m.stats();
    // vector 8 is the timer's as a BIOS leaves the controllers
    expect({ interrupts, exceptions }).toEqual({ interrupts: { "0x8": 10 }, exceptions: {} });
    // the first tick waits already; then nine periods of 1193 ticks of 1193182 Hz
    expect(cycles / 1e6).toBeCloseTo(8.999, 2);
    expect(idleCycles + instructions).toBe(cycles);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test("`idle` hears of it, and may take its time", async () => {
    const m = await machine({ kernel: TIMER });
    const waits: number[] = [];
    await m.run({
      idle: (nanoseconds) => {
        waits.push(nanoseconds);
        return undefined;
      },
    });
    expect(waits.length).toBe(9);
    for (const wait of waits) expect(wait).toBeLessThan(1.01e6);
  });

  test("a guest that waits for input waits with it", async () => {
    // an iretd as handler; IER and OUT2 of the UART, interrupt 4 let through; sti; hlt; mov dx, 3F8h; in al, dx; out dx, al
    const code = `66baf903 b001 ee 66bafc03 b008 ee b0ef e621 fb f4 66baf803 ec ee ${POWER_OFF}`;
    const m = await machine({ kernel: guest(`eb01 cf ${onVector(12, BODY + 2)} ${code}`) });
    const text = collect(m.serial);
    setTimeout(() => m.serial.write("x"), 50);
    expect(await m.run()).toEqual({ reason: "power off" });
    expect(await text).toBe("x");
  });
});

describe("memory and registers", () => {
  test("can be read and written from outside", async () => {
    const m = await machine({ kernel: HUNG });
    expect(m.registers.rip).toBe(BigInt(ENTRY));
    expect([...m.readPhysical(BODY, 2)]).toEqual([0xeb, 0xfe]);
    expect([...m.readVirtual(BigInt(BODY), 2)]).toEqual([0xeb, 0xfe]);
    await m.run({ cycles: 100 });
    m.writePhysical(BODY, Uint8Array.of(0xfa, 0xf4));
    expect(await m.run()).toEqual({ reason: "halted" });
    m.registers.rip = BigInt(ENTRY);
    m.registers.rax = 0x1234n;
    expect(await m.run()).toEqual({ reason: "halted" });
    expect(m.registers.rax).toBe(0x1234n);
    expect(() => m.readPhysical(5 << 20, 1)).toThrow(RangeError);
    expect(() => m.writeVirtual((4 << 20) - 1, new Uint8Array(2))).toThrow("there is no RAM behind");
  });

  test("linear addresses go through the guest's page tables", async () => {
    // mov dword [200000h], 83h; mov dword [200004h], 83h; mov eax, cr4; or al, 10h; mov cr4, eax; mov eax, 200000h; mov cr3, eax; paging on
    const m = await machine({
      memory: 8,
      kernel: guest(`c70500002000 83000000 c70504002000 83000000 0f20e0 0c10 0f22e0 b800002000 0f22d8 0f20c0 0d00000080 0f22c0 ebfe`),
    });
    await m.run({ cycles: 1000 });
    expect(m.translate(0x40_0010)).toBe(0x10);
    expect(m.translate(ENTRY + 0x40_0000)).toBe(ENTRY);
    expect(m.translate(0x80_0000)).toBeUndefined();
    expect(m.readVirtual(ENTRY + 0x40_0000, 4)).toEqual(m.readPhysical(ENTRY, 4));
    expect(() => m.readVirtual(0x7f_ffff, 2)).toThrow("linear address 0x800000");
  });
});

describe("hooks", () => {
  test("ports, code, instructions and deliveries", async () => {
    const m = await machine({ kernel: HELLO });
    const sent: number[] = [];
    const read: number[] = [];
    let entries = 0;
    let instructions = 0;
    m.hooks.onPortWrite(0x3f8, 0x3f8, ({ value }) => sent.push(value));
    m.hooks.onPortRead(0, 0xffff, ({ address }) => read.push(address));
    m.hooks.onCode(BigInt(ENTRY), () => entries++);
    m.hooks.onInstruction(() => instructions++);
    await m.run();
    expect(String.fromCharCode(...sent)).toBe("hello\n");
    expect(read).toEqual([]);
    expect(entries).toBe(1);
    expect(instructions).toBe(m.stats().instructions);
  });

  test("deliveries are told with the place they interrupt", async () => {
    const m = await machine({ kernel: TIMER });
    const seen: Delivery[] = [];
    const end = m.hooks.onDelivery((delivery) => seen.push(delivery));
    await m.run();
    expect(seen.length).toBe(10);
    expect(seen[0]).toEqual({ vector: 8, errorCode: 0, type: "interrupt" });
    end();
  });
});

describe("options", () => {
  const refused: readonly [string, MachineOptions, string][] = [
    ["memory", { memory: 0 }, "choose from 1 to 3584 MiB"],
    ["memory", { memory: 1e9 }, "choose from 1 to 3584 MiB"],
    ["memory", { memory: 1.5 }, "choose from 1 to 3584 MiB"],
    ["cpu", { cpu: "8086" }, 'there is no CPU model "8086"'],
    ["initrd", { initrd: new Uint8Array(1) }, "needs a kernel"],
    ["append", { append: "quiet" }, "needs a kernel"],
    ["append", { kernel: HELLO, append: "x".repeat(5000) }, "5000 characters"],
    ["debugExit", { debugExit: { port: 0x10000 } }, "choose from 0"],
    ["debugExit", { debugExit: { size: 3 } }, "choose 1, 2 or 4"],
    ["clock", { clock: new Date("1970-01-01") }, "choose a year"],
    ["seed", { seed: 0.5 }, "whole number"],
  ];
  test.each(refused)("%s", async (option, options, message) => {
    const refusal = Machine.create({ module, ...options });
    await expect(refusal).rejects.toThrow(ConfigError);
    await expect(refusal).rejects.toMatchObject({ option, message: expect.stringContaining(message) });
  });
});

describe("statistics", () => {
  test("count accesses by device, and those that nobody answers", async () => {
    // in al, 99h; mov eax, [F0000000h]; mov [F0000000h], eax
    const m = await machine({ kernel: guest(`${print("ab")} e499 a1000000f0 a3000000f0 ${POWER_OFF}`) });
    await m.run();
    const stats = m.stats();
    expect(stats.portAccesses).toMatchObject({ com1: { reads: 0, writes: 2 }, pm: { reads: 0, writes: 1 } });
    expect(stats.unclaimedPorts).toEqual([{ address: 0x99, reads: 1, writes: 0 }]);
    expect(stats.unclaimedAddresses).toEqual([{ address: 0xf000_0000, reads: 1, writes: 1 }]);
    expect(m.registers.rax & 0xffff0000n).toBe(0xffff0000n);
  });
});

describe("save and restore", () => {
  test("a machine goes on where it was, devices included", async () => {
    const [a, b] = [await machine({ kernel: TIMER }), await machine({ kernel: TIMER })];
    await a.run({ cycles: 3_456_789 });
    b.writePhysical(0, a.readPhysical(0, 4 << 20));
    b.restore(a.save());
    const ends = [await a.run(), await b.run()];
    expect(ends[1]).toEqual(ends[0]);
    expect(b.cycles).toBe(a.cycles);
    expect(b.registers.rbx).toBe(10n);
  });
});
