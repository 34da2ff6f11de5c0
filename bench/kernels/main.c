/* Runs the kernels. args: [scale=PERCENT | reps=N] [only=name,name...]; prints "S name reps" and "E name checksum" (in hexadecimal), "DONE". */
#include "k.h"
static const char *find(const char *h, const char *n) {
  for (; *h; h++) {
    const char *a = h, *b = n;
    while (*b && *a == *b) a++, b++;
    if (!*b) return a;
  }
  return 0;
}
static int listed(const char *only, const char *name) {
  if (!only) return 1;
  while (*only && *only != ' ') {
    const char *a = name;
    while (*a && *a == *only) a++, only++;
    if (!*a && (*only == ',' || *only == ' ' || !*only)) return 1;
    while (*only && *only != ',' && *only != ' ') only++;
    if (*only == ',') only++;
  }
  return 0;
}
static u32 num(const char *p, u32 otherwise) {
  u32 v = 0;
  if (!p) return otherwise;
  while (*p >= '0' && *p <= '9') v = v * 10 + (u32)(*p++ - '0');
  return v;
}
static void say(char c, const char *name, u32 value) {
  char b[64];
  u32 n = 0;
  b[n++] = c;
  b[n++] = ' ';
  while (*name) b[n++] = *name++;
  b[n++] = ' ';
  for (int i = 28; i >= 0; i -= 4) b[n++] = "0123456789abcdef"[value >> i & 15];
  b[n++] = '\n';
  rt_write(b, n);
}
void bench_main(const char *args) {
  const char *only = find(args, "only=");
  u32 scale = num(find(args, "scale="), 100), fixed = num(find(args, "reps="), 0);
  for (const struct kern *k = kerns; k->name; k++) {
    if (!listed(only, k->name)) continue;
    u32 reps = fixed ? fixed : k->reps * scale / 100, sum;
    if (!reps) reps = 1;
    say('S', k->name, reps);
    sum = k->fn(reps);
    say('E', k->name, sum);
  }
  rt_write("DONE\n", 5);
}
