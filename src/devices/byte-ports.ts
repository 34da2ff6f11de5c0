/** Ports one byte wide, as almost all chips of the ISA bus have them: a wider access is made of byte accesses, the lowest offset first. */
import type { Region } from "../bus/device.ts";

export function bytePorts(read: (offset: number) => number, write: (offset: number, value: number) => void): Region {
  return {
    read(offset, size) {
      let value = read(offset);
      for (let i = 1; i < size; i++) value |= read(offset + i) << (i * 8);
      return value >>> 0;
    },
    write(offset, size, value) {
      write(offset, value & 0xff);
      for (let i = 1; i < size; i++) write(offset + i, (value >>> (i * 8)) & 0xff);
    },
  };
}
