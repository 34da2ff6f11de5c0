import { describe, expect, test } from "vitest";
import type { Chain } from "../../../src/devices/virtio/chain.ts";
import type { Transport, VirtioDevice } from "../../../src/devices/virtio/device.ts";
import * as R from "../../../src/devices/virtio/registers.ts";
import { DATA, Driver, type DriverSetting } from "./driver.ts";

/** Answers with the bytes it was given, plus one. */
class Echo implements VirtioDevice {
  readonly name = "echo";
  readonly type = 63;
  readonly classCode = 0xff0000;
  readonly features = 5;
  readonly queueSizes: readonly number[];
  readonly config = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  readonly written: number[][] = [];
  transport: Transport | undefined;
  willing = true;

  constructor(size = 16) {
    this.queueSizes = [size, 8];
  }

  attach(transport: Transport): void {
    this.transport = transport;
  }

  ready(): boolean {
    return this.willing;
  }

  handle(_n: number, chain: Chain): number {
    const bytes = chain.take(chain.restLength).subarray(0, chain.space);
    chain.put(bytes.map((b) => b + 1));
    return bytes.length;
  }

  configure(...access: number[]): void {
    this.written.push(access);
  }

  reset(): void {}

  save() {
    return null;
  }

  restore(): void {}
}

const build = (setting?: DriverSetting) => {
  const echo = new Echo();
  return { echo, driver: new Driver(echo, setting) };
};
const PLAIN = 5;
const buffer = (driver: Driver, ...bytes: number[]) => [driver.place(Uint8Array.of(...bytes)), driver.place(bytes.length)];

test("ids and capabilities", () => {
  const { driver } = build();
  const { board, slot } = driver;
  expect([board.get(slot, 0, 4), board.get(slot, 8, 4), board.get(slot, 0x2c, 4), board.get(slot, 0x3d, 1)]).toEqual([
    0x107f1af4, 0xff000001, 0x11001af4, 1,
  ]);
  expect([1, 2, 3, 4, 5].every((type) => driver.at(type) !== undefined)).toBe(true);
});

describe("set-up", () => {
  test("features: what is offered, in two words", () => {
    const { driver } = build();
    expect([driver.offered(0), driver.offered(1), driver.offered(2)]).toEqual([0x30000005, 1, 0]);
  });

  test.each([
    ["all that is offered", 0x30000005, 1, true],
    ["nothing but the version", 0, 1, true],
    ["not the version", 0x30000005, 0, false],
    ["what was not offered", 2, 1, false],
    ["what was not offered, above", 0, 3, false],
  ])("features accepted: %s", (_, low, high, fine) => {
    const { driver } = build();
    driver.set(R.DEVICE_STATUS, 1, 0);
    for (const [word, value] of [low, high].entries()) {
      driver.set(R.DRIVER_FEATURE_SELECT, 4, word);
      driver.set(R.DRIVER_FEATURE, 4, value);
    }
    driver.set(R.DEVICE_STATUS, 1, 0xb);
    expect(driver.status).toBe(fine ? 0xb : 3);
  });

  test("queues: sizes, addresses, what cannot be changed once enabled", () => {
    const { driver } = build();
    driver.set(R.DEVICE_STATUS, 1, 0);
    driver.set(R.QUEUE_SELECT, 2, 1);
    const sizes = [3, 16, 0, 4].map((size) => {
      driver.set(R.QUEUE_SIZE, 2, size);
      return driver.get(R.QUEUE_SIZE, 2);
    });
    expect(sizes).toEqual([8, 8, 8, 4]);
    driver.set(R.QUEUE_DESC + 4, 4, 1);
    driver.set(R.QUEUE_DESC, 4, 0x1000);
    driver.set(R.QUEUE_ENABLE, 2, 1);
    driver.set(R.QUEUE_ENABLE, 2, 0);
    driver.set(R.QUEUE_DESC, 4, 0x2000);
    driver.set(R.QUEUE_SIZE, 2, 2);
    const seen = [R.QUEUE_ENABLE, R.QUEUE_DESC, R.QUEUE_DESC + 4, R.QUEUE_SIZE, R.QUEUE_NOTIFY_OFF].map((at) => driver.get(at, 4));
    expect(seen).toEqual([1, 0x1000, 1, 4, 1]);
  });

  test("a queue that does not exist has size 0", () => {
    const { driver } = build();
    driver.set(R.QUEUE_SELECT, 2, 2);
    driver.set(R.QUEUE_ENABLE, 2, 1);
    expect([driver.get(R.QUEUE_SIZE, 2), driver.get(R.QUEUE_ENABLE, 2), driver.get(R.NUM_QUEUES, 2)]).toEqual([0, 0, 2]);
  });

  test("vectors that do not exist read back as none", () => {
    const { driver } = build();
    driver.set(R.CONFIG_MSIX_VECTOR, 2, 3);
    expect(driver.get(R.CONFIG_MSIX_VECTOR, 2)).toBe(0xffff);
    driver.set(R.CONFIG_MSIX_VECTOR, 2, 2);
    expect(driver.get(R.CONFIG_MSIX_VECTOR, 2)).toBe(2);
  });

  test("reset", () => {
    const { driver } = build();
    driver.set(R.DEVICE_STATUS, 1, 0);
    driver.set(R.QUEUE_SELECT, 2, 0);
    expect([driver.status, driver.get(R.QUEUE_ENABLE, 2), driver.get(R.QUEUE_DESC, 4), driver.get(R.CONFIG_MSIX_VECTOR, 2)]).toEqual([
      0, 0, 0, 0xffff,
    ]);
  });
});

