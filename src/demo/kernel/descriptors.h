/* Segments, the task-state segment and the interrupt table. */
#pragma once
#include "types.h"

void load_descriptors(void);
/* where interrupts and system calls out of ring 3 put their stack */
void set_kernel_stack(u64 top);
