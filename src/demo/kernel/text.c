#include "text.h"

struct output { char *to; u32 length, size; };

static void put(struct output *o, char c) {
  if (o->length + 1 < o->size) o->to[o->length++] = c;
}

static void put_padded(struct output *o, const char *text, u32 length, u32 width, bool left, char pad) {
  for (u32 i = length; !left && i < width; i++) put(o, pad);
  for (u32 i = 0; i < length; i++) put(o, text[i]);
  for (u32 i = length; left && i < width; i++) put(o, ' ');
}

static u32 digits_of(u64 value, u32 base, char digits[20]) {
  u32 n = 0;
  char reversed[20];
  do reversed[n++] = "0123456789abcdef"[value % base];
  while (value /= base);
  for (u32 i = 0; i < n; i++) digits[i] = reversed[n - 1 - i];
  return n;
}

u32 format_list(char *to, u32 size, const char *text, va_list list) {
  struct output o = {to, 0, size};
  for (; *text; text++) {
    if (*text != '%') {
      put(&o, *text);
      continue;
    }
    bool left = *++text == '-';
    if (left) text++;
    char pad = *text == '0' ? '0' : ' ';
    u32 width = 0;
    for (; *text >= '0' && *text <= '9'; text++) width = width * 10 + (u32)(*text - '0');
    bool wide = *text == 'l';
    if (wide) text++;
    char digits[20];
    if (*text == 's') {
      const char *s = va_arg(list, const char *);
      put_padded(&o, s, length_of(s), width, left, ' ');
    } else if (*text == 'c') {
      put(&o, (char)va_arg(list, int));
    } else if (*text == 'd') {
      i64 value = wide ? va_arg(list, i64) : va_arg(list, int);
      if (value < 0) put(&o, '-');
      put_padded(&o, digits, digits_of(value < 0 ? -(u64)value : (u64)value, 10, digits), width, left, pad);
    } else if (*text == 'u' || *text == 'x') {
      u64 value = wide ? va_arg(list, u64) : va_arg(list, u32);
      put_padded(&o, digits, digits_of(value, *text == 'x' ? 16 : 10, digits), width, left, pad);
    } else {
      put(&o, *text);
    }
  }
  to[o.length] = 0;
  return o.length;
}

u32 format(char *to, u32 size, const char *text, ...) {
  va_list list;
  va_start(list, text);
  u32 length = format_list(to, size, text, list);
  va_end(list);
  return length;
}

u32 length_of(const char *text) {
  u32 n = 0;
  while (text[n]) n++;
  return n;
}

bool equal(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

u64 number(const char *text, u64 otherwise) {
  if (*text < '0' || *text > '9') return otherwise;
  u64 value = 0;
  while (*text >= '0' && *text <= '9') value = value * 10 + (u64)(*text++ - '0');
  return value;
}

const char *next_word(const char *line, char *word, u32 size) {
  u32 n = 0;
  while (*line == ' ') line++;
  for (; *line && *line != ' '; line++)
    if (n + 1 < size) word[n++] = *line;
  word[n] = 0;
  while (*line == ' ') line++;
  return line;
}

/* Compilers call these by themselves. */
void *memcpy(void *to, const void *from, size_t n) {
  void *result = to;
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
  return result;
}
void *memset(void *to, int value, size_t n) {
  void *result = to;
  __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(value) : "memory");
  return result;
}
