/**
 * Encodings of features that no model of ours offers. They raise #UD, or are the NOP they were carved from; their names serve the
 * disassembler. SDM Vol. 2 under their names; Vol. 1 "Control-flow Enforcement Technology", "Programming with RTM".
 */
import { rows } from "./row.ts";

export const reserved = rows(
  "isa/reserved",
  `
# bytes                  mnemonic     operands  semantics  flags   feature    attributes
  # restricted transactional memory
  C6 F8                  xabort       Ib        ud         -       rtm        end
  C7 F8                  xbegin       Jz        ud         -       rtm        end
  NP 0F 01 D5            xend         -         ud         -       rtm        end
  NP 0F 01 D6            xtest        -         ud         oszapc  rtm        end
  # shadow stacks; without them RDSSP is a NOP
  F3 W0 0F 1E /1 reg     rdsspd       Rd        nop        -       sse2       -
  F3 W1 0F 1E /1 reg     rdsspq       Rq        nop        -       sse2       -
  F3 W0 0F AE /5 reg     incsspd      Rd        ud         -       shstk      end
  F3 W1 0F AE /5 reg     incsspq      Rq        ud         -       shstk      end
  F3 0F 01 /5 mem        rstorssp     Mq        ud         -       shstk      end
  F3 0F 01 E8            setssbsy     -         ud         -       shstk      end
  F3 0F 01 EA            saveprevssp  -         ud         -       shstk      end
  F3 0F AE /6 mem        clrssbsy     Mq        ud         -       shstk      end
  NP W0 0F 38 F6 /r mem  wrssd        Md Gd     ud         -       shstk      end
  NP W1 0F 38 F6 /r mem  wrssq        Mq Gq     ud         -       shstk      end
  66 W0 0F 38 F5 /r mem  wrussd       Md Gd     ud         -       shstk      end
  66 W1 0F 38 F5 /r mem  wrussq       Mq Gq     ud         -       shstk      end
  # user-mode waiting, direct stores, tracing, serialisation; CLDEMOTE is a NOP without the feature
  F3 0F AE /6 reg        umonitor     Ra        ud         -       waitpkg    end
  F2 0F AE /6 reg        umwait       Ry        ud         -       waitpkg    end
  66 0F AE /6 reg        tpause       Ry        ud         -       waitpkg    end
  NP 0F 38 F9 /r mem     movdiri      My Gy     ud         -       movdiri    end
  66 0F 38 F8 /r mem     movdir64b    Ga M      ud         -       movdir64b  end
  F3 0F AE /4            ptwrite      Ey        ud         -       ptwrite    end
  NP 0F 01 E8            serialize    -         ud         -       serialize  end
  NP 0F 1C /0 mem        cldemote     Mb        nop        -       686        -
  NP 0F 01 CF            encls        -         ud         -       sgx        end
  NP 0F 01 D7            enclu        -         ud         -       sgx        end
  NP 0F 01 C0            enclv        -         ud         -       sgx        end
  NP 0F 01 C5            pconfig      -         ud         -       pconfig    end
`,
);
