/**
 * The rows that run most, with their operand classes: cases of the interpreter's one hot switch (at most 128 with the fused ones).
 * R register, M memory, I immediate. Order is the order of the cases. Chosen from the profile that `npm run bench -- --profile`
 * prints over the kernels.
 */
export interface Hot {
  readonly semantics: string;
  readonly typeArguments: readonly string[];
  readonly width: string;
  readonly classes: string;
}

const table = `
  mov.u64      RR RM MR RI MI
  mov.u32      RR RM MR RI MI
  mov.u8       RM MR MI
  mov.u16      MR
  lea.u64      RM
  lea.u32      RM
  add.u64      RR RM RI MR
  add.u32      RR RM RI MI MR
  sub.u64      RR RI RM
  sub.u32      RR RI RM
  and.u64      RR RI
  and.u32      RR RI RM
  or.u64       RR
  or.u32       RR RI RM
  xor.u64      RR
  xor.u32      RR RI RM MR
  cmp.u64      RR RI RM
  cmp.u32      RR RI RM
  cmp.u8       RR RM RI MI
  test.u64     RR
  test.u32     RR
  test.u8      RR RI MI
  cmov.u32     RR
  cmov.u64     RR
  shl.u64      RI
  shl.u32      RI RR
  shr.u64      RI
  shr.u32      RI RR
  sar.u64      RI
  sar.u32      RI
  rol.u32      RI
  rol.u64      RI
  imul2.u64    RR RM
  imul2.u32    RR RM
  imul3.u32    RR
  movzx<u8>.u32   RR RM
  movzx<u16>.u32  RR RM
  movsx<u8>.u32   RR RM
  movsx<u32>.u64  RR RM
  push.u64     -R
  pop.u64      R-
  call.u64     --
  ret.u64      --
  jmpTo.u64    -R
  jmpTo.u64    -M
  jcc.u64      --
  jmp.u64      --
  movX.u64        RR RM MR
  loadScalar<u64>.u64   RM
  storeScalar<u64>.u64  MR
  adds<f64>.u64   RR RM
  subs<f64>.u64   RR RM
  muls<f64>.u64   RR RM
  addp<f64>.u64   RM
  mulp<f64>.u64   RR
`;

export const HOT: readonly Hot[] = table
  .trim()
  .split("\n")
  .flatMap((line) => {
    const [name, ...forms] = line.trim().split(/\s+/);
    const m = /^(\w+)(?:<(\w+)>)?\.(\w+)$/.exec(name);
    if (m === null) throw new Error(`hot.ts: "${name}"`);
    return forms.map((classes) => ({ semantics: m[1], typeArguments: m[2] === undefined ? [] : [m[2]], width: m[3], classes }));
  });
