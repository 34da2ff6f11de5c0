/* Memory and string functions of the C library. */
#include "runtime.h"

void *memcpy(void *to, const void *from, u64 bytes) {
  void *at = to;
  __asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(bytes) : : "memory");
  return to;
}

void *memmove(void *to, const void *from, u64 bytes) {
  if ((u64)to - (u64)from >= bytes) return memcpy(to, from, bytes);
  u8 *at = (u8 *)to + bytes - 1;
  const u8 *source = (const u8 *)from + bytes - 1;
  __asm__ volatile("std; rep movsb; cld" : "+D"(at), "+S"(source), "+c"(bytes) : : "memory");
  return to;
}

void *memset(void *to, int value, u64 bytes) {
  void *at = to;
  __asm__ volatile("rep stosb" : "+D"(at), "+c"(bytes) : "a"(value) : "memory");
  return to;
}

int memcmp(const void *a, const void *b, u64 bytes) {
  const u8 *x = a, *y = b;
  for (u64 i = 0; i < bytes; i++)
    if (x[i] != y[i]) return x[i] - y[i];
  return 0;
}

/* what compilers call instead where only equality counts */
int bcmp(const void *a, const void *b, u64 bytes) {
  return memcmp(a, b, bytes);
}

void *memchr(const void *in, int value, u64 bytes) {
  const u8 *x = in;
  for (u64 i = 0; i < bytes; i++)
    if (x[i] == (u8)value) return (void *)(x + i);
  return NULL;
}

u64 strnlen(const char *s, u64 most) {
  u64 n = 0;
  while (n < most && s[n] != 0) n++;
  return n;
}

u64 strlen(const char *s) {
  return strnlen(s, ~0ul);
}

int strncmp(const char *a, const char *b, u64 most) {
  for (u64 i = 0; i < most; i++) {
    if (a[i] != b[i]) return (u8)a[i] - (u8)b[i];
    if (a[i] == 0) break;
  }
  return 0;
}

int strcmp(const char *a, const char *b) {
  return strncmp(a, b, ~0ul);
}

char *strcpy(char *to, const char *from) {
  return memcpy(to, from, strlen(from) + 1);
}

char *strncpy(char *to, const char *from, u64 room) {
  u64 n = strnlen(from, room);
  memcpy(to, from, n);
  memset(to + n, 0, room - n);
  return to;
}

char *strncat(char *to, const char *from, u64 most) {
  u64 n = strnlen(from, most);
  char *end = to + strlen(to);
  memcpy(end, from, n);
  end[n] = 0;
  return to;
}

char *strcat(char *to, const char *from) {
  return strncat(to, from, ~0ul);
}

char *strchr(const char *s, int c) {
  for (;; s++) {
    if (*s == (char)c) return (char *)s;
    if (*s == 0) return NULL;
  }
}

char *strrchr(const char *s, int c) {
  const char *last = NULL;
  for (;; s++) {
    if (*s == (char)c) last = s;
    if (*s == 0) return (char *)last;
  }
}

char *strstr(const char *in, const char *what) {
  u64 n = strlen(what);
  for (;; in++) {
    if (strncmp(in, what, n) == 0) return (char *)in;
    if (*in == 0) return NULL;
  }
}

char *strdup(const char *s) {
  u64 bytes = strlen(s) + 1;
  char *p = malloc(bytes);
  return p == NULL ? NULL : memcpy(p, s, bytes);
}

static int digit(char c, int base) {
  int value = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'z' ? (c | 32) - 'a' + 10 : 36;
  return value < base ? value : -1;
}

u64 strtoul(const char *s, char **end, int base) {
  const char *at = s;
  while (*at == ' ' || (*at >= '\t' && *at <= '\r')) at++;
  int negative = *at == '-';
  if (*at == '-' || *at == '+') at++;
  int prefixed = at[0] == '0' && (at[1] | 32) == 'x' && digit(at[2], 16) >= 0;
  if (prefixed && (base == 0 || base == 16)) {
    at += 2;
    base = 16;
  } else if (base == 0)
    base = *at == '0' ? 8 : 10;
  u64 value = 0;
  int some = 0, over = 0;
  for (int d; (d = digit(*at, base)) >= 0; at++) {
    some = 1;
    over |= __builtin_mul_overflow(value, (u64)base, &value) | __builtin_add_overflow(value, (u64)d, &value);
  }
  if (end != NULL) *end = (char *)(some ? at : s);
  return over ? ~0ul : negative ? -value : value;
}

s64 strtol(const char *s, char **end, int base) {
  return (s64)strtoul(s, end, base);
}

int atoi(const char *s) {
  return (int)strtol(s, NULL, 10);
}
