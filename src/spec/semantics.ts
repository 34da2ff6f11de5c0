/**
 * What the semantics of assembly/semantics can be called with. Their signatures are the contract: `B` is the back end, `T` the operand width,
 * `V` the vector register's width (v128 or, for MMX, u64), `D` and `S` the operand classes, and any other type parameter takes the row's
 * explicit arguments in order.
 */
export interface Semantic {
  readonly name: string;
  /** file below assembly/, without extension: `semantics/alu` */
  readonly module: string;
  readonly typeParameters: readonly string[];
  /** how many value parameters: `(b, op)` is two, `(b)` one */
  readonly parameters: number;
}

const SIGNATURE = /^export function (\w+)(?:<([\w, ]+)>)?\(([^)]*)\)\s*:\s*void/gm;

/** Reads the exported semantics of one source file. */
export function semanticsOf(module: string, source: string): Semantic[] {
  return [...source.matchAll(SIGNATURE)]
    .filter((m) => /^b: (B|Exec)\b/.test(m[3]))
    .map((m) => ({
      name: m[1],
      module,
      typeParameters: m[2] === undefined ? [] : m[2].split(/,\s*/),
      parameters: m[3].split(",").filter((p) => p.trim() !== "").length,
    }));
}

/** What a row binds type parameters to. */
export interface Binding {
  /** T */
  readonly width: string;
  /** V */
  readonly vector: string;
  /** the row's own type arguments */
  readonly typeArguments: readonly string[];
}

/** The call of a semantic with everything bound. */
export function call(s: Semantic, backEnd: string, classes: readonly [string, string], { width, vector, typeArguments }: Binding): string {
  const rest = [...typeArguments];
  const bound = s.typeParameters.map((p) => {
    if (p === "B") return backEnd;
    if (p === "T") return width;
    if (p === "V") return vector;
    if (p === "D") return classes[0];
    if (p === "S") return classes[1];
    const given = rest.shift();
    if (given === undefined) throw new Error(`${s.module}: ${s.name} takes a type argument ${p} that the row does not give`);
    return given;
  });
  if (rest.length > 0) throw new Error(`${s.module}: ${s.name} does not take the type argument ${rest[0]}`);
  return `${s.name}${bound.length > 0 ? `<${bound.join(", ")}>` : ""}(${["b", "op"].slice(0, s.parameters).join(", ")})`;
}
