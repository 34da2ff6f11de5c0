/**
 * Debian's kernel has the VMM put underneath it and taken away again, whatever it is doing, and does its whole work the same: every byte that
 * it says, and every instruction and cycle that it takes.
 */
import { openSync, readFileSync, readSync, statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CopyOnWrite } from "../../src/devices/backends/copy-on-write.ts";
import { type Course, type Moment, random, VmmMachine } from "../lib/vmm-machine.ts";
import { Unavailable } from "./debian.ts";
import { type Guest, linuxGuest } from "./guest.ts";

const MINUTES = 60_000;
/** the kernel has counted the CPU's features by then, of which a VM has one less */
const IDENTIFIED = "Freeing SMP alternatives";
const TROUBLE = /warn|oops|call trace|unhandled|panic|segfault|rcu.*stall/i;

function guestOrReason(): Guest | string {
  try {
    return linuxGuest("linux-image-cloud-amd64");
  } catch (error) {
    if (error instanceof Unavailable) return error.message;
    throw error;
  }
}

async function boot({ kernel, initrd, disk }: Guest, append: string): Promise<VmmMachine> {
  const image = openSync(disk, "r");
  const backend = new CopyOnWrite(statSync(disk).size, (at, into) => readSync(image, into, 0, into.length, at));
  const options = { memory: 256, kernel: new Uint8Array(readFileSync(kernel)), initrd: new Uint8Array(readFileSync(initrd)) };
  const guest = await VmmMachine.create({ ...options, append, drives: [{ backend }] });
  await guest.machine.run({ until: IDENTIFIED });
  return guest;
}

async function course(from: Guest, meanwhile: (guest: VmmMachine) => Promise<void>, append = "console=ttyS0"): Promise<Course> {
  const guest = await boot(from, append);
  while (guest.machine.ended === undefined) await meanwhile(guest);
  expect(guest.machine.ended.reason).toBe("power off");
  return guest.course();
}

describe("late launch of Debian's kernel", () => {
  const linux = guestOrReason();
  if (typeof linux === "string") {
    it.skip(`cannot be had: ${linux}`, () => {});
    return;
  }
  const alone = course(linux, async (guest) => void (await guest.run(1_000_000_000)));

  it("without a VMM it does its work", { timeout: 10 * MINUTES }, async () => {
    const { text } = await alone;
    expect(text).toContain("== disk written");
    expect(text).toContain("== done");
    expect(text.split("\n").filter((line) => TROUBLE.test(line))).toEqual([]);
  });

  it("its whole work as a guest, from early in its boot to power-off", { timeout: 10 * MINUTES }, async () => {
    const seen = await course(linux, async (guest) => {
      guest.vmm.load();
      guest.vmm.start();
      await guest.run(10_000_000_000);
    });
    expect(seen).toEqual(await alone);
  });

  it("its whole work as a guest, and all of it again when it has been taken out", { timeout: 10 * MINUTES }, async () => {
    const twice = (meanwhile: (guest: VmmMachine) => Promise<void>) => course(linux, meanwhile, "console=ttyS0 again=1");
    const without = await twice(async (guest) => void (await guest.run(1_000_000_000)));
    const seen = await twice(async (guest) => {
      guest.vmm.load();
      guest.vmm.start();
      await guest.machine.run({ until: "== done" });
      guest.vmm.stop();
      await guest.run(10_000_000_000);
    });
    expect(without.text.match(/== done/g)).toHaveLength(2);
    expect(seen).toEqual(without);
  });

  it("started at user level, with interrupts off and at random, and stopped likewise, once when idle", {
    timeout: 10 * MINUTES,
  }, async () => {
    const next = random(0xdeb1a);
    const step = () => 1 + Math.floor(next() * 50_000);
    // where it starts, and where it stops; the work has one place where nothing is left to do, a sleep
    const plan: readonly (readonly [Moment, Moment])[] = [
      ["user", "interrupts off"],
      ["interrupts off", "user"],
      ["user", "user"],
      ["interrupts off", "interrupts off"],
      ["user", "idle"],
      ["interrupts off", "user"],
    ];
    const starts: string[] = [];
    const seen = await course(linux, async (guest) => {
      const { machine, vmm } = guest;
      const [first, second] = plan[starts.length] ?? [];
      const reach = async (moment: typeof first) => {
        if (moment === undefined) await guest.run(step() * 10);
        else await guest.runTo(moment, step);
        return machine.ended === undefined;
      };
      if (vmm.status() === "VMM_UNLOADED") vmm.load();
      if (!(await reach(first))) return;
      vmm.start();
      starts.push(first ?? "random");
      await guest.run(step());
      if (await reach(second)) vmm.stop();
    });
    const counts = ["user", "interrupts off", "random"].map((kind) => [kind, starts.filter((start) => start === kind).length] as const);
    console.log(`started ${counts.map(([kind, count]) => `${kind}: ${count}`).join(", ")}`);
    expect(seen).toEqual(await alone);
    for (const [kind, count] of counts) expect([kind, count >= 3]).toEqual([kind, true]);
  });

  it("started in the middle of a sleep, and running from there on", { timeout: 10 * MINUTES }, async () => {
    let isIdle = false;
    const seen = await course(linux, async (guest) => {
      guest.vmm.load();
      isIdle = await guest.runTo("idle", () => 1);
      guest.vmm.start();
      await guest.run(10_000_000_000);
    });
    expect(isIdle).toBe(true);
    expect(seen).toEqual(await alone);
  });

  it("a thousand starts and stops during its work lose and leak nothing", { timeout: 10 * MINUTES }, async () => {
    const next = random(1000);
    let starts = 0;
    const used = new Set<string>();
    const seen = await course(linux, async (guest) => {
      const { machine, vmm } = guest;
      if (vmm.status() === "VMM_UNLOADED") vmm.load();
      vmm.start();
      starts++;
      await guest.run(1 + Math.floor(next() * 1_000_000));
      if (machine.ended !== undefined) return;
      vmm.stop();
      if (starts > 1) used.add(Object.values(vmm.usage).join());
      await guest.run(1 + Math.floor(next() * 500_000));
    });
    console.log(`${starts} starts and stops; ${seen.instructions} instructions; pool, heap, pages, maps in use: ${[...used].join(" | ")}`);
    expect(seen).toEqual(await alone);
    expect(starts).toBeGreaterThanOrEqual(1000);
    expect([...used]).toHaveLength(1);
  });
});
