/* The standard exceptions, and the functions by which the headers of the library throw them. */
#include "std.h"

extern u8 description_of_exception __asm__("_ZTISt9exception");

std::type_info &typeid_of_exception() {
  return reinterpret_cast<std::type_info &>(description_of_exception);
}

namespace std {
exception::~exception() noexcept {}
const char *exception::what() const noexcept {
  return "std::exception";
}

#define PLAIN_BODY(name)                           \
  name::~name() noexcept {}                        \
  const char *name::what() const noexcept {        \
    return "std::" #name;                          \
  }
PLAIN_BODY(bad_exception)
PLAIN_BODY(bad_alloc)
PLAIN_BODY(bad_array_new_length)
PLAIN_BODY(bad_cast)
PLAIN_BODY(bad_typeid)

message::message(const char *from) {
  u64 bytes = strlen(from) + 1;
  auto counted = static_cast<u64 *>(malloc(8 + bytes));
  if (counted == nullptr) throw bad_alloc();
  counted[0] = 1;
  text = static_cast<const char *>(memcpy(counted + 1, from, bytes));
}
message::message(const message &other) noexcept : text(other.text) {
  __atomic_fetch_add((u64 *)text - 1, 1, __ATOMIC_RELAXED);
}
message &message::operator=(const message &other) noexcept {
  message copy(other);
  const char *mine = text;
  text = copy.text;
  copy.text = mine;
  return *this;
}
message::~message() {
  u64 *count = (u64 *)text - 1;
  if (__atomic_sub_fetch(count, 1, __ATOMIC_ACQ_REL) == 0) free(count);
}

#define ROOT_BODY(name)                                                       \
  name::name(const char *from) : text(from) {}                                \
  name::name(const string &from) : text(from.characters) {}                   \
  name::name(const name &other) noexcept : exception(), text(other.text) {}   \
  name::name(name &&other) noexcept : exception(), text(other.text) {}        \
  name &name::operator=(const name &other) noexcept {                         \
    text = other.text;                                                        \
    return *this;                                                             \
  }                                                                           \
  name &name::operator=(name &&other) noexcept {                              \
    text = other.text;                                                        \
    return *this;                                                             \
  }                                                                           \
  name::~name() noexcept {}                                                   \
  const char *name::what() const noexcept {                                   \
    return text.text;                                                         \
  }
#define DERIVED_BODY(name, base)                           \
  name::name(const char *from) : base(from) {}             \
  name::name(const string &from) : base(from) {}           \
  name::~name() noexcept {}
ROOT_BODY(logic_error)
ROOT_BODY(runtime_error)
DERIVED_BODY(domain_error, logic_error)
DERIVED_BODY(invalid_argument, logic_error)
DERIVED_BODY(length_error, logic_error)
DERIVED_BODY(out_of_range, logic_error)
DERIVED_BODY(range_error, runtime_error)
DERIVED_BODY(overflow_error, runtime_error)
DERIVED_BODY(underflow_error, runtime_error)

#define THROWER(name)                                      \
  [[noreturn]] void __throw_##name(const char *text);      \
  void __throw_##name(const char *text) {                  \
    throw name(text);                                      \
  }
THROWER(logic_error)
THROWER(domain_error)
THROWER(invalid_argument)
THROWER(length_error)
THROWER(out_of_range)
THROWER(runtime_error)
THROWER(range_error)
THROWER(overflow_error)
THROWER(underflow_error)

/* the format has %zu only, and is good enough as it is */
[[noreturn]] void __throw_out_of_range_fmt(const char *text, ...);
void __throw_out_of_range_fmt(const char *text, ...) {
  throw out_of_range(text);
}
[[noreturn]] void __throw_bad_alloc();
void __throw_bad_alloc() {
  throw bad_alloc();
}
[[noreturn]] void __throw_bad_array_new_length();
void __throw_bad_array_new_length() {
  throw bad_array_new_length();
}
}  // namespace std

extern "C" [[noreturn]] void __cxa_bad_cast() {
  throw std::bad_cast();
}
extern "C" [[noreturn]] void __cxa_bad_typeid() {
  throw std::bad_typeid();
}
extern "C" [[noreturn]] void __cxa_throw_bad_array_new_length() {
  throw std::bad_array_new_length();
}
extern "C" [[noreturn]] void __cxa_deleted_virtual() {
  module_abort("deleted virtual function called");
}
