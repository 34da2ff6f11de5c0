/** The manager's command line. */
import { describe, expect, it } from "vitest";
import { parseCommand } from "../../../src/driver/manager/command.ts";
import { GeneralException, InvalidArgument } from "../../../src/vmm/errors.ts";

const parse = (line: string) => parseCommand(line.split(" "));

describe("commands", () => {
  it.each([[[]], [[""]], [["  ", "\t"]], [["help"]], [["-h"]], [["load", "x", "--help"]], [["vmcall", "-h"]], [["--cpuid", "1"]]])(
    "BFM-1: %j is help",
    (args) => {
      expect(parseCommand(args).verb).toBe("help");
    },
  );
  it("BFM-1: each command; unknown options are skipped", () => {
    for (const verb of ["unload", "start", "stop", "dump", "status"]) expect(parse(`-x ${verb} --what`).verb).toBe(verb);
    expect(parse("load list.json")).toEqual({ verb: "load", files: ["list.json"], cpuId: 0n, vcpuId: 0n });
    expect(parse("-q load -z list.json a.so")).toMatchObject({ files: ["list.json", "a.so"] });
  });
  it("BFM-1: an unknown command; a command that failed leaves nothing behind", () => {
    expect(() => parse("lode x --cpuid 5")).toThrow(GeneralException);
    expect(() => parse("lode x --cpuid 5")).toThrow("unknown command: lode");
    expect(parse("help")).toEqual({ verb: "help", cpuId: 0n, vcpuId: 0n });
  });

  it("BFM-2: ids are hexadecimal, anywhere, and without a value as if not there", () => {
    expect(parse("dump --vcpuid 1f --cpuid 0x2A")).toMatchObject({ verb: "dump", vcpuId: 0x1fn, cpuId: 0x2an });
    expect(parse("--cpuid ffffffffffffffff status")).toMatchObject({ verb: "status", cpuId: 0xffff_ffff_ffff_ffffn });
    expect(parse("dump --vcpuid")).toMatchObject({ verb: "dump", vcpuId: 0n });
    for (const wrong of ["xyz", "12z", "10000000000000000"]) expect(() => parse(`dump --cpuid ${wrong}`)).toThrow(InvalidArgument);
  });

  it.each([
    "load",
    "vmcall",
    "vmcall versions",
    "vmcall registers",
    "vmcall string",
    "vmcall string json",
    "vmcall string unformatted",
    "vmcall data",
    "vmcall data unformatted",
    "vmcall data unformatted in",
    "vmcall event",
    "vmcall unittest",
  ])("BFM-3: %s lacks an argument", (line) => {
    expect(() => parse(line)).toThrow(GeneralException);
    expect(() => parse(line)).toThrow(`${line.split(" ").slice(0, 2).join(" ").replace(/ in$/, "")}`);
    expect(() => parse(line)).toThrow("missing argument");
  });
});

describe("vmcall", () => {
  const call = (line: string) => (parse(line) as { call: unknown }).call;
  it("BFM-4: numbers: versions decimal, the others hexadecimal", () => {
    expect(call("vmcall versions 10")).toEqual({ kind: "versions", index: 10n });
    expect(call("vmcall event 10")).toEqual({ kind: "event", index: 16n });
    expect(call("vmcall unittest 0x1001")).toEqual({ kind: "unittest", index: 0x1001n });
    for (const wrong of ["versions ff", "event q", "unittest -", "versions 18446744073709551616"]) {
      expect(() => parse(`vmcall ${wrong}`)).toThrow(wrong.endsWith("-") ? GeneralException : InvalidArgument);
    }
  });
  it("BFM-4: registers from r2 to r15", () => {
    const values = Array.from({ length: 14 }, (_, i) => (i + 10).toString(16));
    expect(call(`vmcall registers ${values.join(" ")}`)).toEqual({
      kind: "registers",
      values: values.map((value) => BigInt(`0x${value}`)),
    });
    expect(() => parse(`vmcall registers ${values.join(" ")} 1`)).toThrow("15 values");
    expect(() => parse("vmcall registers 1 zz")).toThrow(InvalidArgument);
  });
  it("BFM-4: strings: JSON is parsed and written anew", () => {
    expect(parseCommand(["vmcall", "string", "unformatted", "a b"])).toMatchObject({
      call: { kind: "string", format: "unformatted", text: "a b" },
    });
    expect(parseCommand(["vmcall", "string", "json", '{ "a" : [1,  2] }'])).toMatchObject({
      call: { format: "json", text: '{"a":[1,2]}' },
    });
    expect(() => parse("vmcall string json {a")).toThrow(InvalidArgument);
    expect(() => parse("vmcall string xml <a/>")).toThrow("unknown vmcall string type: xml");
  });
  it("BFM-4: data; unknown sub-commands", () => {
    expect(call("vmcall data unformatted in out")).toEqual({ kind: "data", input: "in", output: "out" });
    expect(() => parse("vmcall data json in out")).toThrow("unknown vmcall data type: json");
    expect(() => parse("vmcall dance")).toThrow("unknown vmcall: dance");
  });
});
