/*
 * Unwinding in two phases: the first looks for a frame with a handler and changes nothing, the second cleans up every frame on the way
 * there. Itanium C++ ABI "Exception Handling Framework".
 */
#include "unwind.h"

/* Looks up the frame whose registers are in `c`: 0 behind the outermost one. */
static int enter(struct _Unwind_Context *c) {
  u64 rip = c->registers.value[DWARF_RIP];
  if (rip == 0) return 0;
  /* a call may be the last instruction of its function */
  if (!find_frame(rip - 1, &c->f) && !(find_frame(rip, &c->f) && c->f.signal_frame)) return 0;
  unwind_frame(c);
  return 1;
}

static void leave(struct _Unwind_Context *c) {
  memcpy(&c->registers, &c->caller, sizeof c->registers);
}

/* Phase 2: does not return unless something is wrong. */
static enum reason clean_up(struct _Unwind_Exception *e, struct _Unwind_Context *c) {
  while (enter(c)) {
    if (c->f.personality != NULL) {
      int actions = CLEANUP_PHASE | (c->cfa == e->private_2 ? HANDLER_FRAME : 0);
      enum reason reason = ((personality_function *)c->f.personality)(1, actions, e->exception_class, e, c);
      if (reason == INSTALL_CONTEXT) unwind_install(&c->registers);
      if (reason != CONTINUE_UNWIND || (actions & HANDLER_FRAME) != 0) return FATAL_PHASE2_ERROR;
    }
    leave(c);
  }
  return FATAL_PHASE2_ERROR;
}

HIDDEN enum reason unwind_raise(struct _Unwind_Exception *e, u64 unused, const struct registers *from) {
  (void)unused;
  struct _Unwind_Context c;
  memcpy(&c.registers, from, sizeof *from);
  for (;; leave(&c)) {
    if (!enter(&c)) return END_OF_STACK;
    if (c.f.personality == NULL) continue;
    enum reason reason = ((personality_function *)c.f.personality)(1, SEARCH_PHASE, e->exception_class, e, &c);
    if (reason == HANDLER_FOUND) break;
    if (reason != CONTINUE_UNWIND) return FATAL_PHASE1_ERROR;
  }
  e->private_1 = 0;
  e->private_2 = c.cfa;
  memcpy(&c.registers, from, sizeof *from);
  return clean_up(e, &c);
}

/* A landing pad that has only cleaned up goes on. */
HIDDEN void unwind_resume(struct _Unwind_Exception *e, u64 unused, const struct registers *from) {
  (void)unused;
  struct _Unwind_Context c;
  memcpy(&c.registers, from, sizeof *from);
  clean_up(e, &c);
  module_abort("unwinder: nowhere to resume");
}

HIDDEN enum reason unwind_backtrace(enum reason (*each)(struct _Unwind_Context *, void *), void *argument, const struct registers *from) {
  struct _Unwind_Context c;
  memcpy(&c.registers, from, sizeof *from);
  for (; enter(&c); leave(&c))
    if (each(&c, argument) != NO_REASON) return FATAL_PHASE1_ERROR;
  return END_OF_STACK;
}

void _Unwind_DeleteException(struct _Unwind_Exception *e) {
  if (e->cleanup != NULL) e->cleanup(FOREIGN_EXCEPTION_CAUGHT, e);
}

u64 _Unwind_GetGR(struct _Unwind_Context *c, int index) {
  return c->registers.value[index];
}

void _Unwind_SetGR(struct _Unwind_Context *c, int index, u64 value) {
  c->registers.value[index] = value;
}

u64 _Unwind_GetIP(struct _Unwind_Context *c) {
  return c->registers.value[DWARF_RIP];
}

u64 _Unwind_GetIPInfo(struct _Unwind_Context *c, int *before) {
  *before = c->f.signal_frame;
  return c->registers.value[DWARF_RIP];
}

void _Unwind_SetIP(struct _Unwind_Context *c, u64 value) {
  c->registers.value[DWARF_RIP] = value;
}

const u8 *_Unwind_GetLanguageSpecificData(struct _Unwind_Context *c) {
  return c->f.lsda;
}

u64 _Unwind_GetRegionStart(struct _Unwind_Context *c) {
  return c->f.start;
}

u64 _Unwind_GetCFA(struct _Unwind_Context *c) {
  return c->cfa;
}

u64 _Unwind_GetDataRelBase(struct _Unwind_Context *c) {
  (void)c;
  module_abort("unwinder: there is no base of data");
}

u64 _Unwind_GetTextRelBase(struct _Unwind_Context *c) {
  (void)c;
  module_abort("unwinder: there is no base of text");
}

void *_Unwind_FindEnclosingFunction(void *pc) {
  struct frame_description f;
  return find_frame((u64)pc - 1, &f) ? (void *)f.start : NULL;
}
