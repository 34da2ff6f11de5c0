/** Jumps, calls and returns. SDM Vol. 2 "Jcc", "JMP", "CALL", "RET", "LOOP/LOOPcc". */
import { rows } from "./row.ts";

export const control = rows("isa/control", `
# bytes        mnemonic  operands  semantics  flags  feature  attributes
  70+cc        j         Jb        jcc        -      8086     f64 end
  0F 80+cc     j         Jz        jcc        -      386      f64 end
  EB           jmp       Jb        jmp        -      8086     f64 end
  E9           jmp       Jz        jmp        -      8086     f64 end
  FF /4        jmp       Ev        jmpTo      -      8086     f64 end
  E8           call      Jz        call       -      8086     f64 end
  FF /2        call      Ev        callTo     -      8086     f64 end
  C2           ret       Iw        retImm     -      8086     f64 end
  C3           ret       -         ret        -      8086     f64 end
  0F 05        syscall   -         syscall    -      x64      o64 end
  0F 0B        ud2       -         ud         -      686      end
`);
