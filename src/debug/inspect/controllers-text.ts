/** `info pic|ioapic|apic|pci`: what the interrupt controllers and the PCI bus hold. */
import type { Pc } from "../../machine/pc.ts";

const MODES = ["fixed", "lowest", "SMI", "reserved", "NMI", "INIT", "reserved", "ExtINT"];
const hex = (value: number | bigint, digits = 2) => value.toString(16).padStart(digits, "0");

export function picText({ pic }: Pc): string {
  return pic.chips
    .map(
      (c, n) =>
        `pic${n}: irr=${hex(c.irr)} imr=${hex(c.imr)} isr=${hex(c.isr)} vectors=${hex(c.vectors)} lines=${hex(c.lines)} elcr=${hex(c.elcr)}`,
    )
    .join("\n");
}

export function ioapicText({ ioapic }: Pc): string {
  return ioapic.entries
    .map(({ low, high }, pin) => {
      const flags = [low & 0x8000 ? "level" : "edge", low & 0x4000 ? "in service" : "", low & 0x10000 ? "masked" : ""].filter(
        (f) => f !== "",
      );
      const to = `${low & 0x800 ? "logical" : "physical"} ${hex(high >>> 24)}`;
      return `pin ${String(pin).padStart(2)}: vector ${hex(low & 0xff)} ${MODES[(low >> 8) & 7]} to ${to}, ${flags.join(", ")}`;
    })
    .join("\n");
}

export function pciText({ pci }: Pc): string {
  return pci.bus.functions
    .map(([slot, f]) => {
      const id = `${hex(f.config.get(0, 2), 4)}:${hex(f.config.get(2, 2), 4)}`;
      const bars = f.baseAddresses.map((bar) => {
        const base = f.placeOf(bar);
        return `    BAR ${bar.index}: ${bar.kind}, ${bar.size} bytes ${base === undefined ? "nowhere" : `at 0x${base.toString(16)}`}`;
      });
      return [`00:${hex(slot)}.0 ${id} ${f.name}`, ...bars].join("\n");
    })
    .join("\n");
}

const LVT = ["timer", "thermal", "counters", "LINT0", "LINT1", "error"];

export function lapicText({ vcpu }: Pc): string {
  const n = (name: string) => vcpu.getNumber(name);
  const base = vcpu.get("apicBase");
  const state = base & 0x800n ? (base & 0x400n ? "x2APIC" : "xAPIC") : "disabled";
  const lvt = LVT.map((name, i) => {
    const value = vcpu.getNumber("apicLvt", i);
    return `  ${name.padEnd(8)} ${hex(value, 8)} ${value & 0x10000 ? "masked" : `vector ${hex(value & 0xff)} ${MODES[(value >> 8) & 7]}`}`;
  });
  return [
    `${state} at 0x${(base & 0xf_ffff_f000n).toString(16)}, id ${n("apicId")}, TPR ${hex(n("apicTpr"))}, SVR ${hex(n("apicSvr"), 3)}, ESR ${hex(n("apicEsr"))}`,
    `  ICR ${hex(vcpu.get("apicIcr"), 16)}, LDR ${hex(n("apicLdr"), 8)}, DFR ${hex(n("apicDfr"), 8)}, timer initial ${n("apicInitial")}, next at cycle ${vcpu.nextTimer}`,
    ...lvt,
    ...(["apicIsr", "apicTmr", "apicIrr"] as const).map((name) => `  ${name.slice(4).toUpperCase()} ${vectors(vcpu, name)}`),
  ].join("\n");
}

function vectors(vcpu: Pc["vcpu"], name: string): string {
  const set: string[] = [];
  for (let v = 0; v < 256; v++) if (vcpu.getNumber(name, v >> 5) & (1 << (v & 31))) set.push(hex(v));
  return set.length === 0 ? "none" : set.join(" ");
}
