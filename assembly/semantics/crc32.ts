/** CRC-32C. SDM Vol. 2 "CRC32": polynomial 11EDC6F41, bits reflected. */
import { Exec } from "../backend/exec";
import { Op } from "../decode/op";

/** the remainders of four bits */
const TABLE: usize = memory.data<u32>([
  0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6,
  0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
]);

export function crc32<T, U, S>(b: Exec, op: Op): void {
  b.setRegister<T>(<usize>op.d, checksum(b.register<u32>(<usize>op.d), b.src<U, S>(op), sizeof<U>()));
}

/** The source is as wide as the operand size, the destination at least 32 bits. */
export function crc32v<T, S>(b: Exec, op: Op): void {
  if (op.operandSize == 2) crc32<T, u64, S>(b, op);
  else if (op.operandSize == 1) crc32<T, u32, S>(b, op);
  else crc32<T, u16, S>(b, op);
}

function checksum(crc: u64, v: u64, bytes: u32): u64 {
  let c = <u32>crc;
  for (; bytes > 0; bytes--, v >>= 8) {
    c ^= <u32>v & 0xff;
    c = (c >> 4) ^ load<u32>(TABLE + ((<usize>(c & 15)) << 2));
    c = (c >> 4) ^ load<u32>(TABLE + ((<usize>(c & 15)) << 2));
  }
  return <u64>c;
}
