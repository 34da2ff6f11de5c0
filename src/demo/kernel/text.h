/* Text: what kernel and programs share of a C library's string functions. */
#pragma once
#include "types.h"

/* As vsnprintf with %c %s %d %u %x, widths, the flags - and 0, and the letter l; returns the length that was written. */
u32 format_list(char *to, u32 size, const char *text, va_list list);
__attribute__((format(printf, 3, 4))) u32 format(char *to, u32 size, const char *text, ...);

u32 length_of(const char *text);
bool equal(const char *a, const char *b);
/* the decimal number at the beginning, or `otherwise` */
u64 number(const char *text, u64 otherwise);
/* copies the next word out of a line and returns the rest of it */
const char *next_word(const char *line, char *word, u32 size);
