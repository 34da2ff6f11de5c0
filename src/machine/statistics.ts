/** Counters of a machine since power-on, by names of their own; the command line writes them as JSON. */
import type { DeviceAccesses, Unclaimed } from "../bus/address-space.ts";
import { VECTOR } from "../spec/events.ts";
import type { Pc } from "./pc.ts";

export interface MachineStatistics {
  readonly instructions: number;
  /** guest time: instructions and idle time together */
  readonly cycles: number;
  /** cycles spent in HLT */
  readonly idleCycles: number;
  /** by name: "#PF" */
  readonly exceptions: Readonly<Record<string, number>>;
  /** of devices, by vector: "0x30" */
  readonly interrupts: Readonly<Record<string, number>>;
  /** by INT n, by vector */
  readonly softwareInterrupts: Readonly<Record<string, number>>;
  /** by device: "com1" */
  readonly portAccesses: Readonly<Record<string, DeviceAccesses>>;
  readonly mmioAccesses: Readonly<Record<string, DeviceAccesses>>;
  /** what nobody answered: reads as all ones */
  readonly unclaimedPorts: readonly Unclaimed[];
  readonly unclaimedAddresses: readonly Unclaimed[];
  /** by name: "CPUID"; `fast` of them the core has answered by the VMM's policy */
  readonly vmExits: Readonly<Record<string, { readonly count: number; readonly fast: number }>>;
  readonly blocksDecoded: number;
  readonly blocksStale: number;
  readonly blockBytes: number;
}

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(VECTOR).map(([name, number]) => [number, name === "NMI" ? name : `#${name}`]),
);

export function exceptionName(vector: number): string {
  return NAMES.get(vector) ?? `vector ${vector}`;
}

export function statisticsOf(pc: Pc): MachineStatistics {
  const { exceptions, interrupts, software } = pc.core.delivered;
  return {
    instructions: pc.instructions,
    cycles: pc.clock.now,
    idleCycles: Number(pc.vcpu.get("idle")),
    exceptions: byVector(exceptions, exceptionName),
    interrupts: byVector(interrupts, hex),
    softwareInterrupts: byVector(software, hex),
    portAccesses: pc.ports.accesses,
    mmioAccesses: pc.addresses.accesses,
    unclaimedPorts: pc.ports.unclaimed,
    unclaimedAddresses: pc.addresses.unclaimed,
    vmExits: Object.fromEntries(pc.core.exitStats().map(({ name, count, fast }) => [name, { count, fast }])),
    ...pc.core.counters(),
  };
}

const hex = (vector: number) => `0x${vector.toString(16)}`;

function byVector(counts: Uint32Array, name: (vector: number) => string): Readonly<Record<string, number>> {
  const entries = [...counts].map((count, vector) => [name(vector), count] as const);
  return Object.fromEntries(entries.filter(([, count]) => count > 0));
}
