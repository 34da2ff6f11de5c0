import { describe, expect, test } from "vitest";
import { CopyOnWrite, readFrom } from "../../../src/devices/backends/copy-on-write.ts";
import { VirtioBlock } from "../../../src/devices/virtio/block.ts";
import { Driver, type DriverSetting, type Piece } from "./driver.ts";

const OK = 0;
const IOERR = 1;
const UNSUPP = 2;
const SECTORS = 512;

const image = Uint8Array.from({ length: SECTORS * 512 }, (_, i) => (i >> 9) ^ (i * 7));
const sectors = (first: number, count: number) => image.subarray(first * 512, (first + count) * 512);

class Disk extends Driver {
  readonly backend: CopyOnWrite;
  readonly block: VirtioBlock;

  constructor(setting: DriverSetting = {}, options = {}) {
    const backend = new CopyOnWrite(image.length, readFrom(image));
    const block = new VirtioBlock(backend, options);
    super(block, setting);
    this.backend = backend;
    this.block = block;
  }

  header(type: number, sector: number): Piece {
    const bytes = new DataView(new ArrayBuffer(16));
    bytes.setUint32(0, type, true);
    bytes.setBigUint64(8, BigInt(sector), true);
    return this.place(new Uint8Array(bytes.buffer));
  }

  /** Returns the status. */
  ask(type: number, sector: number, data: readonly Piece[], how = {}): number {
    const status = this.place(1);
    this.request(0, [this.header(type, sector), ...data, status], how);
    return this.bytes(status)[0];
  }

  read(sector: number, length: number, how = {}): [number, Uint8Array] {
    const data = this.place(length);
    return [this.ask(0, sector, [data], how), this.bytes(data)];
  }

  ranges(type: number, ...ranges: [sector: number, count: number, flags: number][]): number {
    const bytes = new DataView(new ArrayBuffer(16 * ranges.length));
    for (const [i, [sector, count, flags]] of ranges.entries()) {
      bytes.setBigUint64(16 * i, BigInt(sector), true);
      bytes.setUint32(16 * i + 8, count, true);
      bytes.setUint32(16 * i + 12, flags, true);
    }
    return this.ask(type, 0, [this.place(new Uint8Array(bytes.buffer))]);
  }
}

test("configuration: capacity, limits, block size", () => {
  const disk = new Disk();
  expect([disk.config(0, 4), disk.config(4, 4), disk.config(20, 4), disk.config(12, 4)]).toEqual([SECTORS, 0, 512, 254]);
  expect(disk.config(60, 4)).toBe(0);
});

describe.each([
  ["chained", {}],
  ["indirect", { indirect: true }],
])("%s", (_, how) => {
  test("reads", () => {
    expect(new Disk().read(3, 1024, how)).toEqual([OK, sectors(3, 2)]);
  });

  test("reads the last sector, and nothing behind it", () => {
    const disk = new Disk();
    expect(disk.read(SECTORS - 1, 512, how)).toEqual([OK, sectors(SECTORS - 1, 1)]);
    expect(disk.read(SECTORS - 1, 1024, how)).toEqual([IOERR, new Uint8Array(1024).fill(0xcc)]);
    expect(disk.read(2 ** 40, 512, how)[0]).toBe(IOERR);
    expect(disk.read(2 ** 63, 512, how)[0]).toBe(IOERR);
  });

  test("writes, which the image does not see", () => {
    const disk = new Disk();
    const before = Buffer.from(image);
    const data = Uint8Array.from({ length: 1024 }, (_, i) => i * 3);
    expect(disk.ask(1, 127, [disk.place(data)], how)).toBe(OK);
    expect(disk.read(127, 1024, how)).toEqual([OK, data]);
    expect(disk.read(126, 512, how)).toEqual([OK, sectors(126, 1)]);
    expect(before.equals(image)).toBe(true);
  });
});

test("pieces of any length, the header's and the status's included", () => {
  const disk = new Disk();
  const header = disk.header(0, 200);
  const split = [
    { ...header, length: 5 },
    { gpa: header.gpa + 5, length: 11 },
  ];
  const room = disk.place(1024 + 1);
  const lengths = [1, 700, 0, 324];
  const before = (i: number) => lengths.slice(0, i).reduce((a, b) => a + b, 0);
  const pieces = lengths.map((length, i) => ({ gpa: room.gpa + before(i), length, write: true }));
  expect(disk.request(0, [...split, ...pieces])).toBe(1025);
  expect(disk.bytes(room)).toEqual(Uint8Array.of(...sectors(200, 2), OK));
});

test("across pages of the backend", () => {
  const disk = new Disk();
  const big = 3 * 65536 + 1024;
  const [status, bytes] = disk.read(1, big);
  expect([status, Buffer.compare(bytes, sectors(1, big / 512))]).toEqual([OK, 0]);
});

test.each([
  ["flush", 4, OK],
  ["a type that does not exist", 99, UNSUPP],
  ["lifetime, which is not offered", 10, UNSUPP],
])("%s", (_, type, status) => {
  expect(new Disk().ask(type, 0, [])).toBe(status);
});

