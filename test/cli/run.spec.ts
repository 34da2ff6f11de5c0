/** `minusone run` from outside: statuses, input and output, the monitor; and every bad input a short error that says what to do. */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ELF_HEADERS, elf } from "../lib/elf.ts";
import { BODY, ECHO, ENTRY, exitWith, guest, HALTED, HELLO, HUNG, POWER_OFF, print, TIMER, TRIPLE_FAULT } from "../lib/guest.ts";

const MAIN = new URL("../../dist/cli/main.js", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "minusone-"));
const at = (name: string) => join(folder, name);

interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(args: readonly string[], input = ""): Result {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, "run", "-m", "4", ...args], {
    encoding: "utf8",
    timeout: 30_000,
    cwd: folder,
    input,
  });
  return { status, stdout, stderr };
}

beforeAll(() => {
  const images = { hello: HELLO, "triple-fault": TRIPLE_FAULT, hung: HUNG, halted: HALTED, echo: ECHO, timer: TIMER };
  for (const [name, image] of Object.entries(images)) writeFileSync(at(name), image);
  writeFileSync(at("exit3"), guest(exitWith(3)));
  // mov dx, CF9h; mov al, 6; out dx, al; jmp $
  writeFileSync(at("reset"), guest(`${print("again ")} 66baf90c b006 ee ebfe`));
  // "debug" to port E9h, "two" to COM2
  writeFileSync(at("ports"), guest(`b044 e6e9 66baf802 b032 ee ${POWER_OFF}`));
  // "V" to the virtio console's emerg_wr, where firmware puts it when there are no disks; "1" to COM1
  writeFileSync(at("virtio"), guest(`c605 08e000c0 56 66baf803 b031 ee ${POWER_OFF}`));
  // #UD with a handler that is not there: #GP, then double fault, then shutdown
  writeFileSync(at("faulty"), guest("cd21"));
  writeFileSync(at("disk"), new Uint8Array(1 << 20));
  writeFileSync(at("odd-disk"), new Uint8Array(1000));
  writeFileSync(at("large"), new Uint8Array(8 << 20));
  writeFileSync(at("empty"), "");
  writeFileSync(at("text"), "just words\n");
  writeFileSync(at("elf32"), elf32());
  writeFileSync(at("elf64"), elf(new Uint8Array(16), 0x10_0000, 0x10_0000 + ELF_HEADERS, 0x10000));
  writeFileSync(at("bzimage32"), bzImage({ has64BitEntry: false }));
  writeFileSync(at("bzimage"), bzImage({ has64BitEntry: true }));
  mkdirSync(at("folder"));
});

afterAll(() => rmSync(folder, { recursive: true }));

/** An ELF32 header with no multiboot header behind it. */
function elf32(): Uint8Array {
  const file = new Uint8Array(512);
  file.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  const view = new DataView(file.buffer);
  for (const [offset, value] of [
    [16, 2],
    [18, 3],
    [20, 1],
    [40, 52],
    [42, 32],
    [44, 1],
  ])
    view.setUint16(offset, value, true);
  view.setUint32(24, 0x10_0000, true);
  view.setUint32(28, 52, true);
  for (const [i, value] of [1, 0, 0x10_0000, 0x10_0000, 512, 512, 7, 4096].entries()) view.setUint32(52 + i * 4, value, true);
  return file;
}

/** A Linux image with nothing in it. Linux "The Linux/x86 Boot Protocol". */
function bzImage({ has64BitEntry }: { has64BitEntry: boolean }): Uint8Array {
  const file = new Uint8Array(8192);
  const view = new DataView(file.buffer);
  view.setUint8(0x1f1, 4);
  view.setUint32(0x1f4, 0x100, true);
  view.setUint16(0x1fe, 0xaa55, true);
  view.setUint8(0x201, 0x6a);
  file.set(new TextEncoder().encode("HdrS"), 0x202);
  view.setUint16(0x206, 0x20c, true);
  view.setUint8(0x211, 1);
  view.setUint32(0x214, 0x10_0000, true);
  view.setUint32(0x22c, 0x7fff_ffff, true);
  view.setUint32(0x230, 0x20_0000, true);
  view.setUint8(0x234, 1);
  view.setUint16(0x236, has64BitEntry ? 1 : 0, true);
  view.setUint32(0x238, 2047, true);
  view.setBigUint64(0x258, 0x10_0000n, true);
  view.setUint32(0x260, 0x10_0000, true);
  return file;
}

