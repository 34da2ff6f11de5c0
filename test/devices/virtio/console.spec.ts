import { expect, test } from "vitest";
import { VirtioConsole } from "../../../src/devices/virtio/console.ts";
import * as R from "../../../src/devices/virtio/registers.ts";
import { Driver } from "./driver.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (s: string) => new TextEncoder().encode(s);

function build() {
  const seen: string[] = [];
  const console = new VirtioConsole((out) => seen.push(text(out)), 132, 43);
  const driver = new Driver(console);
  const [receive, transmit] = driver.rings;
  const offerRoom = (length: number) => {
    const room = driver.place(length);
    driver.offer(receive, driver.chain(receive, [room]));
    driver.notify(receive);
    return room;
  };
  return { console, driver, receive, transmit, seen, offerRoom };
}

test("output, in pieces", () => {
  const { driver, seen } = build();
  expect(driver.request(1, [driver.place(bytes("hello, ")), driver.place(bytes("world\n"))])).toBe(0);
  expect(seen).toEqual(["hello, ", "world\n"]);
});

test("input waits for room, and room for input", () => {
  const { console, driver, receive, offerRoom } = build();
  console.receive(bytes("ab"));
  console.receive(bytes("cdef"));
  const first = offerRoom(4);
  expect([driver.collect(receive), text(driver.bytes(first))]).toEqual([[[0, 4]], "abcd"]);
  const second = offerRoom(4);
  const third = offerRoom(4);
  expect([driver.collect(receive), text(driver.bytes(second).subarray(0, 2))]).toEqual([[[1, 2]], "ef"]);
  console.receive(bytes("x"));
  expect([driver.collect(receive), text(driver.bytes(third).subarray(0, 1))]).toEqual([[[2, 1]], "x"]);
});

test("size, and a change of it", () => {
  const { console, driver } = build();
  expect([driver.config(0, 2), driver.config(2, 2), driver.config(4, 4)]).toEqual([132, 43, 1]);
  console.resize(80, 25);
  expect([driver.config(0, 2), driver.config(2, 2), driver.get(R.CONFIG_GENERATION, 1)]).toEqual([80, 25, 1]);
  expect(driver.board.messages).toEqual(["fee00000=42"]);
});

test("a character in an emergency", () => {
  const { driver, seen } = build();
  driver.board.addresses.write(driver.at(R.CAP_DEVICE) + 8, 4, 0x21);
  expect(seen).toEqual(["!"]);
});

test("what was typed is saved", () => {
  const one = build();
  one.console.receive(bytes("abc"));
  const two = build();
  two.driver.device.restore(one.driver.device.save());
  const room = two.offerRoom(8);
  expect(text(two.driver.bytes(room).subarray(0, 3))).toBe("abc");
});
