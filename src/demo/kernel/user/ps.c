/* Who is there. */
#include "system.h"

static const char *const states[] = {"", "ready", "sleeping", "reading", "writing", "waiting", "ended"};

int main(const char *arguments) {
  (void)arguments;
  struct process_record p;
  print("  id  state        cpu  name\n");
  for (u64 i = 0; system_call(PROCESS, i, (u64)&p, 0) == 0; i++)
    if (p.state != FREE) print("%4lu  %-8s %4lu ms  %s\n", p.id, states[p.state], p.milliseconds, p.name);
  return 0;
}
