/**
 * What a PC's firmware leaves behind, without the firmware: interrupt controllers and timer as a BIOS sets them up, the local APIC in virtual
 * wire mode (SDM Vol. 3 "Virtual Wire Mode"; MultiProcessor Specification 1.4 3.6.2.2), vectors of real mode that lead somewhere, and the BIOS
 * data area. Kernels that are loaded without firmware may expect it all the same, since under QEMU one has run before them.
 */
import { setMemoryTypes } from "./memory-types.ts";
import type { Pc } from "./pc.ts";

const HANDLERS_SEGMENT = 0xf000;
/** offsets in it */
const IGNORE = 0xf000;
const IGNORE_MASTER = 0xf010;
const IGNORE_SLAVE = 0xf020;
const RESET_VECTOR = 0xfff0;
const IRET = 0xcf;

const EBDA_SEGMENT = 0x9fc0;
const CONVENTIONAL_KIB = 639;
const COM_PORTS = [0x3f8, 0x2f8, 0x3e8, 0x2e8];

const SVR_ENABLED = 0x1ff;
/** level, ExtINT */
const LINT0 = 0x8700;
/** level, NMI */
const LINT1 = 0x8400;

/** port, value */
const SET_UP: readonly (readonly [number, number])[] = [
  // 8259 pair: vectors 08 and 70, timer, keyboard, floppy, clock and mouse let through; interrupts 10 and 11 are PCI's
  ...([0x11, 0x08, 0x04, 0x01, 0xb8] as const).map((value, i) => [i === 0 ? 0x20 : 0x21, value] as const),
  ...([0x11, 0x70, 0x02, 0x01, 0x8e] as const).map((value, i) => [i === 0 ? 0xa0 : 0xa1, value] as const),
  [0x4d1, 0x0c],
  // 8254: 18.2 interrupts a second
  [0x43, 0x34],
  [0x40, 0x00],
  [0x40, 0x00],
];

export function runFirmware({ ports, memory, vcpu }: Pc): void {
  setMemoryTypes(vcpu);
  vcpu.setNumber("apicSvr", SVR_ENABLED);
  vcpu.setNumber("apicLvt", LINT0, 3);
  vcpu.setNumber("apicLvt", LINT1, 4);
  // only now, since the timer interrupts at once, and LINT0 would be masked
  for (const [port, value] of SET_UP) ports.write(port, 1, value);
  const handler = (offset: number, ...code: readonly number[]) => memory.write(HANDLERS_SEGMENT * 16 + offset, Uint8Array.from(code));
  handler(IGNORE, IRET);
  // push ax; mov al, 20h; out 20h, al; pop ax
  handler(IGNORE_MASTER, 0x50, 0xb0, 0x20, 0xe6, 0x20, 0x58, IRET);
  handler(IGNORE_SLAVE, 0x50, 0xb0, 0x20, 0xe6, 0xa0, 0xe6, 0x20, 0x58, IRET);
  // cli; hlt: there is no firmware that could boot anything
  handler(RESET_VECTOR, 0xfa, 0xf4);
  memory.write(0, vectors());
  memory.write(0x400, biosData());
}

function vectors(): Uint8Array {
  const table = new DataView(new ArrayBuffer(0x400));
  for (let n = 0; n < 256; n++) {
    table.setUint16(n * 4, n >> 3 === 1 ? IGNORE_MASTER : n >> 3 === 0x70 >> 3 ? IGNORE_SLAVE : IGNORE, true);
    table.setUint16(n * 4 + 2, HANDLERS_SEGMENT, true);
  }
  return new Uint8Array(table.buffer);
}

/** Ralf Brown's "Memory locations", segment 40h */
function biosData(): Uint8Array {
  const data = new DataView(new ArrayBuffer(0x100));
  for (const [n, port] of COM_PORTS.entries()) data.setUint16(n * 2, port, true);
  data.setUint16(0x0e, EBDA_SEGMENT, true);
  data.setUint16(0x13, CONVENTIONAL_KIB, true);
  return new Uint8Array(data.buffer);
}
