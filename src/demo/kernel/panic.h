/* The end: the kernel says why it cannot go on, and switches the machine off. */
#pragma once
#include "traps.h"

__attribute__((noreturn, format(printf, 1, 2))) void panic(const char *text, ...);
__attribute__((noreturn)) void panic_at(const struct frame *f);
const char *exception_name(u64 vector);
