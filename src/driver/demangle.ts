/**
 * Names of C++ types as people write them, for messages: what an exception's type is called. Itanium C++ ABI "Mangling", as far as types of
 * exceptions go; anything else stays as it is.
 */
const BUILTIN: Readonly<Record<string, string>> = {
  v: "void",
  b: "bool",
  c: "char",
  a: "signed char",
  h: "unsigned char",
  w: "wchar_t",
  s: "short",
  t: "unsigned short",
  i: "int",
  j: "unsigned int",
  l: "long",
  m: "unsigned long",
  x: "long long",
  y: "unsigned long long",
  f: "float",
  d: "double",
  Dn: "decltype(nullptr)",
};
const QUALIFIED: Readonly<Record<string, string>> = { P: "*", R: "&", K: " const", V: " volatile" };

export function demangleType(mangled: string): string {
  const builtin = BUILTIN[mangled];
  if (builtin !== undefined) return builtin;
  const suffix = QUALIFIED[mangled[0]];
  if (suffix !== undefined && mangled.length > 1) return `${demangleType(mangled.slice(1))}${suffix}`;
  if (mangled.startsWith("St")) return `std::${names(mangled.slice(2))?.join("::") ?? mangled.slice(2)}`;
  const nested = mangled.startsWith("N") && mangled.endsWith("E");
  const parts = nested ? names(mangled.slice(1, -1)) : names(mangled);
  return parts?.map((part) => (part === "_GLOBAL__N_1" ? "(anonymous namespace)" : part)).join("::") ?? mangled;
}

/** "3foo5Error": each name behind its length; "St" is the namespace std */
function names(text: string): readonly string[] | undefined {
  const found: string[] = [];
  for (let rest = text; rest !== ""; ) {
    if (rest.startsWith("St")) {
      found.push("std");
      rest = rest.slice(2);
      continue;
    }
    const digits = /^\d+/.exec(rest)?.[0];
    if (digits === undefined) return undefined;
    const end = digits.length + Number(digits);
    if (end > rest.length) return undefined;
    found.push(rest.slice(digits.length, end));
    rest = rest.slice(end);
  }
  return found.length === 0 ? undefined : found;
}
