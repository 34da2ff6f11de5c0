/* The serial port COM1: text out, keys in. */
#pragma once
#include "types.h"

void start_console(void);
/* from here on, keys come and text goes by interrupt */
void listen_to_console(void);

/* A message of the kernel, which waits for nobody but the port. */
__attribute__((format(printf, 1, 2))) void print(const char *text, ...);
/* Waits until everything is out. */
void drain_console(void);

/* Takes as much of a text as there is room for, and returns how much that is. */
u64 write_console(const char *text, u64 length);
/* Takes what was typed, at most `size` characters; 0 if nothing was. */
u64 read_console(char *to, u64 size);

void on_console_interrupt(void);
