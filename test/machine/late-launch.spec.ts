/**
 * The bundled operating system has the VMM put underneath it and taken away again at any moment, and does not notice: it says the same, and
 * retires the same instructions in the same time, as without one.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { STATE } from "../../src/driver/states.ts";
import { type Course, MOMENTS, random, VmmMachine } from "../lib/vmm-machine.ts";

const kernel = new Uint8Array(readFileSync("src/demo/kernel/image"));
const COMMANDS = ["ls /", "mem", "pi 200", "primes 2000", "selftest", "ps", "uptime", "poweroff"];
const PROMPT = "> ";

async function boot(): Promise<VmmMachine> {
  const guest = await VmmMachine.create({ memory: 128, kernel });
  await guest.machine.run({ until: PROMPT });
  guest.machine.serial.write(COMMANDS.map((command) => `${command}\n`).join(""));
  return guest;
}

/** `meanwhile` is called until the power is off. */
async function course(meanwhile: (guest: VmmMachine) => Promise<void>): Promise<Course> {
  const guest = await boot();
  while (guest.machine.ended === undefined) await meanwhile(guest);
  expect(guest.machine.ended.reason).toBe("power off");
  return guest.course();
}

describe("late launch of the bundled operating system", () => {
  const alone = course(async (guest) => void (await guest.run(100_000_000)));

  it("without a VMM it does its work", async () => {
    const { text } = await alone;
    expect(text).toMatch(/selftest: (\d+) of \1 ok/);
  });

  it("SYS-2 more than a thousand starts and stops at random moments change nothing and leak nothing", async () => {
    const next = random(0x51f3);
    let starts = 0;
    const used = new Set<string>();
    const seen = await course(async (guest) => {
      const { vmm } = guest;
      if (vmm.status() === "VMM_UNLOADED") vmm.load();
      vmm.start();
      starts++;
      await guest.run(1 + Math.floor(next() * 50_000));
      vmm.stop();
      if (starts > 1) used.add(Object.values(vmm.usage).join());
      await guest.run(1 + Math.floor(next() * 50_000));
    });
    expect(seen).toEqual(await alone);
    expect(starts).toBeGreaterThan(1000);
    expect([...used]).toHaveLength(1);
    console.log(`${starts} starts and stops, ${seen.instructions} instructions`);
  }, 120_000);

  it.each(MOMENTS)(
    "started and stopped again and again at a moment of the kind: %s",
    async (moment) => {
      const next = random(7);
      let starts = 0;
      const seen = await course(async (guest) => {
        const { vmm } = guest;
        if (vmm.status() === "VMM_UNLOADED") vmm.load();
        if (!(await guest.runTo(moment, () => 1 + Math.floor(next() * 2000)))) return;
        vmm.start();
        starts++;
        await guest.run(20_000);
        if (guest.machine.ended !== undefined) return;
        await guest.runTo(moment, () => 1 + Math.floor(next() * 2000));
        if (guest.machine.ended === undefined) vmm.stop();
      });
      expect(seen).toEqual(await alone);
      expect(starts).toBeGreaterThan(1);
    },
    120_000,
  );

  it("from the first prompt to power-off in a VM", async () => {
    let vmm: VmmMachine["vmm"] | undefined;
    const seen = await course(async (guest) => {
      vmm = guest.vmm;
      vmm.load();
      vmm.start();
      await guest.run(1_000_000_000);
    });
    expect(seen).toEqual(await alone);
    expect(vmm?.state).toBe(STATE.RUNNING);
  }, 120_000);
});
