/**
 * Bit tests. SDM Vol. 2 "BT", "BTS", "BTR", "BTC". With a register as bit offset, a memory operand is the unit that holds the bit, however
 * far from the address it lies; an immediate offset stays within the operand.
 */
import { Exec } from "../backend/exec";
import { bitDisplacement } from "../cpu/bit-offset";
import { MEM, Op } from "../decode/op";
import { status } from "../flags";
import { RFLAGS_CF } from "../generated/constants";

export function bt<T>(b: Exec, op: Op): void {
  const x = op.dk == MEM ? b.read<T>(op, unit(b, op)) : b.register<T>(<usize>op.d);
  tested(b, x >> bitOf<T>(b, op));
}

export function bts<T>(b: Exec, op: Op): void {
  const at = openUnit<T>(b, op);
  const n = bitOf<T>(b, op);
  const x = <u64>load<T>(at);
  putUnit<T>(b, op, at, x | ((<u64>1) << n));
  tested(b, x >> n);
}

export function btr<T>(b: Exec, op: Op): void {
  const at = openUnit<T>(b, op);
  const n = bitOf<T>(b, op);
  const x = <u64>load<T>(at);
  putUnit<T>(b, op, at, x & ~((<u64>1) << n));
  tested(b, x >> n);
}

export function btc<T>(b: Exec, op: Op): void {
  const at = openUnit<T>(b, op);
  const n = bitOf<T>(b, op);
  const x = <u64>load<T>(at);
  putUnit<T>(b, op, at, x ^ ((<u64>1) << n));
  tested(b, x >> n);
}

export function btImm<T, D>(b: Exec, op: Op): void {
  tested(b, b.dst<T, D>(op) >> immediateBit<T>(op));
}

export function btsImm<T, D>(b: Exec, op: Op): void {
  const at = b.open<T, D>(op);
  const n = immediateBit<T>(op);
  const x = b.fetch<T, D>(op, at);
  b.put<T, D>(op, at, x | ((<u64>1) << n));
  tested(b, x >> n);
}

export function btrImm<T, D>(b: Exec, op: Op): void {
  const at = b.open<T, D>(op);
  const n = immediateBit<T>(op);
  const x = b.fetch<T, D>(op, at);
  b.put<T, D>(op, at, x & ~((<u64>1) << n));
  tested(b, x >> n);
}

export function btcImm<T, D>(b: Exec, op: Op): void {
  const at = b.open<T, D>(op);
  const n = immediateBit<T>(op);
  const x = b.fetch<T, D>(op, at);
  b.put<T, D>(op, at, x ^ ((<u64>1) << n));
  tested(b, x >> n);
}

/** The tested bit goes to CF; the other flags stay. */
function tested(b: Exec, bit: u64): void {
  b.flagsAll(<u64>(status(b) & ~RFLAGS_CF) | (bit & 1));
}

function bitOf<T>(b: Exec, op: Op): u64 {
  return b.register<T>(<usize>op.s) & (sizeof<T>() * 8 - 1);
}

function immediateBit<T>(op: Op): u64 {
  return <u64>op.imm & (sizeof<T>() * 8 - 1);
}

/** Linear address of the unit with the bit. An address record has already counted in the bit offset. */
function unit(b: Exec, op: Op): u64 {
  const placed = <usize>op.base == changetype<usize>(b) + offsetof<Exec>("ea");
  return placed ? b.ea : b.address(op) + bitDisplacement(op);
}

function openUnit<T>(b: Exec, op: Op): usize {
  return op.dk == MEM ? b.writableAt(op, unit(b, op), sizeof<T>()) : <usize>op.d;
}

function putUnit<T>(b: Exec, op: Op, at: usize, v: u64): void {
  if (op.dk != MEM) b.setRegister<T>(at, v);
  else {
    store<T>(at, <T>v);
    b.commit(at);
  }
}
