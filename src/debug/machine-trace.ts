/**
 * `-d int,exec,in_asm,mmu,cpu_reset,vmexit` of a machine: what happens in it, as lines. All but int, cpu_reset and vmexit look at every
 * instruction.
 */
import type { Delivery, VmExit } from "../machine/hooks.ts";
import type { Machine } from "../machine/machine.ts";
import { exceptionName } from "../machine/statistics.ts";
import { VECTOR } from "../spec/events.ts";
import { exitReasonName } from "../spec/exits.ts";
import { disassemble } from "./disassemble.ts";
import { exitsText } from "./inspect/exits-text.ts";
import { registersText } from "./inspect/registers-text.ts";
import type { MachineTraceItem } from "./trace-items.ts";

const MAX_INSTRUCTION = 15;
const PAGING = ["cr0", "cr3", "cr4", "efer"] as const;
/** bits of CR0 and CR4 that say how addresses are translated: PE WP PG; PSE PAE PGE LA57 PCIDE SMEP SMAP PKE */
const MATTERS: Readonly<Record<(typeof PAGING)[number], bigint>> = { cr0: 0x8001_0001n, cr3: -1n, cr4: 0x0072_10b0n, efer: 0xd00n };

type Print = (line: string) => void;

/** Returns what ends the trace. */
export function traceMachine(machine: Machine, items: ReadonlySet<MachineTraceItem>, print: Print): () => void {
  const ends = [
    ...(items.has("int") ? [machine.hooks.onDelivery(deliveries(machine, print))] : []),
    ...(items.has("mmu")
      ? [machine.hooks.onInstruction(paging(machine, print)), machine.hooks.onDelivery(pageFaults(machine, print))]
      : []),
    ...(items.has("in_asm") || items.has("exec") ? [machine.hooks.onInstruction(instructions(machine, items, print))] : []),
    ...(items.has("vmexit")
      ? [machine.hooks.onVmExit(vmExits(print)), machine.on("stop", () => print(exitsText(machine.pc.core.exitStats())))]
      : []),
    ...(items.has("cpu_reset") ? resets(machine, print) : []),
  ];
  return () => {
    for (const end of ends) end();
  };
}

const hex = (value: bigint | number) => `0x${value.toString(16)}`;

function deliveries(machine: Machine, print: Print) {
  let count = 0;
  return ({ vector, errorCode, type }: Delivery): void => {
    const { cs, rip, ss, rsp } = machine.registers;
    const cpl = machine.pc.vcpu.getNumber("cpl");
    const name = vector < 32 && type !== "interrupt" ? exceptionName(vector) : hex(vector);
    const cr2 = vector === VECTOR.PF && type === "exception" ? ` CR2=${hex(machine.registers.cr2)}` : "";
    const what = `${count++}: v=${vector.toString(16).padStart(2, "0")} e=${errorCode.toString(16).padStart(4, "0")} ${type} ${name}`;
    print(`${what} cpl=${cpl} IP=${cs.toString(16)}:${rip.toString(16)} SP=${ss.toString(16)}:${rsp.toString(16)}${cr2}`);
  };
}

function vmExits(print: Print) {
  let count = 0;
  return ({ reason, qualification, rip, cost, fast }: VmExit): void =>
    print(
      `vmexit: ${count++}: ${exitReasonName(reason)} qualification=${hex(qualification)} IP=${hex(rip)} cycles=${cost}${fast ? " fast" : ""}`,
    );
}

function paging(machine: Machine, print: Print) {
  const before = new Map<string, bigint>();
  return (rip: bigint): void => {
    for (const name of PAGING) {
      const value = machine.registers[name];
      const known = before.get(name);
      before.set(name, value);
      if (known !== undefined && ((known ^ value) & MATTERS[name]) !== 0n)
        print(`mmu: ${name} ${hex(known)} → ${hex(value)}, next instruction at ${hex(rip)}`);
    }
  };
}

function pageFaults(machine: Machine, print: Print) {
  return ({ vector, errorCode, type }: Delivery): void => {
    if (vector !== VECTOR.PF || type !== "exception") return;
    const what = [
      errorCode & 16 ? "fetching from" : errorCode & 2 ? "writing" : "reading",
      hex(machine.registers.cr2),
      errorCode & 4 ? "in ring 3:" : "in the kernel:",
      errorCode & 8
        ? "a reserved bit is set"
        : errorCode & 32
          ? "the protection key forbids it"
          : errorCode & 1
            ? "not allowed"
            : "not mapped",
    ];
    print(`mmu: page fault at ${hex(machine.registers.rip)}, ${what.join(" ")}`);
  };
}

function instructions(machine: Machine, items: ReadonlySet<MachineTraceItem>, print: Print) {
  const lengths = new Map<string, number>();
  let expected = -1n;
  const show = (rip: bigint): number => {
    const mode = ([16, 32, 64] as const)[machine.pc.vcpu.getNumber("mode")];
    const bytes = fetched(machine, rip);
    if (bytes.length === 0) return 0;
    const key = `${mode} ${rip} ${bytes.join()}`;
    const known = lengths.get(key);
    if (known !== undefined) return known;
    const { length, text } = disassemble(bytes, 0, { mode, address: rip });
    if (items.has("in_asm")) print(`in_asm: ${hex(rip)}: ${text}`);
    lengths.set(key, length);
    return length;
  };
  return (rip: bigint): void => {
    if (items.has("exec") && rip !== expected) print(`exec: ${hex(rip)}`);
    expected = rip + BigInt(show(rip));
  };
}

/** As many bytes of an instruction as are mapped. */
function fetched(machine: Machine, rip: bigint): Uint8Array {
  for (const length of [MAX_INSTRUCTION, Math.min(MAX_INSTRUCTION, 4096 - Number(rip & 0xfffn))])
    try {
      return machine.readVirtual(rip, length);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  return new Uint8Array(0);
}

function resets(machine: Machine, print: Print) {
  const show = (what: string) => print(`${what}\n${registersText(machine.pc.vcpu)}`);
  show("CPU reset");
  return [
    machine.on("reset", () => show("CPU reset")),
    machine.on("stop", ({ reason }) => {
      if (reason === "triple fault") show("Triple fault");
    }),
  ];
}
