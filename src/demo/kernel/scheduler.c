/*
 * Round robin. A process runs until it waits for something or a tick finds another one ready. The kernel itself is never preempted:
 * interrupts are on only in ring 3 and while process 0 waits.
 */
#include "cpu.h"
#include "descriptors.h"
#include "paging.h"
#include "process.h"
#include "text.h"

enum { STACK_BYTES = 8192 };

struct process processes[PROCESSES];
struct process *current = processes;
u64 uptime, process_switches;
static u8 stacks[PROCESSES][STACK_BYTES] __attribute__((aligned(16)));

void start_scheduler(void) {
  current->state = READY;
  format(current->name, sizeof current->name, "idle");
}

u64 kernel_stack_of(const struct process *p) { return (u64)stacks[p - processes] + STACK_BYTES; }

static struct process *next_ready(void) {
  u64 at = (u64)(current - processes);
  for (u32 i = 1; i <= PROCESSES; i++) {
    struct process *p = &processes[(at + i) % PROCESSES];
    if (p->state == READY && p != processes) return p;
  }
  return processes;
}

void schedule(void) {
  struct process *before = current, *next = next_ready();
  if (next == before) return;
  current = next;
  process_switches++;
  enter_space(next->space);
  set_kernel_stack(kernel_stack_of(next));
  __asm__ volatile("fxsave64 %0; fxrstor64 %1" : "=m"(before->float_state) : "m"(next->float_state));
  switch_stacks(&before->stack_pointer, next->stack_pointer);
}

void sleep_until(enum process_state reason, u64 time) {
  current->state = reason;
  current->wake_at = time;
  schedule();
}

void wake(enum process_state reason) {
  for (struct process *p = processes; p < processes + PROCESSES; p++)
    if (p->state == reason && (reason != SLEEPING || p->wake_at <= uptime)) p->state = READY;
}

void on_tick(void) {
  uptime++;
  current->milliseconds++;
  wake(SLEEPING);
}
