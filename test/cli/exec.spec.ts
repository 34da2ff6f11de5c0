/** `minusone exec` from outside: statuses, and every bad input a short error, a documented status, no stack trace, no hang. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ELF_HEADERS, elf } from "../lib/elf.ts";

const MAIN = new URL("../../dist/cli/main.js", import.meta.url).pathname;
const ORIGIN = 0x400000;
const folder = mkdtempSync(join(tmpdir(), "minusone-"));
const at = (name: string) => join(folder, name);

function minusone(...args: string[]) {
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8", timeout: 30_000, cwd: folder });
  return { status, stdout, stderr, seconds: (performance.now() - started) / 1000 };
}

function program(name: string, hex: string, change: (file: Uint8Array) => Uint8Array = (file) => file): void {
  const code = Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));
  writeFileSync(at(name), change(elf(code, ORIGIN, ORIGIN + ELF_HEADERS, 0x10000)), { mode: 0o755 });
}

/** mov edi, N; mov eax, 231; syscall */
const EXIT_42 = "bf2a000000 b8e7000000 0f05";

beforeAll(() => {
  program("exit42", EXIT_42);
  program("hello", "b801000000 bf01000000 488d3513000000 ba06000000 0f05 bf00000000 b8e7000000 0f05 68656c6c6f0a");
  program("loop", "ebfe");
  program("pause", "b822000000 0f05");
  program("crash", "c704250010000001000000");
  program("divide", "31c9 31d2 f7f1");
  program("abort", "b827000000 0f05 89c7 be06000000 b83e000000 0f05 ebfe");
  program("unknown-call", `b80f270000 0f05 ${EXIT_42}`);
  // mmap 16 MiB, then write to every page of it
  program("fill", "31ff be00000001 ba03000000 41ba22000000 4983c8ff 4531c9 b809000000 0f05 c60001 480500100000 ebf5");
  program("truncated", EXIT_42, (file) => file.subarray(0, 100));
  program("cut", EXIT_42, (file) => file.subarray(0, file.length - 4));
  program("arm", EXIT_42, (file) => patched(file, 18, 183));
  program("32-bit", EXIT_42, (file) => patched(patched(file, 18, 3), 4, 1));
  program("object", EXIT_42, (file) => patched(file, 16, 1));
  program("data", EXIT_42);
  chmodSync(at("data"), 0o644);
  writeFileSync(at("empty"), "", { mode: 0o755 });
  writeFileSync(at("text"), "just words\n", { mode: 0o755 });
  writeFileSync(at("script"), "#!./exit42\n", { mode: 0o755 });
  writeFileSync(at("bad-script"), "#!/no/such/shell\n", { mode: 0o755 });
  writeFileSync(at("dynamic"), dynamic(), { mode: 0o755 });
  mkdirSync(at("folder"));
});

afterAll(() => rmSync(folder, { recursive: true }));

function patched(file: Uint8Array, offset: number, value: number): Uint8Array {
  file[offset] = value;
  return file;
}

/** An executable whose only program header besides the segment names a loader that is not there. */
function dynamic(): Uint8Array {
  const name = new TextEncoder().encode("/no/such/loader.so\0");
  const file = elf(new Uint8Array(56 + name.length), ORIGIN, ORIGIN, 0x1000);
  const view = new DataView(file.buffer);
  view.setUint16(56, 2, true);
  view.setUint32(ELF_HEADERS, 3, true);
  view.setBigUint64(ELF_HEADERS + 8, BigInt(ELF_HEADERS + 56), true);
  view.setBigUint64(ELF_HEADERS + 32, BigInt(name.length), true);
  file.set(name, ELF_HEADERS + 56);
  return file;
}

describe("exec", () => {
  test("prints what the program prints and ends with its status", () => {
    expect(minusone("exec", "./hello")).toMatchObject({ status: 0, stdout: "hello\n", stderr: "" });
    expect(minusone("exec", "./exit42")).toMatchObject({ status: 42, stdout: "", stderr: "" });
    expect(minusone("exec", "script").status).toBe(42);
    expect(minusone("exec", "--root", folder, "/exit42").status).toBe(42);
  });

  test("options take one or two dashes and end at the program", () => {
    const { stdout, status } = minusone("exec", "-m=64M", "--cpu", "max", "-env", "A=1", "--seed=3", "--", "./hello", "-m", "--nonsense");
    expect({ stdout, status }).toEqual({ stdout: "hello\n", status: 0 });
  });

  test("--stats-json", () => {
    minusone("exec", "--stats-json", "stats.json", "./hello");
    const stats = JSON.parse(readFileSync(at("stats.json"), "utf8"));
    expect(stats).toMatchObject({ simInsts: 8, processes: 1, syscalls: { write: 1, exit_group: 1 }, unknownSyscalls: {} });
    expect(stats.hostSeconds).toBeGreaterThan(0);
  });

  test("-d logs to a file", () => {
    minusone("exec", "-d", "in_asm,exec,syscall", "-D", "log", "./unknown-call");
    expect(readFileSync(at("log"), "utf8").split("\n")).toEqual([
      "100 exec: 0x400078",
      "100 in_asm: 0x400078: mov    eax,0x270f",
      "100 in_asm: 0x40007d: syscall",
      "100 syscall_9999(…) = -1 ENOSYS",
      "100 in_asm: 0x40007f: mov    edi,0x2a",
      "100 in_asm: 0x400084: mov    eax,0xe7",
      "100 in_asm: 0x400089: syscall",
      "100 exit_group(42) = ?",
      "unknown system call 9999: 1 times",
      "",
    ]);
  });

  test("a crash is reported as a debugger would", () => {
    const { status, stderr } = minusone("exec", "./crash");
    expect(status).toBe(139);
    expect(stderr).toContain("SIGSEGV: segmentation fault, writing 0x1000, where nothing is mapped");
    expect(stderr).toMatch(/=> 0x400078: c7 04 25 00 10 00 00 01 00 00 00 mov {4}DWORD PTR ds:0x1000,0x1/);
    expect(stderr).toContain(" rip 0000000000400078");
    expect(stderr).toContain("00400000-00401000 rwxp");
    expect(minusone("exec", "./divide")).toMatchObject({ status: 136, stderr: expect.stringContaining("SIGFPE") });
    expect(minusone("exec", "./abort")).toMatchObject({ status: 134, stderr: expect.stringContaining("sent by process 100") });
  });
});

