/** Packed decimal: 18 digits, two a byte, and a sign byte. SDM 1 4.7 "BCD and packed BCD integers"; SDM 2 "FBLD", "FBSTP". */

import { beginX87, flags, IE, isStopped, rounding } from "./environment";
import { integerWithin } from "./integer";
import { A, packExtended, R, setInteger, unpackExtended } from "./unpacked";

const LARGEST: u64 = 999999999999999999;

/** Digits above 9 count as they are, as on hardware; nothing is raised. */
export function fbld(destination: usize, address: usize, fcw: u32): bool {
  beginX87(fcw);
  let value: i64 = 0;
  for (let i = 8; i >= 0; i--) {
    const pair = load<u8>(address + i);
    value = value * 100 + (pair >> 4) * 10 + (pair & 15);
  }
  setInteger(R, value);
  R.sign = load<u8>(address, 9) >> 7;
  packExtended(destination, R);
  return true;
}

export function fbstp(address: usize, a: usize, fcw: u32): bool {
  beginX87(fcw);
  unpackExtended(A, a);
  const value = integerWithin(rounding, LARGEST);
  if (isStopped()) return false;
  if (flags & IE) {
    storeIndefinite(address);
    return true;
  }
  let rest: u64 = value < 0 ? 0 - value : value;
  for (let i = 0; i < 9; i++) {
    const pair = <u32>(rest % 100);
    rest /= 100;
    store<u8>(address + i, ((pair / 10) << 4) | (pair % 10));
  }
  store<u8>(address, A.sign << 7, 9);
  return true;
}

export function storeIndefinite(address: usize): void {
  store<u64>(address, 0xc000000000000000);
  store<u16>(address, 0xffff, 8);
}
