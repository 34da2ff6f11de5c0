/**
 * Makes vCPUs of whatever architectures there are. An architecture is a folder beside this file that offers one function; nothing here, in
 * the manager or in the driver knows more about it.
 */
import { InvalidArgument } from "../vmm/errors.ts";
import type { UserData, Vcpu } from "./vcpu.ts";
import type { VcpuId } from "./vcpu-id.ts";

/** A new vCPU, or undefined if there can be none of this number. */
export type MakeVcpu = (id: VcpuId, data?: UserData) => Vcpu | undefined;

export class VcpuFactory {
  readonly #architectures = new Map<string, MakeVcpu>();
  #chosen: string | undefined;

  /** The architecture that is registered last makes the vCPUs, as the object that is linked first in Bareflank. */
  register(architecture: string, make: MakeVcpu): this {
    this.#architectures.set(architecture, make);
    this.#chosen = architecture;
    return this;
  }

  choose(architecture: string): void {
    if (!this.#architectures.has(architecture))
      throw new InvalidArgument(`no architecture "${architecture}"; there are: ${this.architectures.join(", ") || "none"}`);
    this.#chosen = architecture;
  }

  get architectures(): readonly string[] {
    return [...this.#architectures.keys()];
  }

  makeVcpu(id: VcpuId, data?: UserData): Vcpu | undefined {
    return this.#chosen === undefined ? undefined : this.#architectures.get(this.#chosen)?.(id, data);
  }
}
