/**
 * Random sequences of port accesses, one kind for each device, that keep to what QEMU models: it is the second implementation that they are
 * recorded from. Where it differs from the data sheet on purpose or from simplicity, the sequences stay away, and the note says so.
 */
import type { Random } from "../../lib/random.ts";

export type Access =
  | { readonly kind: "out" | "out16"; readonly port: number; readonly value: number }
  | { readonly kind: "in" | "in32"; readonly port: number }
  /** instructions */
  | { readonly kind: "wait"; readonly value: number };

export interface Sequence {
  readonly name: string;
  /** of icount: an instruction takes 2 ** shift nanoseconds */
  readonly shift: number;
  readonly accesses: (r: Random) => readonly Access[];
}

const out = (port: number, ...values: readonly number[]): Access[] => values.map((value) => ({ kind: "out", port, value }));
const read = (port: number): Access => ({ kind: "in", port });
const wait = (value: number): Access => ({ kind: "wait", value });

function repeat(r: Random, times: number, make: (r: Random) => readonly Access[]): Access[] {
  return Array.from({ length: times }, () => make(r)).flat();
}

/**
 * Lines are set through pc-testdev. ICW1 and ELCR are written only while they are low: QEMU takes a line that is high at an ICW1 for a new edge,
 * and does not look at the lines when they become levels.
 */
function pic(r: Random): readonly Access[] {
  const level = new Array<boolean>(16).fill(false);
  const line = (n: number, on: boolean): Access[] => {
    level[n] = on;
    return out(0x2000 + n, on ? 1 : 0);
  };
  const initialise = (): Access[] => [
    ...level.flatMap((on, n) => (on ? line(n, false) : [])),
    ...out(0x4d0, 0),
    ...out(0x4d1, 0),
    ...[0x20, 0xa0].flatMap((port) => {
      const icw4 = (r.oneIn(3) ? 2 : 0) | (r.oneIn(3) ? 0x10 : 0) | 1;
      return [...out(port, 0x11), ...out(port + 1, r.below(256), port === 0x20 ? 4 : 2, icw4, r.below(256) & r.below(256))];
    }),
    ...out(0x4d0, r.below(256)),
    ...out(0x4d1, r.below(256)),
  ];
  const step = (): readonly Access[] => {
    const port = r.pick([0x20, 0xa0]);
    switch (r.below(12)) {
      case 0:
        return r.oneIn(6) ? initialise() : [];
      case 1:
        return out(port + 1, r.below(256) & r.below(256));
      case 2:
        return out(port, (r.below(8) << 5) | r.below(8));
      case 3:
        // not special mask with a non-specific end of interrupt: QEMU does not pass over masked bits
        return [...out(port, 0x0c), read(port)];
      case 4:
      case 5:
        return [...out(port, 0x0a), read(port), ...out(port, 0x0b), read(port), read(port + 1)];
      default: {
        const n = r.pick([3, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15]);
        return line(n, !level[n]);
      }
    }
  };
  // the timer stays quiet: its output is low for 55 ms
  return [...out(0x43, 0x30), ...out(0x40, 0xff, 0xff), ...initialise(), ...repeat(r, 1500, step)];
}

/** A control word before each count, because QEMU loads counts at once; no BCD, odd square waves, gates and mode 7: it has none. */
function pit(r: Random): readonly Access[] {
  const step = (): readonly Access[] => {
    const channel = r.below(3);
    const access = r.between(1, 3);
    const mode = r.pick([0, 2, 3, 4, 6]);
    const [low, high] = [access === 2 ? 0 : r.between(4, 255), access === 1 ? 0 : r.oneIn(3) ? r.between(1, 255) : r.between(1, 8)];
    const isSquare = mode === 3;
    const port = 0x40 + channel;
    const readCount = access === 3 ? [read(port), read(port)] : [read(port)];
    const look = (): readonly Access[] => {
      const gap = wait(r.between(2500, r.oneIn(4) ? 3_000_000 : 60_000));
      switch (r.below(4)) {
        case 0:
          return [gap, ...out(0x43, channel << 6), wait(r.below(9000)), ...readCount];
        case 1:
          return [gap, ...out(0x43, 0xe0 | (2 << channel)), wait(r.below(9000)), read(port)];
        case 2:
          return [gap, ...out(0x43, 0xc0 | (2 << channel)), wait(r.below(9000)), read(port), ...readCount];
        default:
          return access === 3 ? [gap] : [gap, read(port)];
      }
    };
    const first = isSquare ? low & ~1 : low;
    const count = access === 1 ? [first] : access === 2 ? [high] : [first, high];
    return [...out(0x43, (channel << 6) | (access << 4) | (mode << 1)), ...out(port, ...count), ...repeat(r, 5, look)];
  };
  return [...out(0x61, 1), ...repeat(r, 150, step)];
}

