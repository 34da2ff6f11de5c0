/* Throwing and catching. Itanium C++ ABI "Exception Handling" level II; each processor has exceptions of its own. */
#include "type-info.h"
#include "std.h"

namespace {
struct Globals {
  cxa_exception *caught;
  unsigned uncaught;
};

/* where exceptions go when memory is exhausted, which is one reason to throw */
constexpr unsigned RESERVES = 8;
constexpr unsigned long RESERVE_BYTES = 512;
struct alignas(16) Reserve {
  u8 bytes[RESERVE_BYTES];
};

Globals globals[MAX_CPUS];
Reserve reserves[RESERVES];
bool reserved[RESERVES];
void (*terminate_handler)();

Globals &mine() {
  return globals[thread_context()->cpuid % MAX_CPUS];
}

void release(cxa_exception *x) {
  for (unsigned i = 0; i < RESERVES; i++)
    if ((u8 *)x == reserves[i].bytes) {
      reserved[i] = false;
      return;
    }
  free(x);
}

void destroy(cxa_exception *x) {
  if (x->destroy != nullptr) x->destroy(x->object);
  release(x);
}

cxa_exception *checked(void *e) {
  auto header = static_cast<_Unwind_Exception *>(e);
  if (header->exception_class != CXX_CLASS) module_abort("C++ has caught an exception of another language");
  return exception_of(header);
}
}  // namespace

extern "C" void *__cxa_allocate_exception(u64 bytes) noexcept {
  u64 all = sizeof(cxa_exception) + bytes;
  void *p = malloc(all);
  for (unsigned i = 0; p == nullptr && i < RESERVES && all <= RESERVE_BYTES; i++)
    if (!reserved[i]) {
      reserved[i] = true;
      p = reserves[i].bytes;
    }
  if (p == nullptr) module_abort("no memory for an exception");
  memset(p, 0, sizeof(cxa_exception));
  return static_cast<cxa_exception *>(p) + 1;
}

extern "C" void __cxa_free_exception(void *object) noexcept {
  release(static_cast<cxa_exception *>(object) - 1);
}

extern "C" [[noreturn]] void __cxa_throw(void *object, std::type_info *type, void (*destructor)(void *)) {
  auto x = static_cast<cxa_exception *>(object) - 1;
  x->type = type;
  x->destroy = destructor;
  x->object = x->adjusted = object;
  x->unwind.exception_class = CXX_CLASS;
  x->unwind.cleanup = [](enum reason, _Unwind_Exception *e) { destroy(exception_of(e)); };
  mine().uncaught++;
  _Unwind_RaiseException(&x->unwind);
  terminate_for(&x->unwind);
}

extern "C" [[noreturn]] void __cxa_rethrow() {
  cxa_exception *x = mine().caught;
  if (x == nullptr) std::terminate();
  x->handlers = -x->handlers;
  mine().uncaught++;
  _Unwind_RaiseException(&x->unwind);
  terminate_for(&x->unwind);
}

extern "C" void *__cxa_begin_catch(void *e) noexcept {
  cxa_exception *x = checked(e);
  x->handlers = (x->handlers < 0 ? -x->handlers : x->handlers) + 1;
  Globals &g = mine();
  g.uncaught--;
  if (g.caught != x) {
    x->next_caught = g.caught;
    g.caught = x;
  }
  return x->adjusted;
}

extern "C" void __cxa_end_catch() {
  Globals &g = mine();
  cxa_exception *x = g.caught;
  if (x == nullptr) return;
  bool thrownAgain = x->handlers < 0;
  x->handlers += thrownAgain ? 1 : -1;
  if (x->handlers != 0) return;
  g.caught = x->next_caught;
  if (!thrownAgain) destroy(x);
}

extern "C" void *__cxa_get_exception_ptr(void *e) noexcept {
  return checked(e)->adjusted;
}

extern "C" std::type_info *__cxa_current_exception_type() {
  cxa_exception *x = mine().caught;
  return x == nullptr ? nullptr : x->type;
}

extern "C" int describe_caught(exception_text *text) {
  cxa_exception *x = mine().caught;
  if (x == nullptr) return 0;
  text->type = x->type->mangled();
  text->what = "";
  void *object = x->object;
  if (type_catches(&typeid_of_exception(), x->type, &object)) text->what = static_cast<std::exception *>(object)->what();
  else if (strcmp(text->type, "PKc") == 0 || strcmp(text->type, "Pc") == 0) text->what = *static_cast<const char **>(x->object);
  return 1;
}

/* The exception counts as caught, by whoever terminates for it. */
extern "C" void terminate_for(_Unwind_Exception *e) {
  __cxa_begin_catch(e);
  std::terminate();
}

/* a function that must not throw has, or one that must only throw something else */
extern "C" [[noreturn]] void __cxa_call_terminate(void *e) {
  __cxa_begin_catch(e);
  std::terminate();
}

extern "C" [[noreturn]] void __cxa_call_unexpected(void *e) {
  __cxa_begin_catch(e);
  std::terminate();
}

namespace std {
void terminate() noexcept {
  if (terminate_handler != nullptr) terminate_handler();
  exception_text text;
  if (describe_caught(&text)) uncaught_exception(text.type, text.what);
  module_abort("std::terminate()");
}

void (*set_terminate(void (*handler)()) noexcept)() {
  auto before = terminate_handler;
  terminate_handler = handler;
  return before;
}

int uncaught_exceptions() noexcept {
  return (int)mine().uncaught;
}

bool uncaught_exception() noexcept {
  return mine().uncaught != 0;
}
}  // namespace std
