/** vCPU, factory and manager: they know no architecture, which a toy one shows. */
import { describe, expect, it } from "vitest";
import { VcpuFactory } from "../../src/vcpu/factory.ts";
import { VcpuManager } from "../../src/vcpu/manager.ts";
import { type UserData, Vcpu } from "../../src/vcpu/vcpu.ts";
import { BOOTSTRAP, CURRENT, hostOf, INVALID, isHost, isReserved } from "../../src/vcpu/vcpu-id.ts";
import { InvalidArgument, RuntimeError } from "../../src/vmm/errors.ts";

const written: string[] = [];
const ring = (name: string) => ({ write: (text: string) => void written.push(`${name}: ${text}`) });
const makeRing = (id: bigint) => ring(`ring of ${id}`);

/** An architecture of one register: a counter that runs down. `fails` names the step that throws. */
class ToyVcpu extends Vcpu {
  readonly log: string[] = [];
  fails = "";

  constructor(id: bigint) {
    super(id, makeRing);
  }

  #step(name: string, data?: UserData): void {
    this.log.push(data === undefined ? name : `${name} ${String(data)}`);
    if (this.fails === name) throw new RuntimeError(`toy: ${name}`);
  }

  override init(data?: UserData): void {
    this.#step("init", data);
    super.init(data);
  }
  override run(data?: UserData): void {
    this.#step("run", data);
    super.run(data);
  }
  override hlt(data?: UserData): void {
    this.#step("hlt", data);
    super.hlt(data);
  }
  override fini(data?: UserData): void {
    this.#step("fini", data);
    super.fini(data);
  }
  override write(text: string): void {
    this.#step("write");
    super.write(text);
  }
}

function toys(prepare: (toy: ToyVcpu) => void = () => {}) {
  const made: ToyVcpu[] = [];
  const factory = new VcpuFactory().register("toy", (id) => {
    const toy = new ToyVcpu(id);
    prepare(toy);
    made.push(toy);
    return toy;
  });
  return { manager: new VcpuManager(factory), made };
}

describe("the factory", () => {
  it("VC-1 makes a vCPU of the architecture that is linked; another one replaces it", () => {
    const factory = new VcpuFactory();
    expect(factory.makeVcpu(0n)).toBeUndefined();
    const seen: unknown[] = [];
    factory.register("first", (id, data) => {
      seen.push(id, data);
      return new Vcpu(id, makeRing);
    });
    expect(factory.makeVcpu(5n, "data")).toBeInstanceOf(Vcpu);
    expect(seen).toEqual([5n, "data"]);
    factory.register("toy", (id) => new ToyVcpu(id));
    expect(factory.makeVcpu(0n)).toBeInstanceOf(ToyVcpu);
    factory.choose("first");
    expect(factory.makeVcpu(0n)).not.toBeInstanceOf(ToyVcpu);
    expect(factory.architectures).toEqual(["first", "toy"]);
    expect(() => factory.choose("pdp11")).toThrow(/no architecture "pdp11"; there are: first, toy/);
  });
});