describe("device configuration", () => {
  test("read in any size, zeros behind it, writes go to the device", () => {
    const { driver, echo } = build();
    expect([driver.config(0, 4), driver.config(5, 1), driver.config(6, 4)]).toEqual([0x04030201, 6, 0x0807]);
    driver.board.addresses.write(driver.at(R.CAP_DEVICE) + 4, 2, 0x1234);
    expect(echo.written).toEqual([[4, 2, 0x1234]]);
  });

  test("a change: generation and interrupt", () => {
    const { driver, echo } = build();
    echo.transport?.configChanged();
    expect([driver.get(R.CONFIG_GENERATION, 1), driver.board.messages, driver.isr, driver.isr]).toEqual([1, ["fee00000=42"], 2, 0]);
  });
});

describe.each([
  ["event index", -1],
  ["flags", PLAIN],
])("buffers, interrupts by %s", (_, features) => {
  test("many at once, one interrupt", () => {
    const { driver } = build({ features });
    const ring = driver.rings[0];
    const buffers = [1, 2, 3].map((n) => buffer(driver, n, n));
    for (const b of buffers) driver.offer(ring, driver.chain(ring, b));
    driver.notify(ring);
    expect(driver.collect(ring)).toEqual([0, 2, 4].map((head) => [head, 2]));
    expect(buffers.map(([, b]) => [...driver.bytes(b)])).toEqual([[2, 2], [3, 3], [4, 4]]); // biome-ignore format: a row
    expect(driver.board.messages).toEqual(["fee00000=40"]);
  });

  test("around the ring many times, and its counts past 65535", () => {
    const { driver } = build({ features, queueSize: 4 });
    const [input, output] = buffer(driver, 0);
    for (let i = 0; i < 70000; i++) {
      driver.memory.bytes[input.gpa] = i;
      if (driver.request(0, [input, output]) !== 1 || driver.memory.bytes[output.gpa] !== ((i + 1) & 0xff)) throw new Error(`at ${i}`);
    }
  });

  test("a notification of the other queue, or of none, does nothing", () => {
    const { driver } = build({ features });
    const ring = driver.rings[0];
    driver.offer(ring, driver.chain(ring, buffer(driver, 1)));
    driver.notify(driver.rings[1]);
    driver.notify({ ...ring, n: 77 });
    expect(driver.collect(ring)).toEqual([]);
  });

  test("a device that is not ready leaves buffers where they are", () => {
    const { driver, echo } = build({ features });
    const ring = driver.rings[0];
    echo.willing = false;
    driver.offer(ring, driver.chain(ring, buffer(driver, 1)));
    driver.notify(ring);
    expect(driver.collect(ring)).toEqual([]);
    echo.willing = true;
    echo.transport?.serve(0);
    expect(driver.collect(ring)).toEqual([[0, 1]]);
  });
});

test("no interrupts when the driver says so in the flags", () => {
  const { driver } = build({ features: PLAIN });
  const ring = driver.rings[0];
  driver.memory.data.setUint16(ring.available, 1, true);
  driver.request(0, buffer(driver, 1));
  expect(driver.board.messages).toEqual([]);
});

test("event index: an interrupt when the named buffer is given back", () => {
  const { driver } = build();
  const ring = driver.rings[0];
  driver.memory.data.setUint16(ring.available + 4 + 2 * ring.size, 2, true);
  const sent = [1, 2, 3, 4].map(() => {
    driver.request(0, buffer(driver, 1));
    return driver.board.messages.length;
  });
  expect(sent).toEqual([0, 0, 1, 1]);
});

test("event index: the device asks to be told of the next buffer", () => {
  const { driver } = build();
  const ring = driver.rings[0];
  for (const expected of [1, 2, 3]) {
    driver.request(0, buffer(driver, 1));
    expect(driver.memory.data.getUint16(ring.used + 4 + 8 * ring.size, true)).toBe(expected);
  }
});

