/** Prints the interpreter's switches: the hot one inside its loop, the groups, and the compiler's. */
import { ENGINE_KINDS, GROUP_SHIFT, type Kind, type KindTable } from "../kinds.ts";
import { call } from "../semantics.ts";
import { BANNER } from "./state.ts";
import { lines } from "./tables.ts";

/** import lines for the semantics of these kinds */
function imports(kinds: readonly Kind[]): string {
  const modules = new Map<string, Set<string>>();
  for (const k of kinds) {
    const names = modules.get(k.semantic.module) ?? new Set();
    modules.set(k.semantic.module, names.add(k.semantic.name));
  }
  return [...modules]
    .map(([module, names]) => `import { ${[...names].sort().join(", ")} } from "../${module}";`)
    .sort()
    .join("\n");
}

export function printKinds(table: KindTable): string {
  const engine = ENGINE_KINDS.map((name, i) => `export const KIND_${name}: u32 = ${i};`);
  const size = (table.groups + 1) << GROUP_SHIFT;
  const hotOf = new Array<number>(size * 8).fill(0);
  const classCode = (c: string): number => ["R", "M", "I"].indexOf(c);
  for (const h of table.hot) {
    const [d, s] = h.classes.map(classCode);
    // an operand class that does not exist (`-`) matches whatever the decoder left there
    for (const dk of d < 0 ? [0, 1] : [d]) for (const sk of s < 0 ? [0, 1, 2] : [s]) hotOf[h.cold.number * 8 + dk * 4 + sk] = h.number;
  }
  const fusedOf = new Array<number>(128).fill(0);
  for (const f of table.fused) fusedOf[f.hot.number] = f.number;
  const coldOf = new Array<number>(128).fill(0);
  for (const h of table.hot) coldOf[h.number] = h.cold.number;
  for (const f of table.fused) coldOf[f.number] = f.hot.cold.number;
  const jcc = table.hot.find((h) => h.cold.semantic.name === "jcc");
  return [
    BANNER,
    ...engine,
    "/** the hot conditional jump, which a compare before it may be fused with */",
    `export const KIND_JCC: u32 = ${jcc?.number ?? 0xffff};`,
    "/** hot kind of a kind, by destination class << 2 | source class; 0 if it has none */",
    `export const HOT_KIND: usize = memory.data<u16>([\n${lines(hotOf)}\n]);`,
    "/** kind of a hot compare fused with the conditional jump behind it */",
    `export const FUSED_KIND: usize = memory.data<u16>([\n${lines(fusedOf)}\n]);`,
    "/** kind of which a hot or fused kind is a special form */",
    `export const COLD_KIND: usize = memory.data<u16>([\n${lines(coldOf)}\n]);`,
    "",
  ].join("\n");
}

/** Kinds whose semantic is generic over the back end: those a compiler can emit. It leaves MMX to the interpreter. */
const emitted = (table: KindTable): Kind[] =>
  table.kinds.filter((k) => {
    const parameters = k.semantic.typeParameters;
    return parameters.includes("B") && !(parameters.includes("V") && k.vector !== "v128");
  });

export function printEmit(table: KindTable): string {
  const kinds = emitted(table);
  const groups = [...new Set(kinds.map((k) => k.group))];
  const mask = (1 << GROUP_SHIFT) - 1;
  const functions = groups.map((g) => {
    const cases = kinds
      .filter((k) => k.group === g)
      .map((k) => `    case ${k.number & mask}:\n      ${call(k.semantic, "Emit", ["E", "E"], k)};\n      return true;`);
    return `export function emit${g}(b: Emit, op: Op, number: u32): bool {\n  switch (number) {\n${cases.join("\n")}\n  }\n  return false;\n}\n`;
  });
  return `${BANNER}
import { Emit } from "../backend/emit";
import { E, Op } from "../decode/op";
${imports(kinds)}

/** Writes the code of a record of the given kind (not hot); false if its semantic cannot be emitted. */
export function dispatchEmit(b: Emit, op: Op, kind: u32): bool {
  switch (kind >> ${GROUP_SHIFT}) {
${groups.map((g) => `    case ${g}:\n      return emit${g}(b, op, kind & ${mask});`).join("\n")}
  }
  return false;
}

${functions.join("\n")}`;
}

export function printInterpreter(table: KindTable): string {
  const cases = table.hot.map((h) => {
    const classes = h.classes.map((c) => (c === "-" ? "R" : c)) as [string, string];
    const body = `${call(h.cold.semantic, "Exec", classes, h.cold)};`;
    return `        case ${h.number}:
          ${body}
          ${h.ends ? "break" : "continue"};`;
  });
  const fused = table.fused.map((f) => {
    const [d, s] = f.hot.classes;
    const name = `${f.hot.cold.semantic.name}Jcc<${f.hot.cold.width}, ${d}, ${s}>`;
    return `        case ${f.number}:\n          ${name}(b, op);\n          break;`;
  });
  return `${BANNER}
import { Exec } from "../backend/exec";
import { I, M, OP_SIZE, Op, R } from "../decode/op";
import { addressRecord, cold, fall, next, refused, stale, stepped } from "../engine";
import { cmpJcc, testJcc } from "../fused";
import { intercept } from "../vmx/intercept";
${imports(table.hot.map((h) => h.cold))}

/** Runs blocks from RIP on until the slice ends. Hot cases stand here, everything else behind \`cold\`. */
export function interpret(b: Exec): void {
  for (;;) {
    let pc = next(b);
    if (pc == 0) return;
    for (;;) {
      const op = changetype<Op>(pc);
      pc += OP_SIZE;
      switch (<u32>op.kind) {
        case 0:
          stale(b, op);
          break;
        case 1:
          break;
        case 2:
          fall(b, op);
          break;
        case 3:
          refused(b, op);
          return;
        case 4:
          addressRecord(b, op);
          continue;
        case 5:
          if (intercept(b, op)) break;
          continue;
        case 6:
          stepped(b, op);
          break;
${[...cases, ...fused].join("\n")}
        default:
          cold(b, op);
          continue;
      }
      break;
    }
  }
}
`;
}

/** One group: an exported function, so that Binaryen does not fold it into its only caller. */
export function printGroup(table: KindTable, group: number): string {
  const kinds = table.kinds.filter((k) => k.group === group);
  const mask = (1 << GROUP_SHIFT) - 1;
  const cases = kinds.map((k) => {
    const body = call(k.semantic, "Exec", ["E", "E"], k);
    return `    case ${k.number & mask}:\n      ${body};\n      break;`;
  });
  return `${BANNER}
import { Exec } from "../backend/exec";
import { E, Op } from "../decode/op";
${imports(kinds)}

export function group${group}(b: Exec, op: Op): void {
  switch (<u32>op.kind & ${mask}) {
${cases.join("\n")}
    default:
      unreachable();
  }
}
`;
}

export function printCold(table: KindTable): string {
  const groups = Array.from({ length: table.groups }, (_, i) => i + 1);
  return `${BANNER}
import { Exec } from "../backend/exec";
import { Op } from "../decode/op";
${groups.map((g) => `import { group${g} } from "./group${g}";`).join("\n")}
${groups.map((g) => `export { group${g} };`).join("\n")}

/** Executes a record that is not hot. */
export function dispatchCold(b: Exec, op: Op): void {
  switch (<u32>op.kind >> ${GROUP_SHIFT}) {
${groups.map((g) => `    case ${g}:\n      group${g}(b, op);\n      break;`).join("\n")}
    default:
      unreachable();
  }
}
`;
}