describe("run", () => {
  test("prints what the guest prints, and ends as it ends", () => {
    expect(run(["-kernel", "hello"])).toEqual({ status: 0, stdout: "hello\n", stderr: "" });
    expect(run(["--kernel=hello", "-serial", "stdio", "-nographic", "-no-reboot", "-smp", "1", "-cpu", "max"]).stdout).toBe("hello\n");
    expect(run(["-kernel", "exit3", "-device", "isa-debug-exit,iobase=0xf4,iosize=0x4"]).status).toBe(7);
    expect(run(["-kernel", "reset", "-no-reboot"])).toEqual({ status: 0, stdout: "again ", stderr: "" });
    expect(run(["-kernel", "reset", "--max-instructions", "20000"])).toMatchObject({
      status: 123,
      stdout: expect.stringContaining("again again again "),
    });
  });

  test("serial ports and the debug console go where they should", () => {
    const result = run(["-kernel", "ports", "-serial", "null", "-serial", "file:com2", "-debugcon", "stdio"]);
    expect(result).toEqual({ status: 0, stdout: "D", stderr: "" });
    expect(readFileSync(at("com2"), "utf8")).toBe("2");
  });

  test("a virtio console takes the place of COM1 on stdio", () => {
    expect(run(["-kernel", "virtio"]).stdout).toBe("1");
    expect(run(["-kernel", "virtio", "-virtioconsole", "stdio"])).toEqual({ status: 0, stdout: "V", stderr: "" });
    expect(run(["-kernel", "virtio", "-virtioconsole", "file:hvc0"]).stdout).toBe("1");
    expect(readFileSync(at("hvc0"), "utf8")).toBe("V");
  });

  test("piped input reaches the guest as it takes it", () => {
    const text = "what the cat sat on ";
    expect(run(["-kernel", "echo"], `${text}q`)).toMatchObject({ status: 0, stdout: `${text}q` });
  });

  test("a signal ends it, with what was printed so far", async () => {
    const child = spawn(process.execPath, [MAIN, "run", "-kernel", at("echo")], { stdio: ["pipe", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk;
      if (output === "abc") child.kill("SIGTERM");
    });
    child.stdin.write("abc");
    const status = await new Promise((resolve) => child.on("exit", (code) => resolve(code)));
    expect({ output, status }).toEqual({ output: "abc", status: 143 });
  });

  test("--stats-json", () => {
    run(["-kernel", "timer", "--stats-json", "stats.json"]);
    const stats = JSON.parse(readFileSync(at("stats.json"), "utf8"));
    expect(stats).toMatchObject({ ending: "power off", status: 0, interrupts: { "0x8": 10 }, exceptions: {}, unclaimedPorts: [] });
    expect(stats.instructions + stats.idleCycles).toBe(stats.cycles);
    expect(stats.portAccesses.pic.writes).toBeGreaterThan(10);
    expect(stats.hostSeconds).toBeGreaterThan(0);
    expect(stats.mips).toBeGreaterThan(0);
  });

  test("-d logs what happens", () => {
    run(["-kernel", "faulty", "-d", "int,in_asm,cpu_reset", "-D", "log"]);
    const log = readFileSync(at("log"), "utf8");
    expect(log).toMatch(/^CPU reset\nRAX=/);
    expect(log).toContain(`in_asm: 0x${ENTRY.toString(16)}: mov    esp,0x300000\nin_asm: 0x${BODY.toString(16)}: int    0x21\n`);
    expect(log).toMatch(/^0: v=21 e=0000 software interrupt .* cpl=0 IP=8:100025 SP=10:300000$/m);
    expect(log).toMatch(/^1: v=0d e=010a exception #GP cpl=0 IP=8:100025/m);
    expect(log).toContain("Triple fault\nRAX=");
  });
});

describe("monitor", () => {
  const monitor = (...commands: string[]) => run(["-kernel", "hung", "-S", "-monitor", "stdio"], `${commands.join("\n")}\nquit\n`).stdout;

  test("shows registers, memory, controllers and maps", () => {
    const text = monitor("info registers", "x/2i $rip", "xp/2xb 0x100025", "info mem", "info pic", "info apic", "info pci", "info mtree");
    expect(text).toContain("RIP=0000000000100020");
    expect(text).toContain("0000000000100020: mov    esp,0x300000\n0000000000100025: jmp    0x100025\n");
    expect(text).toContain("0000000000100025: 0xeb 0xfe\n");
    expect(text).toContain("paging is off");
    expect(text).toContain("pic0: irr=");
    expect(text).toContain("xAPIC at 0xfee00000");
    expect(text).toContain("00:00.0 8086:1237 host bridge");
    expect(text).toContain("  0x3f8-0x3ff com1\n");
  });

  test("stops, goes on, resets", () => {
    const text = monitor("info status", "cont", "info status", "stop", "info status", "system_reset", "x/1i $pc");
    expect(text.match(/VM status: \w+/g)).toEqual(["VM status: paused", "VM status: running", "VM status: paused"]);
    expect(text).toContain("0000000000100020: mov    esp");
  });

  test("shows VMX, which this guest does not use", () => {
    const text = monitor("info vmcs", "info vmcs explain");
    expect(text).toContain("the processor is not in VMX operation");
    expect(text).toContain("no VM entry has failed");
  });

  test("says what is wrong with a command", () => {
    expect(monitor("frobnicate")).toContain('there is no command "frobnicate"; help lists them');
    expect(monitor("info")).toContain("info status|registers");
    expect(monitor("x/3q 0")).toContain('"3q" is no format');
    expect(monitor("x 0xffffffff")).toContain("there is no RAM behind physical address 0xffffffff");
    expect(monitor("x zero")).toContain('"zero" is neither a number nor a register');
  });
});

describe("bad input", () => {
  const kernel = (name: string) => ["-kernel", name];
  const cases: readonly [string, number, string, ...string[]][] = [
    ["no kernel", 64, "-kernel FILE"],
    ["a kernel without -kernel", 64, "A kernel is named by -kernel", "hello"],
    ["unknown option", 64, "no option --frobnicate", "--frobnicate"],
    ["-initrd alone", 64, "needs a -kernel", "-initrd", "text"],
    ["two processors", 64, "there is one processor", ...kernel("hello"), "-smp", "2"],
    ["absurd -m", 64, "choose from 1M to 3584M", ...kernel("hello"), "-m", "64T"],
    ["absurd -m in G", 64, "choose from 1M to 3584M", ...kernel("hello"), "-m", "99999999G"],
    ["-m 0", 64, "choose from 1M to 3584M", ...kernel("hello"), "-m", "0"],
    ["unknown CPU", 64, 'no CPU model "8086"', ...kernel("hello"), "-cpu", "8086"],
    ["unknown device", 64, "there are isa-debug-exit and pc-testdev", ...kernel("hello"), "-device", "e1000"],
    ["port that cannot be", 64, "choose from 0 to", ...kernel("hello"), "-device", "isa-debug-exit,iobase=0x10000"],
    ["misspelt key", 64, '"iobaes" is not known', ...kernel("hello"), "-device", "isa-debug-exit,iobaes=1"],
    ["port that another device has", 64, "overlap", ...kernel("hello"), "-device", "isa-debug-exit,iobase=0x3f8"],
    ["serial port nowhere", 64, "write stdio, file:NAME or null", ...kernel("hello"), "-serial", "tcp::1234"],
    ["two consoles", 64, "only one -serial", ...kernel("hello"), "-serial", "stdio", "-serial", "stdio"],
    ["disk that is none", 64, "virtio", ...kernel("hello"), "-drive", "file=disk,if=ide"],
    ["image format", 64, "qemu-img convert", ...kernel("hello"), "-drive", "file=disk,format=qcow2"],
    ["clock that is none", 64, "2024-02-29T12:00:00", ...kernel("hello"), "-rtc", "base=noon"],
    ["-S without monitor", 64, "-monitor stdio", ...kernel("hello"), "-S"],
    ["unknown item of -d", 64, "in_asm, exec, int, mmu, cpu_reset", ...kernel("hello"), "-d", "everything"],
    ["another machine", 64, "pc only", ...kernel("hello"), "-machine", "virt"],
    ["missing kernel", 66, "there is no such file", ...kernel("missing")],
    ["kernel that is a directory", 66, "it is a directory", ...kernel("folder")],
    ["empty kernel", 66, "the file is empty", ...kernel("empty")],
    ["missing initrd", 66, "-initrd missing: there is no such file", ...kernel("bzimage"), "-initrd", "missing"],
    ["empty initrd", 66, "-initrd empty: the file is empty", ...kernel("bzimage"), "-initrd", "empty"],
    ["missing disk", 66, "there is no such file", ...kernel("hello"), "-drive", "file=missing"],
    ["empty disk", 66, "the file is empty; make an image", ...kernel("hello"), "-drive", "file=empty"],
    ["disk of an odd size", 66, "no whole number of sectors", ...kernel("hello"), "-drive", "file=odd-disk"],
    ["disk that is a directory", 66, "directory", ...kernel("hello"), "-drive", "file=folder,readonly=on"],
    ["log that cannot be written", 73, "-D /no/such/log", ...kernel("hello"), "-D", "/no/such/log"],
    ["two consoles, one of them virtio", 64, "only one -serial", ...kernel("hello"), "-serial", "stdio", "-virtioconsole", "stdio"],
    ["serial file that cannot be written", 73, "-serial file:/no/such/file", ...kernel("hello"), "-serial", "file:/no/such/file"],
    ["triple fault", 122, "triple fault", ...kernel("triple-fault")],
    ["too many instructions", 123, "--max-instructions", ...kernel("hung"), "--max-instructions", "1000"],
    ["hung guest", 124, "--timeout", ...kernel("hung"), "--timeout", "0.5"],
    ["halted for good", 125, "nothing can wake it", ...kernel("halted")],
    ["text", 126, "no kernel that can be booted", ...kernel("text")],
    ["ELF file without multiboot header", 126, "add a multiboot header", ...kernel("elf32")],
    ["bzImage without 64-bit entry", 126, "64-bit", ...kernel("bzimage32")],
    ["initrd that does not fit", 126, "-m", ...kernel("bzimage"), "-initrd", "large"],
  ];

  test.each(cases)("%s", (_name, status, message, ...args) => {
    const result = run(args);
    expect(result).toMatchObject({ status, stdout: "" });
    expect(result.stderr).toContain(message);
    expect(result.stderr).toMatch(/^minusone: /);
    expect(result.stderr).not.toMatch(/^\s+at .*:\d+:\d+/m);
    expect(result.stderr.split("\n").length).toBeLessThanOrEqual(3);
  });

  test("nothing is lost: what the guest has written stands in the file, statistics are written", () => {
    const result = run(["-kernel", "hello", "-serial", "file:out", "--stats-json", "/no/such/stats"]);
    expect(result.status).toBe(73);
    expect(readFileSync(at("out"), "utf8")).toBe("hello\n");
    expect(run(["-kernel", "hung", "--timeout", "0.3", "--stats-json", "hung.json"]).status).toBe(124);
    expect(JSON.parse(readFileSync(at("hung.json"), "utf8"))).toMatchObject({ ending: "timeout", status: 124 });
  });
});
