/**
 * FADD, FMUL, FSUB, FSUBR, FDIV, FDIVR in all their forms. SDM Vol. 2 under the mnemonics. The operation is the reg field, and always
 * ST(0) op operand: that is why FSUB and FSUBR, FDIV and FDIVR change places where ST(i) is the destination.
 */
import { Exec } from "../../backend/exec";
import { Op } from "../../decode/op";
import { fadd, fsub, fsubr } from "../../float80/add";
import { fdiv, fdivr } from "../../float80/div";
import { fmul } from "../../float80/mul";
import { Extended } from "../../float80/unpacked";
import { begin, beginLoad, end, fill, indexOf, isEmpty, pop, setIndefinite, st, underflow } from "./stack";

/** ST(0) = ST(0) op memory. */
export function arithmetic<F>(b: Exec, op: Op): void {
  const operand = beginLoad<F>(b, op);
  const st0 = st(b, 0);
  if (isEmpty(b, 0)) replaceMissing(b, 0);
  else {
    operate<F>(op, st0, st0, operand, b.fcw);
    end(b);
  }
}

/** ST(0) = ST(0) op ST(i). */
export function arithmeticSt(b: Exec, op: Op): void {
  between(b, op, 0);
}

/** ST(i) = ST(0) op ST(i). */
export function arithmeticSti(b: Exec, op: Op): void {
  between(b, op, indexOf(op));
}

export function arithmeticPop(b: Exec, op: Op): void {
  if (between(b, op, indexOf(op))) pop(b);
}

/** Whether there is a result. */
function between(b: Exec, op: Op, destination: u32): bool {
  begin(b, op);
  const i = indexOf(op);
  if (isEmpty(b, 0) || isEmpty(b, i)) return replaceMissing(b, destination);
  const isDone = operate<Extended>(op, st(b, destination), st(b, 0), st(b, i), b.fcw);
  end(b);
  return isDone;
}

function replaceMissing(b: Exec, destination: u32): bool {
  if (!underflow(b)) return false;
  setIndefinite(st(b, destination));
  fill(b, destination);
  return true;
}

function operate<F>(op: Op, destination: usize, st0: usize, operand: usize, fcw: u32): bool {
  switch (<u32>(op.imm >> 3) & 7) {
    case 0:
      return fadd<F>(destination, st0, operand, fcw);
    case 1:
      return fmul<F>(destination, st0, operand, fcw);
    case 4:
      return fsub<F>(destination, st0, operand, fcw);
    case 5:
      return fsubr<F>(destination, st0, operand, fcw);
    case 6:
      return fdiv<F>(destination, st0, operand, fcw);
    default:
      return fdivr<F>(destination, st0, operand, fcw);
  }
}
