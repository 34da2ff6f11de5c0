/*
 * The standard exceptions, with the names and layouts that modules see when they include the headers of libstdc++: a table of virtual
 * functions, and a message that is shared by copies.
 */
#pragma once
#include "runtime.h"

namespace std {
class type_info;

class exception {
 public:
  exception() noexcept {}
  virtual ~exception() noexcept;
  virtual const char *what() const noexcept;
};

#define PLAIN(name, base)                          \
  class name : public base {                       \
   public:                                         \
    ~name() noexcept override;                     \
    const char *what() const noexcept override;    \
  };
PLAIN(bad_exception, exception)
PLAIN(bad_alloc, exception)
PLAIN(bad_array_new_length, bad_alloc)
PLAIN(bad_cast, exception)
PLAIN(bad_typeid, exception)

/* all that is asked of a std::string here: where its characters are */
template <class C>
struct char_traits;
template <class C>
class allocator;
inline namespace __cxx11 {
template <class C, class T, class A>
class basic_string {
 public:
  const C *characters;
};
}  // namespace __cxx11
using string = __cxx11::basic_string<char, char_traits<char>, allocator<char>>;

/* the characters, behind a count of those who have it */
class message {
 public:
  explicit message(const char *text);
  message(const message &other) noexcept;
  message &operator=(const message &other) noexcept;
  ~message();
  const char *text;
};

#define WITH_MESSAGE(name, base)                   \
  class name : public base {                       \
   public:                                         \
    explicit name(const char *text);               \
    explicit name(const string &text);             \
    ~name() noexcept override;
#define ROOT(name)                                 \
  WITH_MESSAGE(name, exception)                    \
    name(const name &other) noexcept;              \
    name(name &&other) noexcept;                   \
    name &operator=(const name &other) noexcept;   \
    name &operator=(name &&other) noexcept;        \
    const char *what() const noexcept override;    \
                                                   \
   private:                                        \
    message text;                                  \
  };
#define DERIVED(name, base)                        \
  WITH_MESSAGE(name, base)                         \
  };
ROOT(logic_error)
ROOT(runtime_error)
DERIVED(domain_error, logic_error)
DERIVED(invalid_argument, logic_error)
DERIVED(length_error, logic_error)
DERIVED(out_of_range, logic_error)
DERIVED(range_error, runtime_error)
DERIVED(overflow_error, runtime_error)
DERIVED(underflow_error, runtime_error)

[[noreturn]] void terminate() noexcept;
}  // namespace std

HIDDEN std::type_info &typeid_of_exception();
