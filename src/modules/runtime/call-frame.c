/* From one frame to its caller's: runs the call frame instructions up to the frame's address. DWARF 4 "Call Frame Instructions" */
#include "unwind.h"

#define MAX_REMEMBERED 8

enum rule { SAME, UNDEFINED, AT_OFFSET, IS_OFFSET, IN_REGISTER, AT_EXPRESSION, IS_EXPRESSION };

struct row {
  enum rule rule[REGISTERS];
  /* offset from the CFA, register, or address of an expression's length */
  s64 operand[REGISTERS];
  u64 cfa_register;
  s64 cfa_offset;
  const u8 *cfa_expression;
};

static u64 checked(u64 number) {
  if (number >= REGISTERS) module_abort("unwinder: call frame information of an unknown register");
  return number;
}

static void set(struct row *row, u64 number, enum rule rule, s64 operand) {
  /* vector registers are nobody's to preserve */
  if (number >= REGISTERS) return;
  row->rule[number] = rule;
  row->operand[number] = operand;
}

static const u8 *expression(const u8 **at) {
  const u8 *start = *at;
  u64 bytes = read_uleb(at);
  *at += bytes;
  return start;
}

static u64 value_of(const u8 *expression, const struct registers *r, int has_initial, u64 initial) {
  u64 bytes = read_uleb(&expression);
  return evaluate(expression, expression + bytes, r, has_initial, initial);
}

/* Rows up to the one that holds at `pc`. `initial`: what DW_CFA_restore goes back to */
static void run(const u8 *at, const u8 *end, const struct frame_description *f, u64 pc, struct row *row, const struct row *initial) {
  struct row remembered[MAX_REMEMBERED];
  u32 n = 0;
  u64 location = f->start;
  while (at < end && location <= pc) {
    u8 op = *at++;
    u8 low = op & 0x3f;
    u64 number;
    switch (op & 0xc0) {
      case 0x40: location += low * f->code_alignment; continue;
      case 0x80: set(row, low, AT_OFFSET, (s64)read_uleb(&at) * f->data_alignment); continue;
      case 0xc0: set(row, low, initial->rule[checked(low)], initial->operand[low]); continue;
    }
    switch (op) {
      case 0x00: break; /* nop */
      case 0x01: location = read_encoded(&at, f->pointer_encoding); break; /* set_loc */
      case 0x02: location += *at * f->code_alignment; at += 1; break;
      case 0x03: location += *(const u16 *)at * f->code_alignment; at += 2; break;
      case 0x04: location += *(const u32 *)at * f->code_alignment; at += 4; break;
      case 0x05: number = read_uleb(&at); set(row, number, AT_OFFSET, (s64)read_uleb(&at) * f->data_alignment); break;
      case 0x06: number = checked(read_uleb(&at)); set(row, number, initial->rule[number], initial->operand[number]); break;
      case 0x07: set(row, read_uleb(&at), UNDEFINED, 0); break;
      case 0x08: set(row, read_uleb(&at), SAME, 0); break;
      case 0x09: number = read_uleb(&at); set(row, number, IN_REGISTER, (s64)checked(read_uleb(&at))); break;
      case 0x0a: /* remember_state */
        if (n == MAX_REMEMBERED) module_abort("unwinder: too many remembered states");
        memcpy(&remembered[n++], row, sizeof *row);
        break;
      case 0x0b: /* restore_state */
        if (n == 0) module_abort("unwinder: restore_state without remember_state");
        memcpy(row, &remembered[--n], sizeof *row);
        break;
      case 0x0c: row->cfa_register = checked(read_uleb(&at)); row->cfa_offset = (s64)read_uleb(&at); row->cfa_expression = NULL; break;
      case 0x0d: row->cfa_register = checked(read_uleb(&at)); row->cfa_expression = NULL; break;
      case 0x0e: row->cfa_offset = (s64)read_uleb(&at); break;
      case 0x0f: row->cfa_expression = expression(&at); break;
      case 0x10: number = read_uleb(&at); set(row, number, AT_EXPRESSION, (s64)expression(&at)); break;
      case 0x11: number = read_uleb(&at); set(row, number, AT_OFFSET, read_sleb(&at) * f->data_alignment); break;
      case 0x12: row->cfa_register = checked(read_uleb(&at)); row->cfa_offset = read_sleb(&at) * f->data_alignment; row->cfa_expression = NULL; break;
      case 0x13: row->cfa_offset = read_sleb(&at) * f->data_alignment; break;
      case 0x14: number = read_uleb(&at); set(row, number, IS_OFFSET, (s64)read_uleb(&at) * f->data_alignment); break;
      case 0x15: number = read_uleb(&at); set(row, number, IS_OFFSET, read_sleb(&at) * f->data_alignment); break;
      case 0x16: number = read_uleb(&at); set(row, number, IS_EXPRESSION, (s64)expression(&at)); break;
      case 0x2e: read_uleb(&at); break; /* GNU_args_size: RSP at a landing pad is the CFA's business on this architecture */
      case 0x2f: number = read_uleb(&at); set(row, number, AT_OFFSET, -(s64)read_uleb(&at) * f->data_alignment); break; /* GNU_negative_offset_extended */
      default: module_abort("unwinder: unknown call frame instruction");
    }
  }
}

void unwind_frame(struct _Unwind_Context *c) {
  const struct frame_description *f = &c->f;
  struct registers *r = &c->registers;
  u64 pc = r->value[DWARF_RIP] - (f->signal_frame ? 0 : 1);
  struct row initial, row;
  memset(&initial, 0, sizeof initial);
  run(f->initial_program, f->initial_end, f, ~0ul, &initial, &initial);
  memcpy(&row, &initial, sizeof row);
  run(f->program, f->end_of_program, f, pc, &row, &initial);

  c->cfa = row.cfa_expression != NULL ? value_of(row.cfa_expression, r, 0, 0) : r->value[row.cfa_register] + (u64)row.cfa_offset;
  memcpy(&c->caller, r, sizeof *r);
  /* the CFA is what the caller's RSP was, unless something else is said of it */
  c->caller.value[DWARF_RSP] = c->cfa;
  for (u32 i = 0; i < REGISTERS; i++)
    switch (row.rule[i]) {
      case SAME: break;
      case UNDEFINED: if (i == f->return_register) c->caller.value[DWARF_RIP] = 0; break;
      case AT_OFFSET: c->caller.value[i] = *(const u64 *)(c->cfa + (u64)row.operand[i]); break;
      case IS_OFFSET: c->caller.value[i] = c->cfa + (u64)row.operand[i]; break;
      case IN_REGISTER: c->caller.value[i] = r->value[row.operand[i]]; break;
      case AT_EXPRESSION: c->caller.value[i] = *(const u64 *)value_of((const u8 *)row.operand[i], r, 1, c->cfa); break;
      case IS_EXPRESSION: c->caller.value[i] = value_of((const u8 *)row.operand[i], r, 1, c->cfa); break;
    }
}
