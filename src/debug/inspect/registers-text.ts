/** `info registers`: a vCPU's registers laid out as QEMU's monitor does. */
import type { Vcpu } from "../../core/core.ts";
import { SEGMENT_NAMES } from "../../spec/state.ts";

const ROWS = [
  ["rax", "rbx", "rcx", "rdx"],
  ["rsi", "rdi", "rbp", "rsp"],
  ["r8", "r9", "r10", "r11"],
  ["r12", "r13", "r14", "r15"],
] as const;
const FLAGS: readonly (readonly [number, string])[] = [
  [0x800, "O"],
  [0x400, "D"],
  [0x80, "S"],
  [0x40, "Z"],
  [0x10, "A"],
  [4, "P"],
  [1, "C"],
];

const hex = (value: bigint | number, digits: number) => value.toString(16).padStart(digits, "0");

export function registersText(vcpu: Vcpu): string {
  const wide = (name: string) => `${name.toUpperCase().padEnd(3)}=${hex(vcpu.get(name), 16)}`;
  const segment = (name: string, label = name.toUpperCase()) =>
    `${label.padEnd(3)}=${hex(vcpu.getNumber(name), 4)} ${hex(vcpu.get(`${name}Base`), 16)} ` +
    `${hex(vcpu.getNumber(`${name}Limit`), 8)} ${hex(vcpu.getNumber(`${name}Rights`), 4)}`;
  const table = (name: string) =>
    `${name.toUpperCase()}=    ${hex(vcpu.get(`${name}rBase`), 16)} ${hex(vcpu.getNumber(`${name}rLimit`), 8)}`;
  const { rflags } = vcpu;
  const flags = FLAGS.map(([bit, letter]) => (rflags & bit ? letter : "-")).join("");
  const bits = [16, 32, 64][vcpu.getNumber("mode")];
  return [
    ...ROWS.map((row) => row.map(wide).join(" ")),
    `RIP=${hex(vcpu.get("rip"), 16)} RFL=${hex(rflags, 8)} [${flags}] CPL=${vcpu.getNumber("cpl")} ${bits}-bit code`,
    ...SEGMENT_NAMES.map((name) => segment(name)),
    segment("ldtr", "LDT"),
    segment("tr"),
    table("gdt"),
    table("idt"),
    `CR0=${hex(vcpu.get("cr0"), 8)} CR2=${hex(vcpu.get("cr2"), 16)} CR3=${hex(vcpu.get("cr3"), 16)} CR4=${hex(vcpu.get("cr4"), 8)} CR8=${vcpu.getNumber("apicTpr") >> 4}`,
    [0, 1, 2, 3, 6, 7].map((n) => `DR${n}=${hex(vcpu.get("dr", n), 16)}`).join(" "),
    `EFER=${hex(vcpu.get("efer"), 16)} XCR0=${hex(vcpu.get("xcr0"), 16)} MXCSR=${hex(vcpu.getNumber("mxcsr"), 8)}`,
    `FCW=${hex(vcpu.getNumber("fcw"), 4)} FSW=${hex(vcpu.getNumber("fsw"), 4)} FTW=${hex(vcpu.getNumber("ftw"), 2)}`,
  ].join("\n");
}
