#pragma once
/* 4 arctan 1 in 80-bit arithmetic, as eighteen decimal digits made by FBSTP */
static inline void extended_pi(unsigned char digits[10]) {
  static const long scale = 100000000000000000;
  __asm__ volatile("fld1; fld1; fpatan; fadd %%st(0), %%st(0); fadd %%st(0), %%st(0); fildq %1; fmulp; fbstp %0"
                   : "=m"(*(unsigned char(*)[10])digits)
                   : "m"(scale));
}
