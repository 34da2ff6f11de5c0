/* What the C++ parts share. Itanium C++ ABI "Exception Handling" level II. */
#pragma once
#include "unwind.h"

/* "GNUCC++\0", as GCC names its exceptions */
#define CXX_CLASS 0x474e5543432b2b00ul

#ifdef __cplusplus
namespace std {
class type_info;
}
typedef std::type_info type_information;
extern "C" {
#else
#define type_information struct type_info
type_information;
#endif

/* Stands before the thrown object. */
struct cxa_exception {
  type_information *type;
  void (*destroy)(void *);
  /* the thrown object */
  void *object;
  /* as the handler wants it: a base of it, or the pointer that was thrown */
  void *adjusted;
  u64 landing_pad;
  s64 switch_value;
  struct cxa_exception *next_caught;
  /* handlers that it is in; negative once it has been thrown again */
  s64 handlers;
  struct _Unwind_Exception unwind;
};

static inline struct cxa_exception *exception_of(struct _Unwind_Exception *e) {
  return (struct cxa_exception *)((u8 *)e - __builtin_offsetof(struct cxa_exception, unwind));
}

/* Whether a handler for `wanted` takes an exception of type `thrown`; adjusts the object's address if so. */
HIDDEN int type_catches(const type_information *wanted, const type_information *thrown, void **object);
HIDDEN __attribute__((noreturn)) void terminate_for(struct _Unwind_Exception *e);

/* What is known of the exception being handled, for messages: 0 if there is none. */
struct exception_text {
  const char *type;
  const char *what;
};
HIDDEN int describe_caught(struct exception_text *text);

enum reason __gxx_personality_v0(int version, enum action actions, u64 exception_class, struct _Unwind_Exception *e, struct _Unwind_Context *c);

#ifdef __cplusplus
}
#endif
