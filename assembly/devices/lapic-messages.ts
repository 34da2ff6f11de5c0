/**
 * Who gets an interrupt that is sent: messages on the bus and inter-processor interrupts. SDM Vol. 3 "Determining IPI Destination",
 * "Message Signalled Interrupts".
 */
import { State } from "../generated/state";
import { STATE_STRIDE, STATES } from "../memory-map";
import { accept, error, FIXED, INIT, isEnabled, LOWEST_PRIORITY, processorPriority, SEND_ILLEGAL_VECTOR } from "./lapic-interrupts";

const BASE_X2APIC: u64 = 1 << 10;
const EVERYBODY: u32 = 0xffffffff;
// destination shorthands
const NONE: u32 = 0;
const SELF: u32 = 1;
const ALL: u32 = 2;

/** processors of the machine, one behind the other in memory */
let processors: u32 = 1;

export function isX2apic(s: State): bool {
  return (s.apicBase & BASE_X2APIC) != 0;
}

export function processor(index: u32): State {
  return changetype<State>(STATES + <usize>index * STATE_STRIDE);
}

/** The interrupt command register was written. */
export function sendIpi(s: State, command: u32, destination: u32): void {
  const mode = (command >> 8) & 7;
  const level = (command & (1 << 15)) != 0;
  if (mode <= LOWEST_PRIORITY && (command & 0xff) < 16) return error(s, SEND_ILLEGAL_VECTOR);
  // the level de-assert of INIT has no effect since the Pentium 4
  if (mode == INIT && level && (command & (1 << 14)) == 0) return;
  const shorthand = (command >> 18) & 3;
  if (shorthand == NONE) send(mode, command & 0xff, destination, (command & (1 << 11)) != 0);
  else
    for (let i: u32 = 0; i < processors; i++) {
      const to = processor(i);
      const self = changetype<usize>(to) == changetype<usize>(s);
      if (shorthand == SELF ? self && mode == FIXED : shorthand == ALL ? !self || mode < INIT : !self)
        deliver(to, mode, command & 0xff, false);
    }
}

/** A write of `data` to `address` in FEExxxxxH. */
export function receiveMessage(address: u32, data: u32): void {
  if (address >> 20 != 0xfee) return;
  const destination = (address >> 12) & 0xff;
  const level = (data & (1 << 15)) != 0;
  // the level is de-asserted by the end of the interrupt, not by a message
  if (level && (data & (1 << 14)) == 0) return;
  sendTo((data >> 8) & 7, data & 0xff, destination == 0xff ? EVERYBODY : destination, (address & 4) != 0, level);
}

function send(mode: u32, vector: u32, destination: u32, logical: bool): void {
  sendTo(mode, vector, destination, logical, false);
}

function sendTo(mode: u32, vector: u32, destination: u32, logical: bool, level: bool): void {
  let lowest = changetype<State>(0);
  for (let i: u32 = 0; i < processors; i++) {
    const to = processor(i);
    if (!isEnabled(to) || !(logical ? matchesLogical(to, destination) : destination == EVERYBODY || destination == to.apicId)) continue;
    if (mode != LOWEST_PRIORITY) deliver(to, mode, vector, level);
    else if (changetype<usize>(lowest) == 0 || processorPriority(to) < processorPriority(lowest)) lowest = to;
  }
  if (changetype<usize>(lowest) != 0) deliver(lowest, FIXED, vector, level);
}

function deliver(to: State, mode: u32, vector: u32, level: bool): void {
  if (isEnabled(to)) accept(to, mode, vector, level);
}

function matchesLogical(to: State, destination: u32): bool {
  if (destination == EVERYBODY) return true;
  if (isX2apic(to)) {
    const id = logicalX2apicId(to);
    return id >> 16 == destination >> 16 && (id & destination & 0xffff) != 0;
  }
  const id = to.apicLdr >> 24;
  const flat = to.apicDfr >> 28 == 15;
  return flat ? (id & destination) != 0 : id >> 4 == destination >> 4 && (id & destination & 15) != 0;
}

/** the logical x2APIC ID follows from the ID */
export function logicalX2apicId(s: State): u32 {
  return ((s.apicId >> 4) << 16) | (1 << (s.apicId & 15));
}
