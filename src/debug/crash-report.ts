/** A crash as a debugger would show it: signal, instruction, registers, code around RIP, top of the stack, mappings. */
import type { Crash } from "../boot/linux-user/crash.ts";
import { mappingLine } from "../boot/linux-user/proc-tree.ts";
import { SI, SIG, signalName } from "../boot/linux-user/signals.ts";
import { VECTOR } from "../spec/events.ts";
import { disassemble } from "./disassemble.ts";

const LINES_BEFORE = 5;
const LINES_AFTER = 6;
const FLAG_NAMES: readonly [number, string][] = [
  [0, "CF"],
  [2, "PF"],
  [4, "AF"],
  [6, "ZF"],
  [7, "SF"],
  [8, "TF"],
  [9, "IF"],
  [10, "DF"],
  [11, "OF"],
];

const MEANING: Readonly<Record<number, string>> = {
  [SIG.ILL]: "illegal instruction",
  [SIG.TRAP]: "breakpoint or trap",
  [SIG.ABRT]: "aborted",
  [SIG.BUS]: "bus error",
  [SIG.FPE]: "arithmetic exception",
  [SIG.SEGV]: "segmentation fault",
};

export function crashReport(crash: Crash): string {
  const { registers, rip } = crash;
  const names = [...registers.keys()];
  const rows = Array.from({ length: Math.ceil(names.length / 4) }, (_, i) =>
    names
      .slice(i * 4, i * 4 + 4)
      .map((name) => `${name.padStart(4)} ${hex64(registers.get(name) ?? 0n)}`)
      .join(" "),
  );
  const flags = FLAG_NAMES.filter(([bit]) => (crash.rflags & (1 << bit)) !== 0).map(([, name]) => name);
  return [
    `minusone: ${crash.program} (process ${crash.pid}) was killed by ${signalName(crash.signal.signo)}: ${reason(crash)}`,
    `at 0x${rip.toString(16)}`,
    "",
    ...rows,
    ` rip ${hex64(rip)}  flags ${crash.rflags.toString(16)} [${flags.join(" ")}]  fs ${hex64(crash.fsBase)} gs ${hex64(crash.gsBase)}`,
    "",
    ...codeLines(crash),
    "",
    "stack:",
    ...stackLines(crash),
    "",
    "mappings:",
    ...crash.mappings.map((r) => `  ${mappingLine(r)}`),
    "",
  ].join("\n");
}

function reason({ signal }: Crash): string {
  const meaning = MEANING[signal.signo] ?? "";
  if (signal.trap === VECTOR.PF) {
    const access = ((signal.errorCode ?? 0) & 16) !== 0 ? "executing" : ((signal.errorCode ?? 0) & 2) !== 0 ? "writing" : "reading";
    const cause =
      signal.signo === SIG.BUS
        ? "which is behind the end of the mapped file"
        : signal.code === 1
          ? "where nothing is mapped"
          : "which the mapping does not permit";
    return `${meaning}, ${access} 0x${(signal.address ?? 0n).toString(16)}, ${cause}`;
  }
  if (signal.trap === VECTOR.GP)
    return `${meaning}, general protection (error code ${signal.errorCode ?? 0}): a non-canonical address or a privileged instruction`;
  if (signal.trap === VECTOR.DE) return `${meaning}: division by zero or quotient too large`;
  if (signal.code === SI.USER || signal.code === SI.TKILL) return `${meaning}, sent by process ${signal.pid ?? 0}`;
  return meaning;
}

/** The instructions around RIP. Those before it are found by starting at each earlier byte until the decoding meets RIP. */
function codeLines({ code, codeStart, rip }: Crash): string[] {
  const at = Number(rip) - codeStart;
  if (at < 0 || at >= code.length) return ["  (the code at this address cannot be read)"];
  const lines: string[] = [];
  for (const offset of [...starts(code, at, codeStart), ...following(code, at, codeStart)]) {
    const address = BigInt(codeStart + offset);
    const { length, text } = disassemble(code, offset, { mode: 64, address });
    const bytes = [...code.subarray(offset, offset + length)].map((b) => b.toString(16).padStart(2, "0")).join(" ");
    lines.push(`${offset === at ? "=>" : "  "} 0x${address.toString(16)}: ${bytes.padEnd(30)} ${text}`);
  }
  return lines;
}

function starts(code: Uint8Array, end: number, base: number): number[] {
  for (let from = 0; from < end; from++) {
    const found: number[] = [];
    let at = from;
    while (at < end) {
      const { length, row } = disassemble(code, at, { mode: 64, address: BigInt(base + at) });
      if (row === undefined) break;
      found.push(at);
      at += length;
    }
    if (at === end) return found.slice(-LINES_BEFORE);
  }
  return [];
}

function following(code: Uint8Array, start: number, base: number): number[] {
  const found: number[] = [];
  for (let at = start; at < code.length && found.length < LINES_AFTER; ) {
    found.push(at);
    at += disassemble(code, at, { mode: 64, address: BigInt(base + at) }).length;
  }
  return found;
}

function stackLines({ stack, registers }: Crash): string[] {
  if (stack.length === 0) return ["  (the stack cannot be read)"];
  const view = new DataView(stack.buffer, stack.byteOffset, stack.length);
  const rsp = registers.get("rsp") ?? 0n;
  return Array.from({ length: Math.floor(stack.length / 16) }, (_, i) => {
    const words = [0, 8].map((offset) => hex64(view.getBigUint64(i * 16 + offset, true)));
    return `  0x${(rsp + BigInt(i * 16)).toString(16)}: ${words.join(" ")}`;
  });
}

function hex64(value: bigint): string {
  return value.toString(16).padStart(16, "0");
}
