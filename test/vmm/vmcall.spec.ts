/** The vmcall protocol, by register and opcode. */
import { describe, expect, it } from "vitest";
import { type SavedRegister, STATE_SAVE_BYTES, StateSave } from "../../src/vcpu/intel_x64/state-save.ts";
import { handleVmcall, VMCALL_REGISTERS } from "../../src/vcpu/intel_x64/vmcall.ts";
import { VMCALL_MAGIC, VMCALL_VERSION } from "../../src/vmm/constants.ts";
import { BadAlloc, RuntimeError } from "../../src/vmm/errors.ts";
import { VMCALL, VMCALL_DATA, VMCALL_VERSIONS } from "../../src/vmm/vmcall-codes.ts";

const FAILURE = 0x8000_0010_0000_0000n;
const IN = 0x1000n;
const OUT = 0x8000n;

function call(r: readonly bigint[], input = "", options: { fails?: Error; custom?: (r: bigint[]) => boolean } = {}) {
  const frame = new StateSave(new Uint8Array(STATE_SAVE_BYTES));
  for (const [n, name] of VMCALL_REGISTERS.entries()) frame.set(name, r[n] ?? 0n);
  frame.set("rdi", 0x77n);
  const log: string[] = [];
  let output: { at: bigint; text: string } | undefined;
  const buffers = {
    read: (at: bigint, length: number) => {
      if (options.fails !== undefined) throw options.fails;
      expect(at).toBe(IN);
      return new TextEncoder().encode(input.padEnd(length, " ").slice(0, length));
    },
    write: (at: bigint, bytes: Uint8Array) => {
      output = { at, text: new TextDecoder().decode(bytes) };
    },
  };
  handleVmcall(frame, { buffers, log: (text) => log.push(text) }, options.custom);
  return { r: VMCALL_REGISTERS.map((name) => frame.get(name)), log, output, frame };
}
const query = (...r: readonly bigint[]) => [r[0], VMCALL_MAGIC, ...r.slice(1)];
/** r4 type, r5 in, r6 its size, r8 out, r9 its size */
const data = (type: bigint, size: number, outSize = size) => query(VMCALL.DATA, 0n, 0n, type, IN, BigInt(size), 0n, OUT, BigInt(outSize));

describe("constants", () => {
  it("CONST-17 magic and version", () => {
    expect([VMCALL_MAGIC, VMCALL_VERSION]).toEqual([0xb045_eacd_acd5_2e22n, 1n]);
  });
  it("CONST-18 opcodes, version indices, data types", () => {
    expect(VMCALL).toEqual({ VERSIONS: 1n, REGISTERS: 2n, DATA: 3n, EVENT: 4n, START: 5n, STOP: 6n, UNITTEST: 10n });
    expect(VMCALL_VERSIONS).toEqual({ PROTOCOL: 0n, BAREFLANK: 1n, USER: 10n });
    expect(VMCALL_DATA).toEqual({ NONE: 0n, STRING_UNFORMATTED: 1n, STRING_JSON: 2n, BINARY_UNFORMATTED: 10n });
  });
  it("CONST-19 r0 to r12 are rax rdx rcx rbx rsi r8 r9 r10 to r15; rsp, rbp and rdi are not used", () => {
    expect(VMCALL_REGISTERS).toEqual("rax rdx rcx rbx rsi r8 r9 r10 r11 r12 r13 r14 r15".split(" ") as SavedRegister[]);
  });
});

describe("magic and results", () => {
  it("VMC-1 another value than the magic in rdx: it becomes the failure code, and nothing else changes", () => {
    const before = [1n, VMCALL_MAGIC + 1n, ...Array.from({ length: 11 }, (_, n) => BigInt(n) + 100n)];
    const { r, frame } = call(before);
    expect(r).toEqual([before[0], FAILURE, ...before.slice(2)]);
    expect(frame.get("rdi")).toBe(0x77n);
  });

  it("VMC-2 0, the failure code on an exception, the bad-alloc code on BadAlloc; an unknown opcode is a failure", () => {
    expect(call(query(VMCALL.EVENT)).r[1]).toBe(0n);
    expect(call(data(VMCALL_DATA.BINARY_UNFORMATTED, 4), "", { fails: new RuntimeError("x") }).r[1]).toBe(FAILURE);
    expect(call(data(VMCALL_DATA.BINARY_UNFORMATTED, 4), "", { fails: new BadAlloc("x") }).r[1]).toBe(0x8000_0001_0000_0000n);
    for (const opcode of [0n, 7n, 9n, 11n, 0x1_0000_0001n]) expect(call(query(opcode)).r[1]).toBe(FAILURE);
  });

  it("VMC-3 an EVENT carries only r2, in and out; everything else r2 to r12", () => {
    const registers = query(VMCALL.EVENT, ...Array.from({ length: 11 }, (_, n) => BigInt(n) + 2n));
    const change = (r: bigint[]) => {
      seen.push([...r]);
      for (let n = 2; n < 16; n++) r[n] += 100n;
      return true;
    };
    const seen: bigint[][] = [];
    const event = call(registers, "", { custom: change });
    expect(seen[0]).toEqual([4n, VMCALL_MAGIC, 2n, ...new Array<bigint>(13).fill(0n)]);
    expect(event.r.slice(2)).toEqual([102n, 3n, 4n, 5n, 6n, 7n, 8n, 9n, 10n, 11n, 12n]);
    const other = call([VMCALL.REGISTERS, ...registers.slice(1)], "", { custom: change });
    expect(seen[1].slice(2)).toEqual([2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n, 10n, 11n, 12n, 0n, 0n, 0n]);
    expect(other.r.slice(2)).toEqual(Array.from({ length: 11 }, (_, n) => BigInt(n) + 102n));
  });
});

