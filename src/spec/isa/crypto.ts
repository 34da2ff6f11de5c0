/** AES-NI, PCLMULQDQ and the SHA extensions. SDM Vol. 2 under their names. */
import { rows } from "./row.ts";

export const crypto = rows(
  "isa/crypto",
  `
# bytes           mnemonic         operands    semantics        flags  feature    attributes
  66 0F 38 DB /r  aesimc           Vx Wx       aesimc           -      aes        align
  66 0F 38 DC /r  aesenc           Vx Wx       aesenc           -      aes        align
  66 0F 38 DD /r  aesenclast       Vx Wx       aesenclast       -      aes        align
  66 0F 38 DE /r  aesdec           Vx Wx       aesdec           -      aes        align
  66 0F 38 DF /r  aesdeclast       Vx Wx       aesdeclast       -      aes        align
  66 0F 3A DF /r  aeskeygenassist  Vx Wx Ib    aeskeygenassist  -      aes        align
  66 0F 3A 44 /r  pclmulqdq        Vx Wx Ib    pclmulqdq        -      pclmulqdq  align
  NP 0F 38 C8 /r  sha1nexte        Vx Wx       sha1nexte        -      sha        align differs  ; AMD takes operands that are not aligned
  NP 0F 38 C9 /r  sha1msg1         Vx Wx       sha1msg1         -      sha        align differs  ; as sha1nexte
  NP 0F 38 CA /r  sha1msg2         Vx Wx       sha1msg2         -      sha        align differs  ; as sha1nexte
  NP 0F 38 CB /r  sha256rnds2      Vx Wx XMM0  sha256rnds2      -      sha        align differs  ; as sha1nexte
  NP 0F 38 CC /r  sha256msg1       Vx Wx       sha256msg1       -      sha        align differs  ; as sha1nexte
  NP 0F 38 CD /r  sha256msg2       Vx Wx       sha256msg2       -      sha        align differs  ; as sha1nexte
  NP 0F 3A CC /r  sha1rnds4        Vx Wx Ib    sha1rnds4        -      sha        align differs  ; as sha1nexte
`,
);
