/* The ends: abort, functions to be called at the end, the stack protector. */
#include "runtime.h"

#define MAX_EXIT_FUNCTIONS 256

static struct {
  void (*call)(void *);
  void *argument;
  void *module;
} exit_functions[MAX_EXIT_FUNCTIONS];
static u32 exit_count;

void abort(void) {
  module_abort("abort()");
}

int __cxa_atexit(void (*call)(void *), void *argument, void *module) {
  if (exit_count == MAX_EXIT_FUNCTIONS) return -1;
  exit_functions[exit_count].call = call;
  exit_functions[exit_count].argument = argument;
  exit_functions[exit_count++].module = module;
  return 0;
}

static void call_plain(void *function) {
  ((void (*)(void))function)();
}

int atexit(void (*function)(void)) {
  return __cxa_atexit(call_plain, (void *)function, NULL);
}

/* Calls those of one module, or all, the last one first. One of them may register more. */
void __cxa_finalize(void *module) {
  for (u32 i = exit_count; i-- > 0;) {
    if (exit_functions[i].call == NULL || (module != NULL && exit_functions[i].module != module)) continue;
    void (*call)(void *) = exit_functions[i].call;
    exit_functions[i].call = NULL;
    u32 before = exit_count;
    call(exit_functions[i].argument);
    if (exit_count > before) i = exit_count;
  }
  while (exit_count > 0 && exit_functions[exit_count - 1].call == NULL) exit_count--;
}

void run_exit_functions(void) {
  __cxa_finalize(NULL);
}

/* for -mstack-protector-guard=global; the executor has one at %fs:0x28 too */
u64 __stack_chk_guard = 0xabcdef1234567890;

__attribute__((noreturn)) void __stack_chk_fail(void) {
  const char text[] = "stack smashing detected\n";
  write(2, text, sizeof text - 1);
  module_abort("stack smashing detected");
}

__attribute__((noreturn)) void __cxa_pure_virtual(void) {
  module_abort("pure virtual function called");
}

__attribute__((noreturn)) void __assert_fail(const char *condition, const char *file, u32 line, const char *function) {
  printf("%s:%u: %s: %s does not hold\n", file, line, function, condition);
  module_abort("assertion failed");
}
