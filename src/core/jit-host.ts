/** Turns code the core has written into a WebAssembly module around it. Modules import memory and one helper, never the core's table. */

const I32 = 0x7f;
const I64 = 0x7e;
const V128 = 0x7b;

/** locals that emitted code uses besides its temporaries: 16 registers, flagR, flagA; flagKind, TLB entry, exit; RIP */
const FIXED_LOCALS: readonly (readonly [count: number, type: number])[] = [
  [18, I64],
  [3, I32],
  [1, I64],
];

export interface EmittedLocals {
  readonly i64: number;
  readonly i32: number;
  readonly v128: number;
}

/** An emitted block: takes the RIP it starts at, returns the number of records it has run. */
export type EmittedBlock = (blockRip: bigint) => number;

export interface EmitImports {
  readonly memory: WebAssembly.Memory;
  conditionHolds(vcpu: number, cc: number): number;
}

/** Assembles a module with one function, exported as `run`. */
export function emittedModule(code: Uint8Array, locals: EmittedLocals): Uint8Array<ArrayBuffer> {
  const declared = [...FIXED_LOCALS, [locals.i64, I64], [locals.i32, I32], [locals.v128, V128]] as const;
  const declarations = [declared.length, ...declared.flatMap(([count, type]) => [...leb(count), type])];
  const type = (parameters: number[], results: number[]) => [0x60, parameters.length, ...parameters, results.length, ...results];
  const head = [
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [2, ...type([I32, I32], [I32]), ...type([I64], [I32])]),
    ...section(2, [2, ...name("env"), ...name("conditionHolds"), 0, 0, ...name("env"), ...name("memory"), 2, 0, 1]),
    ...section(3, [1, 1]),
    ...section(7, [1, ...name("run"), 0, 1]),
  ];
  const body = [...leb(declarations.length + code.length), ...declarations];
  const section10 = [1, ...body];
  return Uint8Array.from([...head, 10, ...leb(section10.length + code.length), ...section10, ...code]);
}

export function instantiateBlock(code: Uint8Array, locals: EmittedLocals, env: EmitImports): EmittedBlock {
  const module = new WebAssembly.Module(emittedModule(code, locals));
  const instance = new WebAssembly.Instance(module, { env: { memory: env.memory, conditionHolds: env.conditionHolds } });
  return instance.exports.run as EmittedBlock;
}

function leb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest & 127) | (rest > 127 ? 128 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return bytes;
}

const section = (id: number, content: readonly number[]): number[] => [id, ...leb(content.length), ...content];

const name = (text: string): number[] => [text.length, ...new TextEncoder().encode(text)];
