/** Fusion of a compare with the conditional jump behind it: one dispatch, and the condition from the operands themselves. */
import { FUSED_KIND, KIND_JCC } from "../generated/kinds";
import { OP_SIZE, Op } from "./op";

/** Given a record just decoded, fuses the record before it with it if they pair. OF and PF conditions stay apart: they are rare. */
export function fuse(op: Op): void {
  if (<u32>op.kind != KIND_JCC || op.off == 0) return;
  const condition = op.d >> 1;
  if (condition == 0 || condition == 5) return;
  const before = changetype<Op>(changetype<usize>(op) - OP_SIZE);
  const fused = <u32>before.kind < 128 ? load<u16>(FUSED_KIND + ((<usize>before.kind) << 1)) : 0;
  if (fused != 0) before.kind = fused;
}
