/** Cache lines. SDM Vol. 2 "CLFLUSH", "CLFLUSHOPT", "CLWB". Memory is always coherent here: they fault as the load of a byte. */
import { Exec } from "../backend/exec";
import { Op } from "../decode/op";

export function clflush(b: Exec, op: Op): void {
  b.checkRead(op, b.address(op), 1);
}
