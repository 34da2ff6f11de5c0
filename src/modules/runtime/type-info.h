/* Run-time types as compilers describe them. Itanium C++ ABI "Run-Time Type Information (RTTI)" */
#pragma once
#include "cxx.h"

namespace std {
class type_info {
 public:
  virtual ~type_info();
  bool operator==(const type_info &other) const;
  bool before(const type_info &other) const;
  const char *mangled() const { return text[0] == '*' ? text + 1 : text; }

 protected:
  enum Kind { OTHER, CLASS, SINGLE, SEVERAL, POINTER, MEMBER_POINTER, FUNCTION };
  virtual Kind kind() const { return OTHER; }
  friend struct Types;
  const char *text;
};
}  // namespace std

namespace __cxxabiv1 {
class __fundamental_type_info : public std::type_info {
 public:
  ~__fundamental_type_info() override;
};
class __array_type_info : public std::type_info {
 public:
  ~__array_type_info() override;
};
class __enum_type_info : public std::type_info {
 public:
  ~__enum_type_info() override;
};
class __function_type_info : public std::type_info {
 public:
  ~__function_type_info() override;
  Kind kind() const override { return FUNCTION; }
};
class __class_type_info : public std::type_info {
 public:
  ~__class_type_info() override;
  Kind kind() const override { return CLASS; }
};
class __si_class_type_info : public __class_type_info {
 public:
  ~__si_class_type_info() override;
  Kind kind() const override { return SINGLE; }
  const __class_type_info *base;
};
struct base_info {
  const __class_type_info *type;
  /* bit 0 virtual, bit 1 public, from bit 8 on the offset, in the object or in the vtable */
  long offset_flags;
};
class __vmi_class_type_info : public __class_type_info {
 public:
  ~__vmi_class_type_info() override;
  Kind kind() const override { return SEVERAL; }
  unsigned flags;
  unsigned count;
  base_info bases[1];
};
class __pbase_type_info : public std::type_info {
 public:
  ~__pbase_type_info() override;
  /* bit 0 const, bit 1 volatile, bit 2 restrict */
  unsigned flags;
  const std::type_info *pointee;
};
class __pointer_type_info : public __pbase_type_info {
 public:
  ~__pointer_type_info() override;
  Kind kind() const override { return POINTER; }
};
class __pointer_to_member_type_info : public __pbase_type_info {
 public:
  ~__pointer_to_member_type_info() override;
  Kind kind() const override { return MEMBER_POINTER; }
  const __class_type_info *context;
};
}  // namespace __cxxabiv1