describe("the manager", () => {
  it("VC-2 create adds an absent vCPU and initialises it; one that exists is kept and initialised again", () => {
    const { manager, made } = toys();
    expect(manager.create(0n, "a")).toBe(made[0]);
    expect(manager.create(0n, "b")).toBe(made[0]);
    expect(made.length).toBe(1);
    expect(made[0].log).toEqual(["init a", "init b"]);
    expect(manager.ids).toEqual([0n]);
  });

  it("VC-2 create: a factory that returns none is a RuntimeError, and an exception of init erases the entry", () => {
    const none = new VcpuManager({ makeVcpu: () => undefined });
    expect(() => none.create(0n)).toThrow(RuntimeError);
    expect(none.ids).toEqual([]);
    let fails = "init";
    const { manager, made } = toys((toy) => {
      toy.fails = fails;
    });
    expect(() => manager.create(0n)).toThrow(/toy: init/);
    expect(manager.ids).toEqual([]);
    fails = "";
    expect(manager.create(0n)).not.toBe(made[0]);
    made[1].fails = "init";
    expect(() => manager.create(0n)).toThrow(/toy: init/);
    expect(manager.ids).toEqual([]);
  });

  it("VC-3 delete finishes and erases, also if fini throws; unknown and deleted ids are harmless", () => {
    const { manager, made } = toys();
    manager.delete(7n);
    manager.create(0n);
    manager.delete(0n, "end");
    manager.delete(0n);
    expect(made[0].log).toEqual(["init", "fini end"]);
    manager.create(1n);
    made[1].fails = "fini";
    expect(() => manager.delete(1n)).toThrow(/toy: fini/);
    expect(manager.ids).toEqual([]);
  });

  it("VC-4 run and hlt go to the vCPU if there is one; what they throw propagates, and the vCPU stays", () => {
    const { manager, made } = toys();
    manager.run(0n);
    manager.hlt(0n);
    manager.create(0n);
    manager.run(0n, 1);
    manager.hlt(0n, 2);
    expect(made[0].log).toEqual(["init", "run 1", "hlt 2"]);
    for (const step of ["run", "hlt"] as const) {
      made[0].fails = step;
      expect(() => manager[step](0n)).toThrow(`toy: ${step}`);
      expect(manager.get(0n)).toBe(made[0]);
    }
  });

  it("VC-5 write goes to the vCPU if there is one, and never throws", () => {
    const { manager, made } = toys();
    written.length = 0;
    manager.write(0n, "nobody");
    manager.create(0n);
    manager.write(0n, "hello");
    made[0].fails = "write";
    manager.write(0n, "lost");
    expect(written).toEqual(["ring of 0: hello"]);
  });
});

describe("a vCPU", () => {
  it("VC-7 refuses ids with bit 63, makes its own ring if none is given, and starts neither running nor initialised", () => {
    expect(() => new Vcpu(1n << 63n, makeRing)).toThrow(InvalidArgument);
    written.length = 0;
    const own = new Vcpu(3n, makeRing);
    own.write("x");
    new Vcpu(3n, makeRing, ring("given")).write("y");
    expect(written).toEqual(["ring of 3: x", "given: y"]);
    expect([own.isRunning, own.isInitialized]).toEqual([false, false]);
  });

  it("VC-8 init, run, hlt and fini set the flags, in any order; fini halts first if it runs", () => {
    const vcpu = new Vcpu(0n, makeRing);
    const flags = () => [vcpu.isInitialized, vcpu.isRunning];
    vcpu.init();
    expect(flags()).toEqual([true, false]);
    vcpu.run();
    expect(flags()).toEqual([true, true]);
    vcpu.hlt();
    expect(flags()).toEqual([true, false]);
    vcpu.fini();
    expect(flags()).toEqual([false, false]);
    vcpu.run();
    expect(flags()).toEqual([false, true]);
    const toy = new ToyVcpu(0n);
    toy.run();
    toy.fini();
    expect(toy.log).toEqual(["run", "fini", "hlt"]);
    expect([toy.isInitialized, toy.isRunning]).toEqual([false, false]);
  });

  it("CONST-16 ids: bit 63 reserved, bits 62-16 a guest's, bits 15-0 the host vCPU's number, 0 the bootstrap vCPU", () => {
    expect([BOOTSTRAP, INVALID, CURRENT]).toEqual([0n, 0xffff_ffff_ffff_ffffn, 0xffff_ffff_ffff_fff0n]);
    expect([INVALID, CURRENT, 1n << 63n].every(isReserved)).toBe(true);
    expect([0n, 0xffffn, (1n << 63n) - 1n].some(isReserved)).toBe(false);
    expect([0n, 1n, 0xffffn].every(isHost)).toBe(true);
    for (let bit = 16n; bit < 63n; bit++) expect(isHost(1n << bit)).toBe(false);
    expect([hostOf(0xffffn), hostOf(0x1_0002n)]).toEqual([0xffff, 2]);
    expect(new Vcpu(0x1_0000n, makeRing).isHostVcpu).toBe(false);
  });
});
