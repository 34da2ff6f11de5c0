/* The unwinder's parts. Itanium C++ ABI "Base ABI"; DWARF 4 "Call Frame Information"; System V ABI AMD64 "DWARF Register Number Mapping". */
#pragma once
#include "runtime.h"

/* RAX RDX RCX RBX RSI RDI RBP RSP R8-R15, return address */
#define REGISTERS 17
#define DWARF_RAX 0
#define DWARF_RDX 1
#define DWARF_RSP 7
#define DWARF_RIP 16

#ifdef __cplusplus
extern "C" {
#endif

struct registers {
  u64 value[REGISTERS];
};

/* What .eh_frame says of the function that an address is in. */
struct frame_description {
  u64 start;
  u64 end;
  const u8 *lsda;
  void *personality;
  u64 code_alignment;
  s64 data_alignment;
  u64 return_register;
  u8 pointer_encoding;
  int signal_frame;
  const u8 *initial_program;
  const u8 *initial_end;
  const u8 *program;
  const u8 *end_of_program;
};

/* A frame that is being looked at. */
struct _Unwind_Context {
  struct registers registers;
  struct frame_description f;
  u64 cfa;
  /* the caller's registers; rip 0 in the outermost frame */
  struct registers caller;
};

enum reason {
  NO_REASON = 0,
  FOREIGN_EXCEPTION_CAUGHT = 1,
  FATAL_PHASE2_ERROR = 2,
  FATAL_PHASE1_ERROR = 3,
  NORMAL_STOP = 4,
  END_OF_STACK = 5,
  HANDLER_FOUND = 6,
  INSTALL_CONTEXT = 7,
  CONTINUE_UNWIND = 8,
};

enum action { SEARCH_PHASE = 1, CLEANUP_PHASE = 2, HANDLER_FRAME = 4, FORCE_UNWIND = 8 };

struct _Unwind_Exception {
  u64 exception_class;
  void (*cleanup)(enum reason, struct _Unwind_Exception *);
  /* of the unwinder: 0, and the CFA of the frame that has the handler */
  u64 private_1;
  u64 private_2;
} __attribute__((aligned(16)));

typedef enum reason personality_function(int version, enum action, u64 exception_class, struct _Unwind_Exception *, struct _Unwind_Context *);

/* pointer encodings: bits 0-3 form, 4-6 what it is relative to, 7 indirect */
#define PE_OMIT 0xff
#define PE_ABSOLUTE 0x00
#define PE_RELATIVE 0x70
#define PE_PC_RELATIVE 0x10
#define PE_INDIRECT 0x80

HIDDEN u64 read_uleb(const u8 **at);
HIDDEN s64 read_sleb(const u8 **at);
HIDDEN u64 read_encoded(const u8 **at, u8 encoding);
HIDDEN u64 encoded_size(u8 encoding);

/* 0 if no registered section has it */
HIDDEN int find_frame(u64 pc, struct frame_description *f);
/* Computes CFA and caller from registers and f. */
HIDDEN void unwind_frame(struct _Unwind_Context *c);
/* The value of a DWARF expression; with `initial` on the stack if `has_initial`. */
HIDDEN u64 evaluate(const u8 *at, const u8 *end, const struct registers *r, int has_initial, u64 initial);

HIDDEN __attribute__((noreturn)) void unwind_install(const struct registers *r);

u64 _Unwind_GetGR(struct _Unwind_Context *c, int index);
void _Unwind_SetGR(struct _Unwind_Context *c, int index, u64 value);
u64 _Unwind_GetIP(struct _Unwind_Context *c);
u64 _Unwind_GetIPInfo(struct _Unwind_Context *c, int *before);
void _Unwind_SetIP(struct _Unwind_Context *c, u64 value);
const u8 *_Unwind_GetLanguageSpecificData(struct _Unwind_Context *c);
u64 _Unwind_GetRegionStart(struct _Unwind_Context *c);
u64 _Unwind_GetCFA(struct _Unwind_Context *c);
u64 _Unwind_GetDataRelBase(struct _Unwind_Context *c);
u64 _Unwind_GetTextRelBase(struct _Unwind_Context *c);
void *_Unwind_FindEnclosingFunction(void *pc);
enum reason _Unwind_RaiseException(struct _Unwind_Exception *e);
void _Unwind_Resume(struct _Unwind_Exception *e);
void _Unwind_DeleteException(struct _Unwind_Exception *e);

#ifdef __cplusplus
}
#endif