/** The format changes only while the clock is being set; the periodic flag is left out, which QEMU sets only with its interrupt. */
function rtc(r: Random): readonly Access[] {
  const write = (register: number, value: number): Access[] => [...out(0x70, register), ...out(0x71, value)];
  const look = (register: number): Access[] => [...out(0x70, register), read(0x71)];
  const bcd = (value: number): number => Math.floor(value / 10) * 16 + (value % 10);
  let format = 2;
  const encode = (value: number): number => ((format & 4) !== 0 ? value : bcd(value));
  const hours = (value: number): number => ((format & 2) !== 0 ? encode(value) : encode(value % 12 || 12) | (value >= 12 ? 0x80 : 0));
  const set = (): Access[] => {
    format = r.pick([0, 2, 4, 6]);
    const [month, year] = [r.between(1, 12), r.between(0, 99)];
    return [
      ...write(11, 0x80 | format),
      ...write(0, encode(r.between(50, 59))),
      ...write(2, encode(r.between(58, 59))),
      ...write(4, hours(r.oneIn(2) ? 23 : r.below(24))),
      ...write(7, encode(r.oneIn(2) ? 28 : r.between(1, 28))),
      ...write(8, encode(month)),
      ...write(9, encode(year)),
      ...write(0x32, encode(20)),
      ...write(11, format),
    ];
  };
  const step = (): readonly Access[] => {
    switch (r.below(8)) {
      case 0:
        return set();
      case 1:
        return [...write(r.pick([0x0f, 0x40, 0x7f]), r.below(256)), ...look(r.pick([0x0f, 0x40, 0x7f]))];
      case 2:
      case 3:
        return [wait(r.between(80_000, 1_600_000)), ...look(10)];
      default:
        return [wait(r.between(100_000, 8_000_000)), ...[0, 2, 4, 6, 7, 8, 9, 0x32, 11, 13].flatMap(look)];
    }
  };
  return [...write(10, 0x26), ...write(11, 2), ...write(0x0f, 0), ...write(0x40, 0), ...write(0x7f, 0), ...set(), ...repeat(r, 150, step)];
}

/** All in loopback: nobody is at the other end. Changes of modem lines do not count there in QEMU, nor does it gate what it sends. */
function uart(r: Random): readonly Access[] {
  const at = (register: number): number => 0x3f8 + register;
  const step = (): readonly Access[] => {
    switch (r.below(14)) {
      case 0:
        return out(at(1), r.below(8));
      case 1:
        return out(at(2), r.pick([0x01, 0x41, 0x81, 0xc1, 0xc7, 0x03, 0x00]));
      case 2:
        return [...out(at(3), 0x83), ...out(at(0), r.between(1, 3)), ...out(at(1), 0), ...out(at(3), r.below(0x40)), read(at(3))];
      case 3:
        return [...out(at(4), 0x10 | r.below(16)), read(at(4)), read(at(6))];
      case 4:
        return [...out(at(7), r.below(256)), read(at(7))];
      case 5:
        return [read(at(5)), read(at(2))];
      case 6:
        return [wait(r.between(0, 3_000_000)), read(at(2))];
      case 7:
      case 8:
        return [read(at(5)), read(at(0)), read(at(2))];
      case 9:
        return repeat(r, r.below(20), () => [read(at(0))]);
      default:
        return [...repeat(r, r.below(20), () => out(at(0), r.below(256))), read(at(2)), read(at(5))];
    }
  };
  return [...out(at(4), 0x10), ...out(at(1), 0), ...out(at(2), 7), ...out(at(3), 3), read(at(0)), read(at(5)), ...repeat(r, 600, step)];
}

function pm(r: Random): readonly Access[] {
  return repeat(r, 400, () => [wait(r.below(r.oneIn(5) ? 10_000_000 : 5_000)), { kind: "in32", port: 0x608 }]);
}

/** One command at a time, and everything that it says is read: QEMU and a real controller differ in what happens to the rest. */
function i8042(r: Random): readonly Access[] {
  const drain = (n: number): Access[] => Array.from({ length: n }, () => [read(0x64), read(0x60)]).flat();
  const step = (): readonly Access[] => {
    switch (r.below(7)) {
      case 0:
        return [...out(0x64, r.pick([0x20, 0xaa, 0xab, 0xa9, 0xd0])), ...drain(1), read(0x64)];
      case 1:
        return [...out(0x64, r.pick([0xd2, 0xd3])), ...out(0x60, r.below(256)), ...drain(1), read(0x64)];
      case 2:
        return [...out(0x64, 0x60), ...out(0x60, r.pick([0x44, 0x47, 0x04, 0x07])), read(0x64), ...out(0x64, 0x20), ...drain(1)];
      case 3:
        return [...out(0x60, r.pick([0xee, 0xf4, 0xf6])), ...drain(1), read(0x64)];
      case 4:
        return [...out(0x60, 0xf2), ...drain(3), read(0x64)];
      case 5:
        return [...out(0x60, r.pick([0xed, 0xf3])), ...drain(1), ...out(0x60, r.below(8)), ...drain(1), read(0x64)];
      default:
        return [...out(0x60, 0xf0), ...drain(1), ...out(0x60, 0), ...drain(2), read(0x64)];
    }
  };
  return [
    ...out(0x64, 0xad),
    ...out(0x64, 0xa7),
    ...out(0x64, 0xae),
    ...out(0x64, 0x60),
    ...out(0x60, 0x47),
    ...out(0x60, 0xff),
    ...drain(2),
    ...repeat(r, 300, step),
  ];
}

export const SEQUENCES: readonly Sequence[] = [
  { name: "pic", shift: 0, accesses: pic },
  { name: "pit", shift: 0, accesses: pit },
  { name: "rtc", shift: 7, accesses: rtc },
  { name: "uart", shift: 0, accesses: uart },
  { name: "pm", shift: 3, accesses: pm },
  { name: "i8042", shift: 0, accesses: i8042 },
];