test("identity", () => {
  const disk = new Disk({}, { serial: "minusone-0" });
  const id = disk.place(20);
  expect(disk.ask(8, 0, [id])).toBe(OK);
  expect(new TextDecoder().decode(disk.bytes(id))).toBe(`minusone-0${"\0".repeat(10)}`);
});

test("part of a sector is refused", () => {
  const disk = new Disk();
  expect(disk.read(0, 100)[0]).toBe(IOERR);
  expect(disk.ask(1, 0, [disk.place(new Uint8Array(513))])).toBe(IOERR);
});

test("a read-only disk", () => {
  const disk = new Disk({}, { readOnly: true });
  expect(disk.offered(0) & 0x20).toBe(0x20);
  expect(disk.ask(1, 0, [disk.place(new Uint8Array(512))])).toBe(IOERR);
  expect(disk.ranges(13, [0, 1, 0])).toBe(IOERR);
  expect(disk.read(0, 512)).toEqual([OK, sectors(0, 1)]);
});

describe("discard and write zeroes", () => {
  test.each([
    ["write zeroes", 13, [[1, 2, 0]], OK],
    ["write zeroes, may unmap", 13, [[1, 2, 1]], OK],
    ["unknown flags", 13, [[1, 2, 2]], UNSUPP],
    ["discard", 11, [[1, 2, 0]], OK],
    ["discard has no flags", 11, [[1, 2, 1]], UNSUPP],
    ["behind the end", 11, [[SECTORS - 1, 2, 0]], IOERR],
    ["more than a request may have", 13, [[0, 2 ** 21 + 1, 0]], IOERR],
    ["several ranges", 11, [[1, 1, 0], [2, 1, 0]], OK], // biome-ignore format: a row
    ["none", 11, [], IOERR],
  ] as [string, number, [number, number, number][], number][])("%s", (_, type, ranges, status) => {
    const disk = new Disk();
    expect(disk.ranges(type, ...ranges)).toBe(status);
    expect(disk.read(0, 2048)[1]).toEqual(
      status === OK ? Uint8Array.of(...sectors(0, 1), ...new Uint8Array(1024), ...sectors(3, 1)) : sectors(0, 4),
    );
  });

  test("one bad range, and none is touched", () => {
    const disk = new Disk();
    expect(disk.ranges(13, [0, 1, 0], [SECTORS, 1, 0])).toBe(IOERR);
    expect(disk.read(0, 512)[1]).toEqual(sectors(0, 1));
  });

  test("whole pages take no memory", () => {
    const disk = new Disk();
    disk.ask(1, 130, [disk.place(sectors(0, 1))]);
    expect(disk.backend.changedBytes).toBe(65536);
    disk.ranges(13, [0, 512, 0]);
    expect(disk.backend.changedBytes).toBe(0);
    expect(disk.read(130, 512)[1]).toEqual(new Uint8Array(512));
  });
});

test("a backend that fails is a disk that fails", () => {
  const disk = new Disk();
  disk.backend.flush = () => {
    throw new Error("no space left");
  };
  expect(disk.ask(4, 0, [])).toBe(IOERR);
  expect(disk.block.failure).toEqual(new Error("no space left"));
  expect(disk.read(3, 512)).toEqual([OK, sectors(3, 1)]);
});

test("counts", () => {
  const disk = new Disk();
  disk.read(0, 1024);
  disk.read(SECTORS, 512);
  disk.ask(1, 0, [disk.place(new Uint8Array(512))]);
  disk.ask(4, 0, []);
  expect(disk.block.counts).toEqual({ reads: 1, writes: 1, flushes: 1, errors: 1, bytesRead: 1024, bytesWritten: 512 });
});

test("an odd image ends in zeros, an empty one is an empty disk", () => {
  const odd = new CopyOnWrite(700, readFrom(Uint8Array.from({ length: 700 }, () => 9)));
  expect(odd.size).toBe(1024);
  expect(odd.read(512, 512)).toEqual(Uint8Array.from({ length: 512 }, (_, i) => (i < 188 ? 9 : 0)));
  expect(new CopyOnWrite(0, () => 0).size).toBe(0);
});

test("more pages than are kept", () => {
  const pages = 100;
  const disk = new CopyOnWrite(pages * 65536, (offset, into) => into.fill(offset / 65536).length);
  for (const round of [0, 1]) for (let n = 0; n < pages; n++) expect(disk.read(n * 65536 + round, 2)).toEqual(Uint8Array.of(n, n));
});

test("changed pages are saved and restored", () => {
  const one = new CopyOnWrite(image.length, readFrom(image));
  one.write(65530, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
  one.zero(131072, 65536);
  const two = new CopyOnWrite(image.length, readFrom(image));
  two.write(0, Uint8Array.of(99));
  two.restore(one.save());
  for (const offset of [0, 65528, 65536, 131072, 196608]) expect(two.read(offset, 8)).toEqual(one.read(offset, 8));
});
