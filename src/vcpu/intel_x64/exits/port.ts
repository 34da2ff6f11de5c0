/**
 * IN, OUT and their string forms, as far as the I/O bitmaps name the port. A plain one is done here; a string instruction is let through for
 * one element at a time. SDM Vol. 3 "Exit Qualification for I/O Instructions".
 */
import { EXIT_REASON } from "../../../spec/exits.ts";
import type { Guest } from "../guest.ts";
import type { Hooks, PortAccess } from "../hooks.ts";
import { STATE_SAVE } from "../state-save.ts";
import type { ExitTable, Outcome } from "./exit.ts";

const IN = 1 << 3;
const STRING = 1 << 4;
const { rax } = STATE_SAVE;
const MASK: Readonly<Record<number, number>> = { 1: 0xff, 2: 0xffff, 4: 0xffff_ffff };

function port(guest: Guest, hooks: Hooks): Outcome {
  const qualification = Number(guest.qualification);
  const size = ((qualification & 7) + 1) as 1 | 2 | 4;
  const number = qualification >>> 16;
  const direction = (qualification & IN) !== 0 ? "in" : "out";
  const isString = (qualification & STRING) !== 0;
  const value = direction === "out" && !isString ? (guest.save.low(rax) & MASK[size]) >>> 0 : 0;
  const access: PortAccess = { port: number, size, direction, value, isString };
  const instead = hooks.port(access, guest);
  if (isString) stepOver(guest);
  else if (direction === "in") guest.execute(() => finishIn(guest, size, instead ?? read(guest, number, size)));
  else guest.execute(() => write(guest, number, size, instead ?? value));
  return "resume";
}

function stepOver(guest: Guest): void {
  guest.fields.disable("primary.useIoBitmaps");
  guest.step(() => guest.fields.enable("primary.useIoBitmaps"));
}

/** IN of 32 bits clears the upper half of RAX; narrower ones leave the rest. */
function finishIn({ save }: Guest, size: 1 | 2 | 4, value: number): void {
  if (size === 4) save.setLow(rax, value >>> 0);
  else save.set("rax", (save.get("rax") & ~BigInt(MASK[size])) | BigInt((value & MASK[size]) >>> 0));
}

function read({ cpu }: Guest, number: number, size: 1 | 2 | 4): number {
  return size === 1 ? cpu.in8(number) : size === 2 ? cpu.in16(number) : cpu.in32(number);
}

function write({ cpu }: Guest, number: number, size: 1 | 2 | 4, value: number): void {
  if (size === 1) cpu.out8(number, value);
  else if (size === 2) cpu.out16(number, value);
  else cpu.out32(number, value);
}

export const PORT_EXITS: ExitTable = { [EXIT_REASON.IO_INSTRUCTION]: port };
