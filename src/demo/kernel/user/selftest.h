/* The self-test: each check says in `figure` what it found, which is the same on every correct machine, and whether it is right. */
#pragma once
#include "system.h"

enum { FIGURE_SIZE = 64 };

/* selftest-processor.c */
bool check_integers(char *figure);
bool check_division(char *figure);
bool check_strings(char *figure);
bool check_sorting(char *figure);
bool check_sse(char *figure);
bool check_x87(char *figure);

/* selftest-kernel.c */
bool check_registers(char *figure);
bool check_pointers(char *figure);
bool check_heap(char *figure);
bool check_clock(char *figure);
bool check_processes(char *figure);
bool check_fault(char *figure);

/* selftest-float.c: the child's part, and the check */
int keep_float_state(u64 seed);
bool check_float_state(char *figure);
