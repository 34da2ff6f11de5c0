/* Interrupt controllers: the legacy pair silenced, the I/O APIC for the console, the local APIC with its timer. */
#pragma once
#include "types.h"

void start_apic(void);
void end_of_interrupt(void);
/* interrupts `per_second` times a second; measures how fast the timer counts first */
void start_timer(u32 per_second);

struct clock_rates { u64 time_stamps, timer_counts; };
/* counts per second */
extern struct clock_rates clock_rates;
