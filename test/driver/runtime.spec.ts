/** The runtime module: the way in, constructors, the C library. Expected values come from vmm-behaviour.md and the C standard. */
import { mkdirSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BudgetError, ModuleAbort, ModuleException, StackOverflow } from "../../src/driver/module-fault.ts";
import { PAGE_SIZE } from "../../src/vmm/constants.ts";
import { Modules, RUNTIME } from "../lib/modules.ts";
import { CAN_REBUILD, rebuild } from "../lib/rebuild.ts";

const FOLDER = "test/fixtures/modules";
const LIBRARY = `${FOLDER}/library.so`;
const MISBEHAVING = `${FOLDER}/misbehaving.so`;
const CRT_FAILURE = 0x8000_0000_0000_0100n;
const STACK_OVERFLOW = 0x8000_0000_0000_0010n;

function load(...files: readonly string[]): Modules {
  const modules = new Modules([RUNTIME, ...files]);
  expect(modules.init()).toBe(0n);
  return modules;
}

function thrown(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("execute_entry", () => {
  it("ENT-5 calls with two arguments, on the stack it is given, which is aligned", () => {
    const modules = load(LIBRARY, MISBEHAVING);
    expect(modules.enter("count", 5n)).toBe(5n);
    expect(modules.enter("count", 5n)).toBe(10n);
    // RSP before the call: a multiple of 32, 64 below the top of the stack
    const rsp = modules.enter("stack_pointer") + 8n;
    expect(rsp % 32n).toBe(0n);
    expect(rsp % 0x8000n).toBe(0x8000n - 0x40n);
  });

  it("ENT-5 preserves what a function has to, and XMM registers", () => {
    const { host, loader } = load(MISBEHAVING);
    const top = (host.allocate(0x10000n) + 0xffffn) & ~0x7fffn;
    // all ones in XMM0, XMM5, XMM15; 9 to 5 in RBX, R12-R15; RBP = RSP; execute_entry(...); EAX = how many of them are different
    const code = `660F74C0440F28F80F28E8555341544155415641574883EC0848C7C30900000049C7C40800000049C7C50700000049C7C60600000049C7C705000000
      4889E54889F84889F74889D6FFD031C031C94883FB090F95C101C84983FC080F95C101C84983FD070F95C101C84983FE060F95C101C84983FF050F95
      C101C84839E50F95C101C8660FD7D081FAFFFF00000F95C101C866410FD7D781FAFFFF00000F95C101C8660FD7D581FAFFFF00000F95C101C84883C4
      08415F415E415D415C5B5DC3`;
    const wrong = host.executor.call(host.code(code), [loader.resolve("execute_entry"), top - 1n, loader.resolve("clobber")]);
    expect(wrong).toBe(0n);
  });

  it("ENT-5 CONST-13 a canary that is written over: ENTRY_ERROR_STACK_OVERFLOW, and the caller goes on", () => {
    const modules = load(MISBEHAVING, LIBRARY);
    expect(modules.enter("smash", 0n)).toBe(0n);
    expect(modules.enter("smash", 1n)).toBe(STACK_OVERFLOW);
    expect(modules.enter("smash", 24n)).toBe(STACK_OVERFLOW);
    expect(modules.enter("count", 5n)).toBe(5n);
    const canary = modules.enter("stack_pointer") + 8n;
    expect(modules.host.memory.readU64(canary)).toBe(0xabcd_ef12_3456_7890n);
  });

  it("ENT-5 a stack that is too small: the guard page tells", () => {
    const modules = load(MISBEHAVING, LIBRARY);
    const before = modules.host.osHash();
    const error = thrown(() => modules.enter("recurse"));
    expect(error).toBeInstanceOf(StackOverflow);
    expect(error).toMatchObject({ code: STACK_OVERFLOW, message: expect.stringMatching(/in misbehaving\.so: recurse\+0x/) });
    expect(modules.host.osHash()).toBe(before);
    expect(modules.enter("count", 5n)).toBe(5n);
  });

  it("faults and endless loops name the function", () => {
    const modules = load(MISBEHAVING);
    expect(modules.enter("divide", 1n)).toBe(1n);
    const error = thrown(() => modules.enter("divide", 0n));
    expect(error).toBeInstanceOf(ModuleException);
    expect(error).toMatchObject({ vector: 0, message: expect.stringMatching(/^#DE in misbehaving\.so: divide\+0x/) });
    const endless = thrown(() => modules.enter("spin", 0n, 0n, { budget: 100_000n }));
    expect(endless).toBeInstanceOf(BudgetError);
    expect(endless).toMatchObject({ message: expect.stringMatching(/100000 instructions; it is in misbehaving\.so: spin\+0x/) });
  });

  it("ENT-6 the thread context is at the top of the stack, found by masking RSP with 7FFFH", () => {
    const { host, loader } = load();
    const top = (host.allocate(0x10000n) + 0xffffn) & ~0x7fffn;
    const local = host.allocate(PAGE_SIZE);
    const enter = (symbol: string, ...args: readonly bigint[]) =>
      host.executor.call(loader.resolve("execute_entry"), [top - 1n, loader.resolve(symbol), ...args]);
    for (const cpu of [0n, 3n]) {
      host.memory.writeU64(top - 32n, cpu);
      host.memory.writeU64(top - 24n, local + cpu * 64n);
      expect(enter("pthread_self")).toBe(cpu);
    }
    const key = host.allocate(PAGE_SIZE);
    expect(enter("pthread_key_create", key, 0n)).toBe(0n);
    const number = host.memory.readU64(key) & 0xffff_ffffn;
    expect(enter("pthread_setspecific", number, 77n)).toBe(0n);
    expect(host.memory.readU64(local + 3n * 64n + number * 8n)).toBe(77n);
    expect(enter("pthread_getspecific", number)).toBe(77n);
    // another processor's block
    host.memory.writeU64(top - 24n, local);
    expect(enter("pthread_getspecific", number)).toBe(0n);
  });
});

/** local_init or local_fini with a list of functions of the library */
function crt(modules: Modules, symbol: string, info: Partial<Record<"init" | "fini" | "array", string | readonly string[]>>): bigint {
  const { host, loader } = modules;
  const at = host.allocate(PAGE_SIZE);
  const array = host.allocate(PAGE_SIZE);
  const names = (info.array ?? []) as readonly string[];
  for (const [i, name] of names.entries()) host.memory.writeU64(array + BigInt(8 * i), name === "" ? 0n : loader.resolve(name));
  const resolved = (name?: string | readonly string[]) => (typeof name === "string" ? loader.resolve(name) : 0n);
  const list = names.length === 0 ? [0n, 0n] : [array, BigInt(8 * names.length)];
  const own = symbol === "local_init" ? [...list, 0n, 0n] : [0n, 0n, ...list];
  for (const [i, value] of [resolved(info.init), resolved(info.fini), ...own, 0n, 0n].entries())
    host.memory.writeU64(at + BigInt(8 * i), value);
  return modules.enter(symbol, at);
}

const marksOf = (modules: Modules): bigint => modules.host.memory.readU64(modules.loader.resolve("marks"));

describe("constructors and destructors", () => {
  it("CRT-1 no section information: CRT_FAILURE", () => {
    const modules = load();
    expect(modules.enter("local_init", 0n)).toBe(CRT_FAILURE);
    expect(modules.enter("local_fini", 0n)).toBe(CRT_FAILURE);
  });

  it("CRT-2 CRT-6 the init function, then the array up to the first null", () => {
    const modules = load(LIBRARY);
    expect(crt(modules, "local_init", { init: "mark_3", array: ["mark_1", "mark_2", "", "mark_1"] })).toBe(0n);
    expect(marksOf(modules)).toBe(312n);
    expect(crt(modules, "local_init", {})).toBe(0n);
    expect(marksOf(modules)).toBe(312n);
  });

  it("CRT-5 CRT-6 the fini array in its order up to the first null, then the fini function", () => {
    const modules = load(LIBRARY);
    expect(crt(modules, "local_fini", { fini: "mark_3", array: ["mark_1", "mark_2", "", "mark_1"] })).toBe(0n);
    expect(marksOf(modules)).toBe(123n);
    expect(crt(modules, "local_fini", {})).toBe(0n);
  });

  it("CRT-3 CRT-5 an exception in either: CRT_FAILURE, and what comes behind it does not run", () => {
    const modules = load(LIBRARY, `${FOLDER}/exceptions.so`);
    expect(crt(modules, "local_init", { init: "mark_1", array: ["uncaught_int", "mark_2"] })).toBe(CRT_FAILURE);
    expect(crt(modules, "local_fini", { fini: "mark_2", array: ["mark_1", "uncaught_standard"] })).toBe(CRT_FAILURE);
    expect(marksOf(modules)).toBe(11n);
    expect(modules.output).toContain("exception of type i in a constructor: \n");
    expect(modules.output).toContain("exception of type St16invalid_argument in a destructor: a message of the module\n");
  });

  it("CRT-4 CRT-7 unwind tables are registered, of 75 modules at most; what registering answers is the answer", () => {
    const modules = load(LIBRARY);
    const { host } = modules;
    const tables = host.allocate(PAGE_SIZE);
    expect(modules.enter("register_eh_frame", 0n, 8n)).toBe(0n);
    expect(modules.enter("register_eh_frame", tables, 0n)).toBe(0n);
    let registered = 0;
    while (modules.enter("register_eh_frame", tables, 8n) === 0n) registered++;
    // the runtime and the library are there
    expect(registered).toBe(75 - 2);
    const info = host.allocate(PAGE_SIZE);
    host.memory.writeU64(info, modules.loader.resolve("mark_1"));
    host.memory.writeU64(info + 48n, tables);
    host.memory.writeU64(info + 56n, 8n);
    expect(modules.enter("local_init", info)).toBe(0x8000_0000_0000_1000n);
    expect(marksOf(modules)).toBe(1n);
  });

  it("a constructor that faults, and one that never returns, are named", () => {
    const faulting = new Modules([RUNTIME, `${FOLDER}/faulting-constructor.so`]);
    expect(() => faulting.init()).toThrow(/^#PF by write of 0x8, which is not mapped, in faulting-constructor\.so: broken\+0x/);
    const endless = new Modules([RUNTIME, `${FOLDER}/endless-constructor.so`], { budget: 1_000_000n });
    expect(() => endless.init()).toThrow(/has not returned after 1000000 instructions; it is in endless-constructor\.so: endless\+0x/);
  });

  it("functions registered by atexit run at the end", () => {
    const modules = load(LIBRARY);
    expect(modules.enter("register_end")).toBe(0n);
    expect(modules.output).toBe("");
    expect(modules.fini()).toBe(0n);
    expect(modules.output).toBe("[end]");
  });
});

describe("the C library", () => {
  it("a module in C: state, constructor, heap", () => {
    const modules = load(LIBRARY);
    const constructed = modules.host.memory.readU64(modules.loader.resolve("constructed") & ~7n);
    expect(constructed).not.toBe(0n);
    expect(modules.enter("sorted", 1n)).toBe(0n);
    expect(modules.blocks.size).toBe(0);
  });

  it("MM-10 malloc, free, calloc, realloc over the memory manager", () => {
    const modules = load(LIBRARY);
    expect(modules.int("memory")).toBe(0);
    expect(modules.blocks.size).toBe(0);
    const p = modules.enter("malloc", 100n);
    expect(modules.blocks.get(p)).toBe(128n);
    modules.host.memory.write(p, new Uint8Array(128).fill(7));
    const q = modules.enter("realloc", p, 200n);
    expect([...modules.host.memory.read(q, 128)]).toEqual([...new Uint8Array(128).fill(7)]);
    expect([...modules.blocks.keys()]).toEqual([q]);
    // no memory: the old block stays
    expect(modules.enter("realloc", q, 1n << 40n)).toBe(0n);
    expect([...modules.blocks.keys()]).toEqual([q]);
    // QUIRK: what was not allocated cannot be reallocated
    expect(modules.enter("realloc", 0n, 8n)).toBe(0n);
    expect(modules.enter("calloc", 1n << 40n, 1n << 40n)).toBe(0n);
    expect(modules.enter("aligned_alloc", 4096n, 5n) % 4096n).toBe(0n);
    expect(modules.enter("aligned_alloc", 8192n, 5n)).toBe(0n);
  });

  it("OUT-1 nothing to write, or to nobody: 0, and nobody is asked", () => {
    const modules = load();
    const { host, loader } = modules;
    const text = host.allocate(PAGE_SIZE);
    host.memory.write(text, new TextEncoder().encode("hello"));
    const written = (...args: readonly bigint[]) => host.executor.call(loader.resolve("write"), args);
    expect(written(1n, 0n, 5n)).toBe(0n);
    expect(written(1n, text, 0n)).toBe(0n);
    for (const fd of [0n, 3n, 0xffff_ffffn]) expect(written(fd, text, 5n)).toBe(0n);
    expect(modules.output).toBe("");
    expect(written(1n, text, 5n)).toBe(5n);
    expect(written(2n, text, 4n)).toBe(4n);
  });

  it("OUT-4 what an operating system would do: -1, errno -38, and a warning", () => {
    const modules = load();
    for (const name of ["read", "lseek", "fork", "open", "close", "fstat", "kill", "getpid"]) {
      modules.output = "";
      expect(BigInt.asIntN(64, modules.enter(name))).toBe(-1n);
      expect(modules.output).toBe(`${name}: there is no such system call\n`);
      const errno = modules.host.memory.readU64(modules.enter("__errno_location")) & 0xffff_ffffn;
      expect(BigInt.asIntN(32, errno)).toBe(-38n);
    }
  });

  it("OUT-4 stack smashing prints and aborts", () => {
    const modules = load(LIBRARY);
    expect(modules.int("protected_frame", 8n)).toBe("x".charCodeAt(0));
    const error = thrown(() => modules.enter("protected_frame", 48n));
    expect(error).toBeInstanceOf(ModuleAbort);
    expect(error).toMatchObject({ message: expect.stringContaining("stack smashing detected in ") });
    expect(modules.output).toBe("stack smashing detected\n");
  });

  it("printf", () => {
    const modules = load(LIBRARY);
    const to = modules.host.allocate(PAGE_SIZE);
    const length = modules.int("format", to);
    const text = "-3    42|42   |00042 4000000000 abc ABC 123456789abc c text te    ab| % 7 44 0x10";
    expect(modules.host.memory.readText(to)).toBe(text);
    expect(length).toBe(text.length);
    modules.enter("puts", modules.text("a line"));
    expect(modules.output).toBe("a line\n");
  });

  const strings: readonly (readonly [string, string, string | number, number | string | null])[] = [
    ["strlen", "four", "", 4],
    ["strcmp", "abc", "abd", -1],
    ["strcmp", "abc", "abc", 0],
    ["strcmp", "b", "abc", 1],
    ["strcmp", "ab", "abc", -99],
    ["strcmp", "\xc3", "a", 1],
    ["strchr", "hello", 0x6c, "llo"],
    ["strchr", "hello", 0, ""],
    ["strchr", "hello", 0x78, null],
    ["strrchr", "hello", 0x6c, "lo"],
    ["strrchr", "hello", 0x78, null],
    ["strstr", "one two", "two", "two"],
    ["strstr", "one two", "", "one two"],
    ["strstr", "one two", "three", null],
    ["strdup", "copy", "", "copy"],
    ["atoi", " -42x", "", -42],
  ];
  it.each(strings)("%s(%j, %j) is %j", (name, first, second, answer) => {
    const modules = load();
    const rax = modules.enter(name, modules.text(first), typeof second === "number" ? BigInt(second) : modules.text(second));
    if (answer === null) expect(rax).toBe(0n);
    else if (typeof answer === "string") expect(modules.host.memory.readText(rax)).toBe(answer);
    else if (name === "strcmp") expect(Math.sign(Number(BigInt.asIntN(32, rax)))).toBe(Math.sign(answer));
    else expect(Number(BigInt.asIntN(32, rax))).toBe(answer);
  });

  it("memcpy, memmove both ways, memset, memcmp, memchr, strtoul", () => {
    const modules = load();
    const { host, loader } = modules;
    const at = host.allocate(PAGE_SIZE);
    const call = (name: string, ...args: readonly bigint[]) => host.executor.call(loader.resolve(name), args);
    const bytes = () => [...host.memory.read(at, 8)];
    host.memory.write(at, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    expect(call("memmove", at + 2n, at, 5n)).toBe(at + 2n);
    expect(bytes()).toEqual([1, 2, 1, 2, 3, 4, 5, 8]);
    call("memmove", at, at + 2n, 5n);
    expect(bytes()).toEqual([1, 2, 3, 4, 5, 4, 5, 8]);
    call("memcpy", at + 4n, at, 4n);
    expect(bytes()).toEqual([1, 2, 3, 4, 1, 2, 3, 4]);
    expect(BigInt.asIntN(32, call("memcmp", at, at + 4n, 4n))).toBe(0n);
    expect(BigInt.asIntN(32, call("memcmp", at, at + 3n, 4n))).toBeLessThan(0n);
    expect(call("memchr", at, 3n, 8n)).toBe(at + 2n);
    expect(call("memchr", at, 9n, 8n)).toBe(0n);
    expect(call("memset", at + 1n, 0x155n, 3n)).toBe(at + 1n);
    expect(bytes()).toEqual([1, 0x55, 0x55, 0x55, 1, 2, 3, 4]);
    host.memory.write(at, new TextEncoder().encode("0x7fz\0"));
    expect(call("strtoul", at, at + 64n, 0n)).toBe(0x7fn);
    expect(host.memory.readU64(at + 64n)).toBe(at + 4n);
    expect(call("strtoul", at, 0n, 10n)).toBe(0n);
    expect(modules.output).toBe("");
  });

  it("mutexes, once, keys", () => {
    const modules = load(LIBRARY);
    const { host } = modules;
    const m = host.allocate(PAGE_SIZE);
    expect(modules.int("pthread_mutex_init", m)).toBe(0);
    expect(modules.int("pthread_mutex_lock", m)).toBe(0);
    expect(modules.int("pthread_mutex_trylock", m)).toBe(16);
    expect(modules.int("pthread_mutex_destroy", m)).toBe(16);
    expect(() => modules.enter("pthread_mutex_lock", m, 0n, { budget: 10_000n })).toThrow(/it is in runtime\.so: pthread_mutex_(try)?lock/);
    expect(modules.int("pthread_mutex_unlock", m)).toBe(0);
    expect(modules.int("pthread_mutex_trylock", m)).toBe(0);
    const once = modules.loader.resolve("mark_1");
    for (let i = 0; i < 3; i++) expect(modules.int("pthread_once", m + 64n, once)).toBe(0);
    expect(marksOf(modules)).toBe(1n);
    let keys = 0;
    while (modules.int("pthread_key_create", m + 128n) === 0) keys++;
    // a thread-local block of 4 KiB
    expect(keys).toBe(512);
    expect(modules.int("pthread_key_delete", 5n)).toBe(0);
    expect(modules.int("pthread_setspecific", 5n, 1n)).toBe(22);
    expect(modules.int("pthread_key_create", m + 128n)).toBe(0);
    expect(Number(host.memory.readU64(m + 128n) & 0xffff_ffffn)).toBe(5);
  });
});

describe("a module in Rust", () => {
  it("without its standard library: heap, output, state, panic", () => {
    const modules = load(`${FOLDER}/rust_module.so`);
    expect(modules.enter("rust_primes", 1000n)).toBe(168n);
    expect(modules.enter("rust_primes", 100n)).toBe(25n);
    expect(modules.enter("rust_total")).toBe(193n);
    expect(modules.output).toBe("sieved\nsieved\n");
    expect(modules.blocks.size).toBe(0);
    expect(modules.enter("rust_panic", 7n)).toBe(14n);
    expect(thrown(() => modules.enter("rust_panic", 0n))).toBeInstanceOf(ModuleAbort);
  });
});

describe("committed objects", () => {
  // skipped without gcc: the committed objects are compared with what their sources make
  // skipped without a C compiler: the committed object is compared with what its sources make
  it.skipIf(!CAN_REBUILD)("the runtime is built from src/modules/runtime", () => {
    mkdirSync("build", { recursive: true });
    const built = `${process.cwd()}/build/runtime.so`;
    const { sameCompiler, sameBytes } = rebuild("src/modules/runtime/build.sh", [built], RUNTIME, built);
    if (sameCompiler) expect(sameBytes).toBe(true);
  });

  // skipped without a C compiler: the committed object is compared with what its sources make
  it.skipIf(!CAN_REBUILD)("the modules of the tests are built from test/fixtures/modules", () => {
    const folder = `${process.cwd()}/build/modules`;
    mkdirSync(folder, { recursive: true });
    const built = readdirSync(FOLDER).filter((name) => name.endsWith(".so") && name !== "rust_module.so");
    expect(built.length).toBeGreaterThan(8);
    const results = built.map((name, i) =>
      rebuild(i === 0 ? `${FOLDER}/build.sh` : "/dev/null", [folder], `${FOLDER}/${name}`, `${folder}/${name}`),
    );
    for (const [i, { sameCompiler, sameBytes }] of results.entries())
      if (sameCompiler) expect([built[i], sameBytes]).toEqual([built[i], true]);
  });
});
