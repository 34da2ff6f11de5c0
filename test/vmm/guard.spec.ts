import { describe, expect, it } from "vitest";
import { ERROR_CODE } from "../../src/vmm/error-codes.ts";
import { BadAlloc } from "../../src/vmm/errors.ts";
import { guard } from "../../src/vmm/guard.ts";

function guarded(f: () => void) {
  const lines: string[] = [];
  return { code: guard(ERROR_CODE.ENTRY_ERROR_VMM_START_FAILED, (line) => lines.push(line), f), lines };
}

describe("guard", () => {
  it("ENT-4 what returns is success, without a word", () => {
    expect(guarded(() => {})).toEqual({ code: 0n, lines: [] });
  });

  it("ENT-4 out of memory has its own code", () => {
    const { code, lines } = guarded(() => {
      throw new BadAlloc("heap pool: raise it");
    });
    expect([code, lines]).toEqual([0x8000_0001_0000_0000n, ["heap pool: raise it"]]);
  });

  it("ENT-4 every other exception is the given code, and a banner of three lines and the message", () => {
    const { code, lines } = guarded(() => {
      throw new TypeError("what went wrong");
    });
    expect(code).toBe(0x8000_0000_0000_0030n);
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(/^-+$/);
    expect(lines[1]).toContain("Standard Exception Caught");
    expect(lines.slice(2)).toEqual([lines[0], "what went wrong"]);
  });

  it("ENT-4 what is thrown without being an error is unknown", () => {
    const { code, lines } = guarded(() => {
      throw 42;
    });
    expect(code).toBe(0x8000_0000_0000_0030n);
    expect(lines).toHaveLength(3);
    expect(lines[1]).toContain("Unknown Exception Caught");
  });
});
