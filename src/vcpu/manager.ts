/** The vCPUs that exist, by number: made by the factory, and forgotten as soon as something about making or ending them fails. */
import { RuntimeError } from "../vmm/errors.ts";
import type { VcpuFactory } from "./factory.ts";
import type { UserData, Vcpu } from "./vcpu.ts";
import type { VcpuId } from "./vcpu-id.ts";

export class VcpuManager {
  readonly #factory: Pick<VcpuFactory, "makeVcpu">;
  readonly #vcpus = new Map<VcpuId, Vcpu>();

  constructor(factory: Pick<VcpuFactory, "makeVcpu">) {
    this.#factory = factory;
  }

  /** One that exists is kept, and initialised again. */
  create(id: VcpuId, data?: UserData): Vcpu {
    try {
      const vcpu = this.#vcpus.get(id) ?? this.#factory.makeVcpu(id, data);
      if (vcpu === undefined) throw new RuntimeError(`the vCPU factory makes no vCPU ${id}`);
      this.#vcpus.set(id, vcpu);
      vcpu.init(data);
      return vcpu;
    } catch (error) {
      this.#vcpus.delete(id);
      throw error;
    }
  }

  delete(id: VcpuId, data?: UserData): void {
    try {
      this.#vcpus.get(id)?.fini(data);
    } finally {
      this.#vcpus.delete(id);
    }
  }

  run(id: VcpuId, data?: UserData): void {
    this.#vcpus.get(id)?.run(data);
  }

  hlt(id: VcpuId, data?: UserData): void {
    this.#vcpus.get(id)?.hlt(data);
  }

  /** A message that cannot be written is no reason to fail. */
  write(id: VcpuId, text: string): void {
    try {
      this.#vcpus.get(id)?.write(text);
    } catch {
      // the ring is for telling about failures; nobody is left to tell
    }
  }

  get(id: VcpuId): Vcpu | undefined {
    return this.#vcpus.get(id);
  }

  get ids(): readonly VcpuId[] {
    return [...this.#vcpus.keys()];
  }
}
