/* Processes: the table, and who runs. */
#pragma once
#include "system-calls.h"
#include "traps.h"

struct process {
  u8 float_state[512] __attribute__((aligned(16))); /* as FXSAVE writes it */
  enum process_state state;
  u64 id, space, stack_pointer, milliseconds, wake_at, heap_end;
  i64 status;
  struct process *parent;
  char name[NAME_SIZE];
};

enum { PROCESSES = 16 };
/* number 0 is the kernel's own, which waits for interrupts when nobody has anything to do */
extern struct process processes[PROCESSES];
extern struct process *current;
/* ticks of the timer, which come every millisecond */
extern u64 uptime;
extern u64 process_switches;

enum { TICKS_PER_SECOND = 1000 };

/* the scheduler */
void start_scheduler(void);
u64 kernel_stack_of(const struct process *p);
/* Lets others run; comes back when `current` is ready and it is its turn. */
void schedule(void);
void sleep_until(enum process_state reason, u64 time);
void on_tick(void);
/* whoever sleeps for this reason, if its time has come */
void wake(enum process_state reason);

/* their lives */
/* the new process's id, or an error */
i64 spawn(const char *name, const char *arguments, struct process *parent);
__attribute__((noreturn)) void exit_process(i64 status);
i64 wait_for(u64 id);