describe("opcodes", () => {
  it("VMC-4 versions: 0 protocol, 1 ours, 10 the user's; others fail", () => {
    const version = (index: bigint) => call(query(VMCALL.VERSIONS, index, 9n, 9n, 9n)).r.slice(1, 6);
    expect(version(0n)).toEqual([0n, 0n, 1n, 0n, 0n]);
    expect(version(1n)).toEqual([0n, 1n, 1n, 1n, 0n]);
    expect(version(10n)).toEqual([0n, 10n, 0n, 0n, 0n]);
    for (const index of [2n, 9n, 11n, 0x1_0000_0000n]) expect(version(index)[0]).toBe(FAILURE);
  });

  it("VMC-5 registers are logged and echoed; event, start, stop and unittest succeed without effect", () => {
    const values = Array.from({ length: 11 }, (_, n) => BigInt(n) * 0x11n);
    const { r, log } = call(query(VMCALL.REGISTERS, ...values));
    expect(r).toEqual([VMCALL.REGISTERS, 0n, ...values]);
    expect(log[0]).toMatch(/r2=0x0 r3=0x11 .*r12=0xaa/);
    for (const opcode of [VMCALL.EVENT, VMCALL.START, VMCALL.STOP, VMCALL.UNITTEST])
      expect(call(query(opcode, ...values)).r).toEqual([opcode, 0n, ...values]);
  });

  it("VMC-6 data: addresses and sizes are not 0, the answer's buffer is not the smaller one, neither has more than 131072 bytes", () => {
    const good = data(VMCALL_DATA.BINARY_UNFORMATTED, 4, 8);
    expect(call(good, "abcd").r[1]).toBe(0n);
    for (const n of [5, 6, 8, 9]) expect(call(good.map((value, i) => (i === n ? 0n : value))).r[1]).toBe(FAILURE);
    expect(call(data(VMCALL_DATA.BINARY_UNFORMATTED, 4, 3)).r[1]).toBe(FAILURE);
    expect(call(data(VMCALL_DATA.BINARY_UNFORMATTED, 131_072)).r[1]).toBe(0n);
    expect(call(data(VMCALL_DATA.BINARY_UNFORMATTED, 4, 131_073)).r[1]).toBe(FAILURE);
    expect(call(data(VMCALL_DATA.BINARY_UNFORMATTED, 131_073, 131_073)).r[1]).toBe(FAILURE);
  });

  it("VMC-6 strings are echoed, r7=1, r9=length", () => {
    const { r, output, log } = call(data(VMCALL_DATA.STRING_UNFORMATTED, 5, 100), "hello");
    expect([r[1], r[7], r[9], output]).toEqual([0n, 1n, 5n, { at: OUT, text: "hello" }]);
    expect(log.join()).toMatch(/hello/);
  });

  it("VMC-6 JSON is parsed and written again, r7=2, r9=length; what is no JSON fails", () => {
    const { r, output } = call(data(VMCALL_DATA.STRING_JSON, 20, 100), '{ "a" : [1, 2] }');
    expect([r[1], r[7], r[9], output?.text]).toEqual([0n, 2n, 11n, '{"a":[1,2]}']);
    const wrong = call(data(VMCALL_DATA.STRING_JSON, 20, 100), '{ "a" : [1, 2');
    expect([wrong.r[1], wrong.output]).toEqual([FAILURE, undefined]);
  });

  it("VMC-6 binary data are copied, r7=10, r9=r6; an unknown type fails", () => {
    const { r, output } = call(data(VMCALL_DATA.BINARY_UNFORMATTED, 6, 100), "abcdef");
    expect([r[1], r[7], r[9], output?.text]).toEqual([0n, 10n, 6n, "abcdef"]);
    for (const type of [0n, 3n, 9n]) expect(call(data(type, 4), "abcd").r[1]).toBe(FAILURE);
  });

  it("VMC-7 the registers that say where the buffers are come back unchanged", () => {
    const before = data(VMCALL_DATA.STRING_UNFORMATTED, 5, 100);
    const { r } = call(before, "hello");
    for (const n of [5, 6, 8]) expect(r[n]).toBe(before[n]);
  });
});