describe("bad input", () => {
  const cases: readonly [string, number, string, ...string[]][] = [
    ["no command", 64, "what to do?"],
    ["unknown command", 64, "no command frobnicate", "frobnicate"],
    ["unknown option before the command", 64, "no option --frobnicate", "--frobnicate"],
    ["unknown option", 64, "no option --frobnicate", "exec", "--frobnicate", "./hello"],
    ["no program", 64, "needs a program", "exec"],
    ["option without its value", 64, "-m needs a value", "exec", "-m"],
    ["absurd -m", 64, "-m 99999999G is not possible; choose from 1M to 3584M", "exec", "-m", "99999999G", "./hello"],
    ["zero -m", 64, "choose from", "exec", "-m", "0", "./hello"],
    ["-m without number", 64, "no memory size", "exec", "-m", "lots", "./hello"],
    ["unknown CPU", 64, 'no CPU model "8086"', "exec", "-cpu", "8086", "./hello"],
    ["no such root", 64, "no such directory", "exec", "--root", "/no/such", "./hello"],
    ["root that is a file", 64, "not a directory", "exec", "--root", "hello", "./hello"],
    ["bad --env", 64, "NAME=VALUE", "exec", "--env", "=x", "./hello"],
    ["bad --timeout", 64, "above 0", "exec", "--timeout", "soon", "./hello"],
    ["bad --max-instructions", 64, "above 0", "exec", "--max-instructions", "-5", "./hello"],
    ["unknown item of -d", 64, "in_asm, exec, int, syscall", "exec", "-d", "everything", "./hello"],
    ["log that cannot be written", 73, "-D /no/such/log", "exec", "-D", "/no/such/log", "./hello"],
    ["statistics that cannot be written", 73, "--stats-json /no/such", "exec", "--stats-json", "/no/such/file", "./exit42"],
    ["missing file", 127, "there is no such file", "exec", "./missing"],
    ["missing interpreter", 127, "/no/such/shell", "exec", "./bad-script"],
    [
      "dynamic program without its loader",
      127,
      "its loader /no/such/loader.so is not there; link the program statically",
      "exec",
      "./dynamic",
    ],
    ["empty file", 126, "the file is empty", "exec", "./empty"],
    ["text", 126, "not an ELF file; a script needs #!", "exec", "./text"],
    ["directory", 126, "it is a directory", "exec", "./folder"],
    ["not executable", 126, "chmod +x", "exec", "./data"],
    ["truncated headers", 126, "truncated", "exec", "./truncated"],
    ["truncated segment", 126, "truncated", "exec", "./cut"],
    ["another architecture", 126, "made for AArch64", "exec", "./arm"],
    ["32-bit program", 126, "32-bit", "exec", "./32-bit"],
    ["object file", 126, "link it first", "exec", "./object"],
    ["endless loop", 124, "--timeout", "exec", "--timeout", "0.3", "./loop"],
    ["endless wait", 125, "cannot come", "exec", "./pause"],
    ["too many instructions", 123, "--max-instructions", "exec", "--max-instructions", "1000000", "./loop"],
    ["memory filled up", 137, "give it more with -m", "exec", "-m", "16M", "./fill"],
  ];

  test.each(cases)("%s", (_name, status, message, ...args) => {
    const result = minusone(...args);
    expect(result).toMatchObject({ status, stdout: "" });
    expect(result.stderr).toContain(message);
    expect(result.stderr).toMatch(/^minusone: /);
    expect(result.stderr).not.toMatch(/^\s+at .*:\d+:\d+/m);
    expect(result.stderr.split("\n").length).toBeLessThanOrEqual(3);
    expect(result.seconds).toBeLessThan(20);
  });

  test("--help names every status", () => {
    const { status, stdout } = minusone("--help");
    expect(status).toBe(0);
    for (const [, code] of cases) expect(stdout).toMatch(new RegExp(`^  (${code} |128\\+N)`, "m"));
    expect(minusone("--version").stdout).toMatch(/^minusone \d/);
  });
});
