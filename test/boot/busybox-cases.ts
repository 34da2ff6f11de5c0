/**
 * Invocations of busybox for busybox.spec.ts, from busybox-cases.txt: one a line as one would type them; words are split at blanks, '…'
 * keeps blanks and line ends together, and `< NAME` at the end gives the standard input. Each runs in a fresh directory with the files of
 * `makeFiles`.
 */
import { mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PACKED } from "./busybox-packed.ts";

export interface Case {
  readonly name: string;
  readonly args: readonly string[];
  /** file that is the standard input */
  readonly stdin?: string;
}

export const CASES: readonly Case[] = parse(readFileSync(new URL("busybox-cases.txt", import.meta.url), "utf8"));

function parse(text: string): Case[] {
  const words = (line: string) => [...line.matchAll(/'([^']*)'|(\S+)/g)].map((m) => m[1] ?? m[2]);
  // a quoted word may hold line ends
  const lines = text.trim().match(/(?:'[^']*'|[^'\n])+/g) ?? [];
  return lines.map((line) => {
    const list = words(line);
    const at = list.lastIndexOf("<");
    return at > 0 && at === list.length - 2 ? { name: line, args: list.slice(0, at), stdin: list[at + 1] } : { name: line, args: list };
  });
}

/** 2020-09-13 12:26:40 UTC */
const MODIFIED = 1_600_000_000;
const WORDS =
  "apple banana cherry date elder fig grape hazel iris jasmine kiwi lemon mango nectar olive peach quince rose sage thyme umber".split(" ");

const TEXTS: Readonly<Record<string, string>> = {
  words: `${WORDS.join("\n")}\n`,
  numbers: "10\n9\n-3\n200\n1e2\n7\n007\n42\n",
  table: "north 12.5 a1\nsouth 7.25 b22\neast 1e3 c333\nnorth -4.125 d4\nwest 0.5 e55\n",
  text: "one two\tthree\n\ttwo four six\nthe quick brown fox jumps over the lazy dog\n\nfour five\nlast line  \n",
  passwd:
    "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/:/bin/false\nalice:x:1000:100:A. Smith:/home/alice:/bin/ash\nbob:x:999:100:Bob:/home/bob:/bin/sh\n",
  a: "1\n2\n3\nsame\nold\n5\n6\n7\n",
  b: "1\n2\nthree\nsame\nnew\nnewer\n5\n7\n",
  "sorted-a": "a\na\nb\nc\nd\nd\nd\n",
  "sorted-b": "a\nc\nd\nf\n",
  "sums.bc": "scale=20\n4*a(1)\ne(1)\nsqrt(2)\n2^100\ndefine f(x) { if (x < 2) return 1; return x * f(x - 1); }\nf(25)\nibase=16\nFF\n",
  "script.ed": "1,2p\n/quick/s/brown/red/p\n$a\nadded\n.\n,n\nq\nq\n",
  "script.sh":
    '#!/bin/sh\nn=$1; a=0; b=1\nwhile [ $n -gt 0 ]; do\n  echo "$a"; t=$((a + b)); a=$b; b=$t; n=$((n - 1))\ndone | paste -s -d" "\n',
  "change.patch": "--- a\t2020-01-01\n+++ a\t2020-01-02\n@@ -1,8 +1,8 @@\n 1\n 2\n-3\n+drei\n same\n-old\n+neu\n 5\n 6\n 7\n",
  encoded: "VGhlIHF1aWNrIGJyb3duIGZveCwganVtcHMgb3ZlciB0aGUgbGF6eSBkb2cuAAECAwQF/w==\n",
  uuencoded: "begin 644 name\n#0V%T\n`\nend\n",
  "dump.xxd": "00000000: 4865 6c6c 6f2c 2077 6f72 6c64 210a       Hello, world!.\n",
  "sums.md5": "d41d8cd98f00b204e9800998ecf8427e  tree/empty-file\n00000000000000000000000000000000  words\n",
};

/** The files every case finds, with fixed times. */
export function makeFiles(folder: string): void {
  const put = (name: string, bytes: string | Uint8Array) => {
    writeFileSync(join(folder, name), bytes, { mode: 0o644 });
    utimesSync(join(folder, name), MODIFIED, MODIFIED);
  };
  for (const name of ["tree", "tree/sub", "tree/empty", "other"]) mkdirSync(join(folder, name), { mode: 0o755 });
  for (const [name, text] of Object.entries(TEXTS)) put(name, text);
  for (const [name, text] of Object.entries(PACKED)) put(name, Buffer.from(text, "base64"));
  const binary = Uint8Array.from({ length: 400 }, (_, i) => (i * i * 31 + i * 7) >> (i % 5));
  put("binary", binary);
  put("changed", binary.with(7, 1).with(300, 2));
  for (const [name, text] of [
    ["one.txt", "one\n"],
    ["two.txt", "two and two\n"],
    ["sub/three.text", "three\n".repeat(10)],
    ["empty-file", ""],
  ])
    put(`tree/${name}`, text);
  put("other/one.txt", "ONE\n");
  symlinkSync("words", join(folder, "link-to-file"));
  for (const name of ["tree/sub", "tree/empty", "tree", "other"]) utimesSync(join(folder, name), MODIFIED, MODIFIED);
}