describe("without MSI-X", () => {
  test("the pin, until the ISR status is read", () => {
    const { driver } = build({ msix: false });
    driver.request(0, buffer(driver, 1));
    expect(driver.board.lines).toEqual(["irq 10", "pin 17"]);
    expect([driver.isr, driver.isr, driver.board.lines, driver.board.messages]).toEqual([1, 0, [], []]);
  });

  test("switching MSI-X on silences the pin", () => {
    const { driver } = build({ msix: false });
    driver.request(0, buffer(driver, 1));
    driver.board.set(driver.slot, 0x42, 2, 0x8000);
    expect(driver.board.lines).toEqual([]);
  });

  test("a reset releases it", () => {
    const { driver } = build({ msix: false });
    driver.request(0, buffer(driver, 1));
    driver.set(R.DEVICE_STATUS, 1, 0);
    expect(driver.board.lines).toEqual([]);
  });
});

describe("nothing is taken", () => {
  const refused = (driver: Driver) => {
    const ring = driver.rings[0];
    driver.offer(ring, driver.chain(ring, buffer(driver, 1)));
    driver.notify(ring);
    return driver.collect(ring);
  };

  test("before DRIVER_OK, but then", () => {
    const { driver } = build();
    driver.initialize({ status: R.FEATURES_OK });
    expect(refused(driver)).toEqual([]);
    driver.set(R.DEVICE_STATUS, 1, R.DRIVER_OK);
    expect(driver.collect(driver.rings[0])).toEqual([[0, 1]]);
  });

  test("while the device may not access memory, but then", () => {
    const { driver } = build();
    driver.board.set(driver.slot, 4, 2, 3);
    expect(refused(driver)).toEqual([]);
    driver.board.set(driver.slot, 4, 2, 7);
    expect(driver.collect(driver.rings[0])).toEqual([[0, 1]]);
  });
});

test("a long queue is worked off in shares", () => {
  const echo = new Echo(1024);
  const driver = new Driver(echo, { queueSize: 1024, features: PLAIN });
  const ring = driver.rings[0];
  const room = { gpa: DATA, length: 1, write: true };
  for (let i = 0; i < 600; i++) driver.offer(ring, driver.chain(ring, [room]));
  driver.notify(ring);
  expect(driver.collect(ring)).toHaveLength(256);
  driver.device.restore(driver.device.save());
  driver.wait();
  expect(driver.collect(ring)).toHaveLength(344);
  expect([driver.now, driver.board.messages.length]).toEqual([2000, 3]);
});

test("restored elsewhere, it does nothing by itself", () => {
  const [one, two] = [build(), build({ status: 0 })];
  one.echo.willing = false;
  const ring = one.driver.rings[0];
  one.driver.offer(ring, one.driver.chain(ring, buffer(one.driver, 1)));
  one.driver.notify(ring);
  two.driver.board.set(two.driver.slot, 4, 2, 0);
  two.driver.memory.bytes.fill(0x11);
  two.driver.device.restore(one.driver.device.save());
  expect([two.driver.status & R.NEEDS_RESET, two.driver.board.messages]).toEqual([0, []]);
  two.driver.memory.bytes.set(one.driver.memory.bytes);
  two.echo.transport?.serve(0);
  expect([two.driver.collect(two.driver.rings[0]), two.driver.board.messages]).toEqual([[[0, 1]], ["fee00000=40"]]);
});

test("the window in configuration space", () => {
  const { driver } = build();
  const { board, slot } = driver;
  let at = board.get(slot, 0x34, 1);
  while (board.get(slot, at + 3, 1) !== R.CAP_PCI_CFG || board.get(slot, at, 1) !== 9) at = board.get(slot, at + 1, 1);
  const access = (bar: number, offset: number, size: number) => {
    board.set(slot, at + 4, 1, bar);
    board.set(slot, at + 8, 4, offset);
    board.set(slot, at + 12, 4, size);
  };
  access(4, R.NUM_QUEUES, 2);
  expect(board.get(slot, at + 16, 2)).toBe(2);
  access(4, 0x2004, 4);
  expect(board.get(slot, at + 16, 4)).toBe(0x08070605);
  access(4, R.DEVICE_STATUS, 1);
  board.set(slot, at + 16, 1, 0);
  expect(driver.status).toBe(0);
  for (const bad of [
    [1, 0, 4],
    [4, 1, 4],
    [4, 0x4000, 4],
    [4, 0, 3],
    [4, 0xfffffffc, 4],
  ]) {
    // biome-ignore format: a row
    access(bad[0], bad[1], bad[2]);
    board.set(slot, at + 16, 4, 0xffffffff);
  }
  expect(driver.status).toBe(0);
});
