/** Resource descriptors, named as ASL's macros. ACPI Specification, "Resource Data Types for ACPI". */
import { type Aml, Buffer, littleEndian } from "./aml.ts";

const SMALL = { IRQ: 0x22, IO: 0x47, END: 0x79 } as const;
const LARGE = { DWORD: 0x87, WORD: 0x88 } as const;
const TYPE = { MEMORY: 0, IO: 1, BUS: 2 } as const;
/** resource producer, positive decode, both ends fixed */
const WINDOW = 0x0c;
const ENTIRE_RANGE = 0x03;
const READ_WRITE = 0x01;
const CACHEABLE = 0x02;

export function ResourceTemplate(...descriptors: Aml[]): Aml {
  return Buffer([...descriptors.flat(), SMALL.END, 0]);
}

/** fixed ports, all 16 bits decoded */
export function IO(base: number, length: number): Aml {
  return [SMALL.IO, 1, ...littleEndian(base, 2), ...littleEndian(base, 2), 1, length];
}

/** edge-triggered, active high, not shared */
export function IRQNoFlags(irq: number): Aml {
  return [SMALL.IRQ, ...littleEndian(1 << irq, 2)];
}

export function WordBusNumber(first: number, last: number): Aml {
  return word(TYPE.BUS, 0, first, last);
}

export function WordIO(first: number, last: number): Aml {
  return word(TYPE.IO, ENTIRE_RANGE, first, last);
}

export function DWordMemory(first: number, last: number, cacheable = 0): Aml {
  const fields = [0, first, last, 0, last - first + 1].flatMap((value) => littleEndian(value, 4));
  return [LARGE.DWORD, ...littleEndian(3 + fields.length, 2), TYPE.MEMORY, WINDOW, READ_WRITE | cacheable, ...fields];
}

export function DWordMemoryCacheable(first: number, last: number): Aml {
  return DWordMemory(first, last, CACHEABLE);
}

function word(type: number, flags: number, first: number, last: number): Aml {
  const fields = [0, first, last, 0, last - first + 1].flatMap((value) => littleEndian(value, 2));
  return [LARGE.WORD, ...littleEndian(3 + fields.length, 2), type, WINDOW, flags, ...fields];
}
