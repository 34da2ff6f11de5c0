/** Writes the code of one block with the Emit back end: the same semantics that the interpreter runs, record by record. */
import { Emit, emitFall, epilogue, prologue } from "../backend/emit";
import { leaveHere, startRecord } from "../backend/emit-function";
import { Exec } from "../backend/exec";
import { codeFits, codeLength, startCode } from "../backend/wasm";
import { find } from "../decode/block";
import { BLOCK_HEADER, Block } from "../decode/header";
import { OP_SIZE, Op } from "../decode/op";
import { dispatchEmit } from "../generated/emit";
import { COLD_KIND, KIND_FALL, KIND_NEXT } from "../generated/kinds";

/** the block last written */
let block: usize = 0;

function recordAt(n: u32): Op {
  return changetype<Op>(block + BLOCK_HEADER + <usize>n * OP_SIZE);
}

/** Writes the block at RIP; returns the length of the code. */
export function writeBlock(b: Exec): u32 {
  b.jump(b.rip);
  block = find(b);
  const records = changetype<Block>(block).records;
  startCode();
  prologue(changetype<usize>(b));
  const emit = changetype<Emit>(0);
  for (let n: u32 = 0; n < records; n++) {
    const op = recordAt(n);
    let kind = <u32>op.kind;
    if (kind == KIND_NEXT) break;
    if (kind == KIND_FALL) {
      emitFall(op);
      break;
    }
    if (kind < 128 && load<u16>(COLD_KIND + ((<usize>kind) << 1)) != 0) kind = load<u16>(COLD_KIND + ((<usize>kind) << 1));
    if (!startRecord(n) || !codeFits() || !dispatchEmit(emit, op, kind)) {
      leaveHere();
      break;
    }
  }
  epilogue(records);
  return codeLength();
}

/** After the emitted function returned `n`: RIP at the record it could not do, unless it did all; returns the instructions it retired. */
export function finish(b: Exec, n: u32): u32 {
  let done = changetype<Block>(block).count;
  if (n < changetype<Block>(block).records) {
    const op = recordAt(n);
    done -= <u32>op.left;
    b.jump(b.blockRip + <u64>op.off);
  }
  b.instructions += <u64>done;
  return done;
}
