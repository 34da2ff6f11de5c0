/** Puts the kernel of a configuration into a machine that has just been reset, and the processor at its entry. */
import { placeAcpiTables } from "../boot/acpi/tables.ts";
import { loadKernel } from "../boot/load-kernel.ts";
import type { KernelConfig } from "./config.ts";
import type { Pc } from "./pc.ts";

export function boot(pc: Pc, kernel: KernelConfig): void {
  const { memory, vcpu, pool } = pc;
  const { initrd } = kernel;
  const rsdp = placeAcpiTables(memory, { vga: true, mouse: true });
  const { registers } = loadKernel(
    kernel.image,
    {
      fileName: kernel.name,
      append: kernel.commandLine,
      modules: kernel.modules,
      rsdp,
      vga: true,
      memoryBytes: memory.low + memory.high,
      reserved: pool.length > 0 ? [pool] : [],
      ...(initrd === undefined ? {} : { initrd }),
    },
    memory,
  );
  for (const [name, value] of Object.entries(registers))
    if (typeof value === "bigint") vcpu.set(name, value);
    else vcpu.setNumber(name, value);
  vcpu.refresh();
}
