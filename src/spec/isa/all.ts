/** Every instruction row, in the order of the tables. */
import { alu } from "./alu.ts";
import { bits } from "./bits.ts";
import { control } from "./control.ts";
import { crypto } from "./crypto.ts";
import { data } from "./data.ts";
import { legacy } from "./legacy.ts";
import { mmx } from "./mmx.ts";
import { muldiv } from "./muldiv.ts";
import { reserved } from "./reserved.ts";
import type { Row } from "./row.ts";
import { shift } from "./shift.ts";
import { sse } from "./sse.ts";
import { sseInteger } from "./sse-integer.ts";
import { string } from "./string.ts";
import { system } from "./system.ts";
import { vmx } from "./vmx.ts";
import { x87 } from "./x87.ts";

export const isa: readonly Row[] = [
  alu,
  data,
  shift,
  muldiv,
  bits,
  string,
  control,
  legacy,
  system,
  vmx,
  x87,
  mmx,
  sse,
  sseInteger,
  crypto,
  reserved,
].flat();
