/* The serial port COM1: text out, keys in. */
#pragma once
#include "types.h"

void start_console(void);
/* keys come by interrupt from here on */
void listen_to_console(void);
void write_console(const char *text, u64 length);
__attribute__((format(printf, 1, 2))) void print(const char *text, ...);

void on_console_interrupt(void);
/* takes what was typed, at most `size` characters; 0 if nothing was */
u64 read_console(char *to, u64 size);
