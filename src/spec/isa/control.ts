/** Jumps, calls and returns. SDM Vol. 2 "Jcc", "JMP", "CALL", "RET", "LOOP/LOOPcc", "SYSCALL". */
import { rows } from "./row.ts";

export const control = rows(
  "isa/control",
  `
# bytes      mnemonic  operands  semantics       flags   feature  attributes
  70+cc      j         Jb        jcc             -       8086     f64 end
  0F 80+cc   j         Jz        jcc             -       386      f64 end
  EB         jmp       Jb        jmp             -       8086     f64 end
  E9         jmp       Jz        jmp             -       8086     f64 end
  FF /4      jmp       Ev        jmpTo           -       8086     f64 end
  E8         call      Jz        call            -       8086     f64 end
  FF /2      call      Ev        callTo          -       8086     f64 end
  C2         ret       Iw        retImm          -       8086     f64 end
  C3         ret       -         ret             -       8086     f64 end
  a16 E3     jcxz      Jb        jcxz            -       8086     f64 end
  a32 E3     jecxz     Jb        jcxz            -       386      f64 end
  a64 E3     jrcxz     Jb        jcxz            -       x64      f64 end
  E0         loopne    Jb        loopne          -       8086     f64 end
  E1         loope     Jb        loope           -       8086     f64 end
  E2         loop      Jb        loop            -       8086     f64 end
  9A         call      Ap        callFar         -       8086     i64 end
  EA         jmp       Ap        jmpFar          -       8086     i64 end
  FF /3 mem  call      Mp        callFarTo       -       8086     end
  FF /5 mem  jmp       Mp        jmpFarTo        -       8086     end
  o16 CA     retf      Iw        retFarImm<u16>  -       8086     end
  o32 CA     retf      Iw        retFarImm<u32>  -       386      end
  o64 CA     retf      Iw        retFarImm<u64>  -       x64      end
  o16 CB     retf      -         retFar<u16>     -       8086     end
  o32 CB     retf      -         retFar<u32>     -       386      end
  o64 CB     retf      -         retFar<u64>     -       x64      end
  0F 05      syscall   -         syscall         -       x64      o64 end
  W0 0F 07   sysret    -         sysret<u32>     oszapc  x64      o64 cpl0 end
  W1 0F 07   sysret    -         sysret<u64>     oszapc  x64      o64 cpl0 end
  0F 34      sysenter  -         sysenter        -       sep      end
  W0 0F 35   sysexit   -         sysexit<u32>    -       sep      cpl0 end
  W1 0F 35   sysexit   -         sysexit<u64>    -       sep      cpl0 end
  0F 0B      ud2       -         ud              -       686      end
  0F B9 /r   ud1       Gv Ev     ud              -       686      end
  0F FF /r   ud0       Gv Ev     ud              -       686      end
`,
);
