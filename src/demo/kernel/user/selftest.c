/* Checks the processor by results that are known, and the kernel by what it promises. */
#include "selftest.h"

static const struct { const char *name; bool (*check)(char *figure); } checks[] = {
  {"integers", check_integers},
  {"division", check_division},
  {"string instructions", check_strings},
  {"sorting", check_sorting},
  {"SSE arithmetic", check_sse},
  {"x87 arithmetic", check_x87},
  {"system calls", check_registers},
  {"bad pointers", check_pointers},
  {"heap", check_heap},
  {"clock", check_clock},
  {"processes", check_processes},
  {"fault", check_fault},
  {"process switches", check_float_state},
};

int main(const char *arguments) {
  char word[NAME_SIZE];
  const char *rest = next_word(arguments, word, sizeof word);
  if (equal(word, "float")) return keep_float_state(number(rest, 0));
  if (equal(word, "end")) return (int)number(rest, 0);
  u32 right = 0;
  for (u32 i = 0; i < COUNT(checks); i++) {
    char figure[FIGURE_SIZE] = "";
    bool ok = checks[i].check(figure);
    right += ok;
    print("%-6s %2u  %-20s %s\n", ok ? "ok" : "not ok", i + 1, checks[i].name, figure);
  }
  print("selftest: %u of %lu ok\n", right, COUNT(checks));
  return right != COUNT(checks);
}
