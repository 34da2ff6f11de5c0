import { describe, expect, it } from "vitest";
import * as constants from "../../src/vmm/constants.ts";
import { ERROR_CODE, errorName } from "../../src/vmm/error-codes.ts";
import { MEMORY_TYPE } from "../../src/vmm/memory-manager.ts";

describe("constants of the VMM", () => {
  it("CONST-1 versions", () => {
    expect(constants.VERSION).toEqual({ major: 1n, minor: 1n, patch: 0n });
    expect(constants.USER_VERSION).toEqual({ major: 0n, minor: 0n, patch: 0n });
  });

  it("CONST-2 pages and cache lines", () => {
    expect([constants.PAGE_SIZE, constants.PAGE_SHIFT, constants.CACHE_LINE_SIZE, constants.CACHE_LINE_SHIFT]).toEqual([
      4096n,
      12n,
      64n,
      6n,
    ]);
  });

  it("CONST-4 limits of modules", () => {
    expect([constants.MAX_MODULES, constants.MAX_SEGMENTS, constants.MAX_NEEDED]).toEqual([75, 4, 25]);
  });

  it("CONST-6 CONST-7 stacks, what is reserved at their top, and thread-local blocks", () => {
    expect(constants.STACK_BYTES).toBe(32768n);
    expect(constants.STACK_BYTES & (constants.STACK_BYTES - 1n)).toBe(0n);
    expect([constants.STACK_RESERVED_BYTES, constants.THREAD_LOCAL_BYTES]).toEqual([0x20n, 0x1000n]);
  });

  it("CONST-8 CONST-17 buffers, magic and version of vmcalls", () => {
    expect([constants.VMCALL_IN_BYTES, constants.VMCALL_OUT_BYTES]).toEqual([131072n, 131072n]);
    expect([constants.VMCALL_MAGIC, constants.VMCALL_VERSION]).toEqual([0xb045_eacd_acd5_2e22n, 1n]);
  });

  it("CONST-14 every known code has its name, 0 is success, the rest is told as unknown", () => {
    for (const [name, code] of Object.entries(ERROR_CODE)) expect(errorName(code)).toBe(name);
    expect(errorName(0n)).toBe("SUCCESS");
    expect(errorName(-1n)).toBe("IOCTL_FAILURE");
    for (const code of [1n, 0x8000_0000_0040_0000n, 0x8000_0000_0000_0000n]) expect(errorName(code)).toBe("UNDEFINED_ERROR_CODE");
  });

  it("CONST-15 types of memory descriptors", () => {
    expect(MEMORY_TYPE).toEqual({ R: 1n, W: 2n, E: 4n });
  });
});
