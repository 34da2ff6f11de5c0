/** Virtual-machine extensions and safer mode. SDM Vol. 3 "VMX Instruction Reference". Privilege is checked by the semantics, after the mode. */
import { rows } from "./row.ts";

export const vmx = rows(
  "isa/vmx",
  `
# bytes               mnemonic  operands  semantics  flags   feature  attributes
  NP 0F 01 C1         vmcall    -         vmcall     oszapc  vmx      end exit:vmcall
  NP 0F 01 C2         vmlaunch  -         vmlaunch   oszapc  vmx      end exit:vmlaunch
  NP 0F 01 C3         vmresume  -         vmresume   oszapc  vmx      end exit:vmresume
  NP 0F 01 C4         vmxoff    -         vmxoff     oszapc  vmx      end exit:vmxoff
  NP 0F 01 D4         vmfunc    -         vmfunc     -       vmx      end exit:vmfunc
  NP 0F 78 /r         vmread    Ey Gy     vmread     oszapc  vmx      f64 exit:vmread
  NP 0F 79 /r         vmwrite   Gy Ey     vmwrite    oszapc  vmx      f64 exit:vmwrite
  NP 0F C7 /6 mem     vmptrld   Mq        vmptrld    oszapc  vmx      end exit:vmptrld
  66 0F C7 /6 mem     vmclear   Mq        vmclear    oszapc  vmx      end exit:vmclear
  F3 0F C7 /6 mem     vmxon     Mq        vmxon      oszapc  vmx      end exit:vmxon
  NP 0F C7 /7 mem     vmptrst   Mq        vmptrst    oszapc  vmx      exit:vmptrst
  66 0F 38 80 /r mem  invept    Gy Mdq    invept     oszapc  vmx      f64 end exit:invept
  66 0F 38 81 /r mem  invvpid   Gy Mdq    invvpid    oszapc  vmx      f64 end exit:invvpid
  NP 0F 37            getsec    -         getsec     -       smx      end exit:getsec
`,
);
