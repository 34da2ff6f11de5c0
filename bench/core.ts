/**
 * `npm run bench:core`: what single parts of the core cost: a loop of registers, of memory, calls, decoding, leaving a slice, an exception.
 */
import Benchmark from "benchmark";
import { STOP } from "../src/spec/events.ts";
import { CODE, machine } from "./machine.ts";

/** instructions for each call of `run` in the loops */
const SLICE = 1_000_000;
const LOOPS: readonly (readonly [string, string])[] = [
  // add rax, rcx; dec ecx; jnz
  ["registers, 3 instructions a loop", "4801c8 ffc9 75f9 ebf7"],
  // mov rax, [rsi]; add rax, 1; mov [rsi], rax; dec ecx; jnz
  ["load, add, store", "488b06 4883c001 488906 ffc9 75f2 ebf0"],
  // call +2; jmp -7; ret
  ["call and return", "e802000000 ebf9 c3"],
];
const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(" ", ""), "hex");

const suite = new Benchmark.Suite();
const add = (name: string, unit: string, count: number, fn: () => void): void => {
  suite.add(name, fn, { maxTime: 1, minSamples: 5, onComplete: (event) => report(event.target, unit, count) });
};

for (const [name, code] of LOOPS) {
  const { vcpu } = machine(hex(code));
  add(name, "million instructions", SLICE / 1e6, () => vcpu.run(BigInt(SLICE)));
}

{
  // a MiB of: mov eax, ecx; add rdx, 0x12345678; imul edi, esi; lea r8, [rax+rcx*4+16]; jmp to the next; and at the end to the start
  const part = hex("89c8 4881c278563412 0faffe 4c8d448810 eb00");
  const parts = (1 << 20) / part.length - 1;
  const code = new Uint8Array((parts | 0) * part.length + 5);
  for (let i = 0; i < (parts | 0); i++) code.set(part, i * part.length);
  code.set([0xe9], code.length - 5);
  new DataView(code.buffer).setInt32(code.length - 4, -code.length, true);
  const { core, vcpu } = machine(code);
  const instructions = (parts | 0) * 5 + 1;
  add("decode and run once", "million instructions", instructions / 1e6, () => {
    core.ramWritten(CODE, code.length);
    vcpu.run(BigInt(instructions));
  });
}

{
  const { vcpu } = machine(hex("ebfe"));
  add("a slice of one instruction", "million slices", 1e-6, () => vcpu.run(1n));
}

{
  const { vcpu } = machine(hex("0f0b"));
  add("an exception answered by the host", "million exceptions", 1e-6, () => {
    if (vcpu.run(1n) !== STOP.EXCEPTION) throw new Error("ud2 did not raise");
  });
}

function report(target: Benchmark.Target, unit: string, count: number): void {
  if (target.error !== undefined) throw target.error;
  const { name, hz, stats } = target;
  console.log(`${name.padEnd(36)} ${(hz * count).toFixed(2).padStart(8)} ${unit} a second  ±${stats.rme.toFixed(1)} %`);
}

suite.run();
