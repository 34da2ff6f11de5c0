/* How processes begin and end. */
#include "process.h"
#include "layout.h"
#include "pages.h"
#include "paging.h"
#include "power.h"
#include "program.h"
#include "text.h"

enum { INTERRUPTS_ON = 0x202, X87_CONTROL = 0x37f, MXCSR = 0x1f80 };

static u64 last_id;

static struct process *free_process(void) {
  for (struct process *p = processes; p < processes + PROCESSES; p++)
    if (p->state == FREE) return p;
  return NULL;
}

static bool add_stack(u64 space) {
  for (u64 page = 1; page <= USER_STACK_PAGES; page++)
    if (!add_page(space, USER_END - page * PAGE, WRITABLE | NO_EXECUTE)) return false;
  return true;
}

/* A kernel stack as if the process had come in by an interrupt and been switched away from: six registers, where to go on, its frame. */
static u64 first_stack(const struct process *p, u64 entry, u64 arguments) {
  struct frame *f = (struct frame *)kernel_stack_of(p) - 1;
  *f = (struct frame){.rip = entry, .cs = USER_CODE | RING_3, .rflags = INTERRUPTS_ON, .ss = USER_DATA | RING_3};
  f->rsp = f->rdi = arguments;
  u64 *stack = (u64 *)f;
  *--stack = (u64)to_user;
  return (u64)(stack - 6);
}

i64 spawn(const char *name, const char *arguments, struct process *parent) {
  struct file file;
  struct program program;
  if (!find_file(name, &file)) return NOT_FOUND;
  struct process *p = free_process();
  if (!p) return NO_ROOM;
  u64 space = create_space();
  if (!space) return NO_MEMORY;
  i64 error = load_program(space, &file, &program);
  if (!error && !add_stack(space)) error = NO_MEMORY;
  if (error) {
    destroy_space(space);
    return error;
  }
  u64 at = USER_END - ARGUMENTS_SIZE;
  copy_out(space, at, arguments, length_of(arguments) + 1);
  *p = (struct process){.state = READY, .id = ++last_id, .space = space, .heap_end = program.end, .parent = parent};
  format(p->name, sizeof p->name, "%s", name);
  p->stack_pointer = first_stack(p, program.entry, at);
  *(u16 *)p->float_state = X87_CONTROL;
  *(u32 *)(p->float_state + 24) = MXCSR;
  return (i64)p->id;
}

void exit_process(i64 status) {
  if (current->id == 1) switch_off();
  for (struct process *p = processes; p < processes + PROCESSES; p++) {
    if (p->parent != current) continue;
    p->parent = NULL;
    if (p->state == ENDED) p->state = FREE;
  }
  enter_space(0);
  destroy_space(current->space);
  current->space = 0;
  current->status = status;
  current->state = current->parent ? ENDED : FREE;
  if (current->parent && current->parent->state == WAITING) current->parent->state = READY;
  schedule();
  __builtin_unreachable();
}

i64 wait_for(u64 id) {
  for (;;) {
    struct process *child = NULL;
    for (struct process *p = processes; p < processes + PROCESSES; p++)
      if (p->parent == current && p->id == id) child = p;
    if (!child) return NOT_FOUND;
    if (child->state == ENDED) {
      child->state = FREE;
      child->parent = NULL;
      return child->status;
    }
    current->state = WAITING;
    schedule();
  }
}
