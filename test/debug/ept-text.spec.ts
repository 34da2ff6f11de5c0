/** `info ept` over tables made by hand. SDM Vol. 3 "The Extended Page Table Mechanism (EPT)". */
import { expect, it } from "vitest";
import { eptText } from "../../src/debug/inspect/ept-text.ts";

const bytes = new Uint8Array(0x6000);
const view = new DataView(bytes.buffer);
const memory = { view: (at: number, length: number) => bytes.subarray(at, at + length), write: () => false };
const put = (table: number, index: number, entry: bigint) => view.setBigUint64(table + index * 8, entry, true);

put(0x1000, 0, 0x2007n);
put(0x2000, 0, 0x3007n);
// 2 MiB one behind the other, write-back, everything allowed; a hole; 4 KiB only to be executed, uncacheable
put(0x3000, 0, 0x0000_00b7n);
put(0x3000, 1, 0x0020_00b7n);
put(0x3000, 3, 0x4007n);
put(0x4000, 5, 0x7000_0004n);

it("joins what is mapped in one piece with the same rights", () => {
  expect(eptText(0x101en, memory)).toBe(
    [
      "EPTP 00000000101e",
      "000000000000-000000400000 -> 000000000000 rwx WB 2M",
      "000000605000-000000606000 -> 000070000000 --x UC 4K",
    ].join("\n"),
  );
});

it("says that EPT is not in use", () => expect(eptText(0n, memory)).toMatch(/^EPT is not in use/));
