/* DWARF expressions, as far as call frame information has them. DWARF 4 "DWARF Expressions" */
#include "unwind.h"

#define DEPTH 64

u64 evaluate(const u8 *at, const u8 *end, const struct registers *r, int has_initial, u64 initial) {
  u64 stack[DEPTH];
  u32 n = 0;
#define PUSH(v)                                                                       \
  do {                                                                                \
    u64 pushed = (v);                                                                 \
    if (n == DEPTH) module_abort("unwinder: the stack of a DWARF expression is full"); \
    stack[n++] = pushed;                                                              \
  } while (0)
#define NEED(k)                                                                       \
  do {                                                                                \
    if (n < (k)) module_abort("unwinder: the stack of a DWARF expression is empty");   \
  } while (0)
#define LITERAL(type)                                    \
  do {                                                   \
    PUSH((u64)(s64) * (const type *)at);                 \
    at += sizeof(type);                                  \
  } while (0)
#define BINARY(expression)         \
  do {                             \
    NEED(2);                       \
    u64 b = stack[--n];            \
    u64 a = stack[n - 1];          \
    (void)a, (void)b;              \
    stack[n - 1] = (expression);   \
  } while (0)
#define UNARY(expression)          \
  do {                             \
    NEED(1);                       \
    u64 a = stack[n - 1];          \
    stack[n - 1] = (expression);   \
  } while (0)
  if (has_initial) PUSH(initial);
  while (at < end) {
    u8 op = *at++;
    if (op >= 0x30 && op <= 0x4f) PUSH(op - 0x30u); /* DW_OP_lit */
    else if (op >= 0x70 && op <= 0x8f) {            /* DW_OP_breg */
      s64 offset = read_sleb(&at);
      if (op - 0x70 >= REGISTERS) module_abort("unwinder: DWARF expression with an unknown register");
      PUSH(r->value[op - 0x70] + (u64)offset);
    } else
      switch (op) {
        case 0x03: LITERAL(u64); break; /* addr */
        case 0x06: UNARY(*(const u64 *)a); break; /* deref */
        case 0x08: LITERAL(u8); break;
        case 0x09: LITERAL(s8); break;
        case 0x0a: LITERAL(u16); break;
        case 0x0b: LITERAL(s16); break;
        case 0x0c: LITERAL(u32); break;
        case 0x0d: LITERAL(s32); break;
        case 0x0e: LITERAL(u64); break;
        case 0x0f: LITERAL(s64); break;
        case 0x10: PUSH(read_uleb(&at)); break;
        case 0x11: PUSH((u64)read_sleb(&at)); break;
        case 0x12: NEED(1); PUSH(stack[n - 1]); break; /* dup */
        case 0x13: NEED(1); n--; break; /* drop */
        case 0x14: NEED(2); PUSH(stack[n - 2]); break; /* over */
        case 0x15: { /* pick */
          u32 i = *at++;
          NEED(i + 1);
          PUSH(stack[n - 1 - i]);
          break;
        }
        case 0x16: { /* swap */
          NEED(2);
          u64 a = stack[n - 1];
          stack[n - 1] = stack[n - 2];
          stack[n - 2] = a;
          break;
        }
        case 0x17: { /* rot: the top goes third */
          NEED(3);
          u64 a = stack[n - 1];
          stack[n - 1] = stack[n - 2];
          stack[n - 2] = stack[n - 3];
          stack[n - 3] = a;
          break;
        }
        case 0x19: UNARY((s64)a < 0 ? -a : a); break;
        case 0x1a: BINARY(a & b); break;
        case 0x1b:
        case 0x1d:
          NEED(2);
          if (stack[n - 1] == 0) module_abort("unwinder: division by zero in a DWARF expression");
          if (op == 0x1b) BINARY(b == ~0ul ? -a : (u64)((s64)a / (s64)b));
          else BINARY(a % b);
          break;
        case 0x1c: BINARY(a - b); break;
        case 0x1e: BINARY(a * b); break;
        case 0x1f: UNARY(-a); break;
        case 0x20: UNARY(~a); break;
        case 0x21: BINARY(a | b); break;
        case 0x22: BINARY(a + b); break;
        case 0x23: { /* plus_uconst */
          u64 b = read_uleb(&at);
          UNARY(a + b);
          break;
        }
        case 0x24: BINARY(b < 64 ? a << b : 0); break;
        case 0x25: BINARY(b < 64 ? a >> b : 0); break;
        case 0x26: BINARY((u64)((s64)a >> (b < 64 ? b : 63))); break;
        case 0x27: BINARY(a ^ b); break;
        case 0x28: { /* bra */
          s16 distance = *(const s16 *)at;
          at += 2;
          NEED(1);
          if (stack[--n] != 0) at += distance;
          break;
        }
        case 0x29: BINARY(a == b); break;
        case 0x2a: BINARY((s64)a >= (s64)b); break;
        case 0x2b: BINARY((s64)a > (s64)b); break;
        case 0x2c: BINARY((s64)a <= (s64)b); break;
        case 0x2d: BINARY((s64)a < (s64)b); break;
        case 0x2e: BINARY(a != b); break;
        case 0x2f: at += 2 + *(const s16 *)at; break; /* skip */
        case 0x92: { /* bregx */
          u64 number = read_uleb(&at);
          s64 offset = read_sleb(&at);
          if (number >= REGISTERS) module_abort("unwinder: DWARF expression with an unknown register");
          PUSH(r->value[number] + (u64)offset);
          break;
        }
        case 0x94: /* deref_size */
          switch (*at++) {
            case 1: UNARY(*(const u8 *)a); break;
            case 2: UNARY(*(const u16 *)a); break;
            case 4: UNARY(*(const u32 *)a); break;
            case 8: UNARY(*(const u64 *)a); break;
            default: module_abort("unwinder: DWARF expression that reads an odd size");
          }
          break;
        case 0x96: break; /* nop */
        default: module_abort("unwinder: DWARF expression with an unknown operation");
      }
  }
  NEED(1);
  return stack[n - 1];
}
