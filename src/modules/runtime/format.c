/* printf, as far as messages need it: d i u x X p s c % with h hh l ll z, width, precision, 0 and -. */
#include "runtime.h"

typedef __builtin_va_list va_list;
int vsnprintf(char *to, u64 room, const char *format, va_list list);
int snprintf(char *to, u64 room, const char *format, ...);
int vprintf(const char *format, va_list list);
int puts(const char *s);
int putchar(int c);

struct output {
  char *to;
  u64 room;
  u64 length;
};

struct field {
  int width;
  int precision;
  int left;
  int zero;
};

static void put(struct output *o, char c) {
  if (o->length + 1 < o->room) o->to[o->length] = c;
  o->length++;
}

static void pad(struct output *o, char c, int n) {
  while (n-- > 0) put(o, c);
}

static void put_text(struct output *o, const struct field *f, const char *s, int n) {
  if (!f->left) pad(o, ' ', f->width - n);
  for (int i = 0; i < n; i++) put(o, s[i]);
  if (f->left) pad(o, ' ', f->width - n);
}

static void put_number(struct output *o, const struct field *f, const char *sign, u64 value, u32 base, char ten) {
  char digits[24];
  int n = 0;
  for (; value != 0 || n == 0; value /= base) {
    u32 d = value % base;
    digits[n++] = d < 10 ? '0' + d : ten + d - 10;
  }
  if (f->precision == 0 && digits[n - 1] == '0') n--;
  int signs = strlen(sign);
  int zeros = f->precision > n ? f->precision - n : 0;
  if (f->zero && !f->left && f->precision < 0 && f->width > signs + n) zeros = f->width - signs - n;
  if (!f->left) pad(o, ' ', f->width - signs - zeros - n);
  while (*sign != 0) put(o, *sign++);
  pad(o, '0', zeros);
  for (int i = n; i-- > 0;) put(o, digits[i]);
  if (f->left) pad(o, ' ', f->width - signs - zeros - n);
}

static u64 cut(u64 value, int size, int is_signed) {
  if (size == 8) return value;
  int shift = 64 - 8 * size;
  return is_signed ? (u64)((s64)(value << shift) >> shift) : value << shift >> shift;
}

static int number(const char **format) {
  int n = 0;
  while (**format >= '0' && **format <= '9') n = n * 10 + *(*format)++ - '0';
  return n;
}

int vsnprintf(char *to, u64 room, const char *format, va_list list) {
  struct output o = {to, room, 0};
  for (; *format != 0; format++) {
    if (*format != '%') {
      put(&o, *format);
      continue;
    }
    struct field f = {0, -1, 0, 0};
    for (format++; *format == '-' || *format == '0'; format++)
      if (*format == '-') f.left = 1;
      else f.zero = 1;
    if (*format == '*') {
      f.width = __builtin_va_arg(list, int);
      format++;
    } else
      f.width = number(&format);
    if (*format == '.') {
      format++;
      if (*format == '*') {
        f.precision = __builtin_va_arg(list, int);
        format++;
      } else
        f.precision = number(&format);
    }
    int size = 4;
    for (; *format == 'l' || *format == 'z' || *format == 'h'; format++) size = *format == 'h' ? size / 2 : 8;
    switch (*format) {
      case 'd':
      case 'i': {
        s64 value = (s64)cut(size == 8 ? __builtin_va_arg(list, u64) : __builtin_va_arg(list, u32), size, 1);
        put_number(&o, &f, value < 0 ? "-" : "", value < 0 ? -(u64)value : (u64)value, 10, 'a');
        break;
      }
      case 'u':
      case 'x':
      case 'X': {
        u64 value = cut(size == 8 ? __builtin_va_arg(list, u64) : __builtin_va_arg(list, u32), size, 0);
        put_number(&o, &f, "", value, *format == 'u' ? 10 : 16, *format == 'X' ? 'A' : 'a');
        break;
      }
      case 'p':
        put_number(&o, &f, "0x", __builtin_va_arg(list, u64), 16, 'a');
        break;
      case 'c': {
        char c = (char)__builtin_va_arg(list, int);
        put_text(&o, &f, &c, 1);
        break;
      }
      case 's': {
        const char *s = __builtin_va_arg(list, const char *);
        if (s == NULL) s = "(null)";
        put_text(&o, &f, s, strnlen(s, f.precision < 0 ? 0x7fffffff : f.precision));
        break;
      }
      case '%':
        put(&o, '%');
        break;
      default:
        module_abort("printf: a conversion that is not known");
    }
  }
  if (room != 0) to[o.length < room ? o.length : room - 1] = 0;
  return o.length;
}

int snprintf(char *to, u64 room, const char *format, ...) {
  va_list list;
  __builtin_va_start(list, format);
  int n = vsnprintf(to, room, format, list);
  __builtin_va_end(list);
  return n;
}

/* Messages longer than a line of text are cut. */
int vprintf(const char *format, va_list list) {
  char line[512];
  int n = vsnprintf(line, sizeof line, format, list);
  return write(1, line, n < (int)sizeof line ? n : (int)sizeof line - 1);
}

int printf(const char *format, ...) {
  va_list list;
  __builtin_va_start(list, format);
  int n = vprintf(format, list);
  __builtin_va_end(list);
  return n;
}

int puts(const char *s) {
  return printf("%s\n", s);
}

int putchar(int c) {
  char text = (char)c;
  write(1, &text, 1);
  return (u8)c;
}
