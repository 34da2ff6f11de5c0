/*
 * Types at run time: which handler takes what, and dynamic_cast. The destructors are what makes the compiler put the classes' tables, and
 * the types of the language itself, into this module.
 */
#include "type-info.h"

int strcmp(const char *, const char *);

namespace std {
type_info::~type_info() {}
/* two modules may each have a description of the same type */
bool type_info::operator==(const type_info &other) const {
  return text == other.text || (text[0] != '*' && strcmp(text, other.text) == 0);
}
bool type_info::before(const type_info &other) const {
  return text[0] == '*' && other.text[0] == '*' ? text < other.text : strcmp(text, other.text) < 0;
}
}  // namespace std

namespace __cxxabiv1 {
__fundamental_type_info::~__fundamental_type_info() {}
__array_type_info::~__array_type_info() {}
__enum_type_info::~__enum_type_info() {}
__function_type_info::~__function_type_info() {}
__class_type_info::~__class_type_info() {}
__si_class_type_info::~__si_class_type_info() {}
__vmi_class_type_info::~__vmi_class_type_info() {}
__pbase_type_info::~__pbase_type_info() {}
__pointer_type_info::~__pointer_type_info() {}
__pointer_to_member_type_info::~__pointer_to_member_type_info() {}
}  // namespace __cxxabiv1

using namespace __cxxabiv1;
using std::type_info;

namespace {
constexpr unsigned CONST = 1;
constexpr long VIRTUAL = 1;
constexpr long PUBLIC = 2;

/* a subobject that was looked for */
struct Subobject {
  void *at = nullptr;
  bool found = false;
  bool isPublic = false;
  bool ambiguous = false;

  void add(void *place, bool reachedPublicly) {
    if (!found) at = place;
    else if (at != place) ambiguous = true;
    found = true;
    isPublic |= reachedPublicly;
  }
  bool isUsable() const { return found && isPublic && !ambiguous; }
};
}  // namespace

namespace std {
struct Types {
  static bool isClass(const type_info *t) {
    return t->kind() == type_info::CLASS || t->kind() == type_info::SINGLE || t->kind() == type_info::SEVERAL;
  }
  static bool isPointer(const type_info *t) { return t->kind() == type_info::POINTER; }
  static bool isFunction(const type_info *t) { return t->kind() == type_info::FUNCTION; }
  static bool isMemberPointer(const type_info *t) { return t->kind() == type_info::MEMBER_POINTER; }

  /* Calls each(type, address, publicly) for an object and all its bases. */
  template <typename F>
  static void walk(const __class_type_info *t, void *object, bool publicly, F &each) {
    if (!each(t, object, publicly)) return;
    if (t->kind() == type_info::SINGLE) walk(static_cast<const __si_class_type_info *>(t)->base, object, publicly, each);
    if (t->kind() != type_info::SEVERAL) return;
    auto several = static_cast<const __vmi_class_type_info *>(t);
    for (unsigned i = 0; i < several->count; i++) {
      const base_info &b = several->bases[i];
      long offset = b.offset_flags >> 8;
      void *base = object;
      if (object != nullptr) {
        if ((b.offset_flags & VIRTUAL) != 0) offset = *(long *)(*(char **)object + offset);
        base = (char *)object + offset;
      }
      walk(b.type, base, publicly && (b.offset_flags & PUBLIC) != 0, each);
    }
  }

  static bool toBase(const type_info *wanted, const type_info *from, void **object) {
    Subobject base;
    auto each = [&](const __class_type_info *t, void *at, bool publicly) {
      if (!(*t == *wanted)) return true;
      base.add(at, publicly);
      return false;
    };
    walk(static_cast<const __class_type_info *>(from), *object, true, each);
    if (!base.isUsable()) return false;
    *object = base.at;
    return true;
  }

  /* `mayDiffer`: all levels above are const, so that this one may become more qualified */
  static bool toPointer(const __pbase_type_info *wanted, const __pbase_type_info *from, void **object, bool outermost, bool mayDiffer) {
    if (*wanted == *from) return true;
    if (wanted->kind() != from->kind() || (from->flags & ~wanted->flags) != 0 || !mayDiffer) return false;
    const type_info *to = wanted->pointee, *what = from->pointee;
    if (isMemberPointer(wanted) && !(*static_cast<const __pointer_to_member_type_info *>(wanted)->context ==
                                     *static_cast<const __pointer_to_member_type_info *>(from)->context))
      return false;
    if (*to == *what) return true;
    bool inner = mayDiffer && (outermost || (wanted->flags & CONST) != 0);
    if (isMemberPointer(wanted)) return false;
    if (outermost && strcmp(to->text, "v") == 0) return !isFunction(what);
    if (isPointer(to) && isPointer(what))
      return toPointer(static_cast<const __pbase_type_info *>(to), static_cast<const __pbase_type_info *>(what), object, false,
                       inner && (wanted->flags & CONST) != 0);
    return outermost && isClass(to) && isClass(what) && toBase(to, what, object);
  }

  static bool catches(const type_info *wanted, const type_info *thrown, void **object) {
    if (isPointer(thrown)) {
      void *pointer = *(void **)*object;
      bool fits = *wanted == *thrown || (isPointer(wanted) && toPointer(static_cast<const __pbase_type_info *>(wanted),
                                                                       static_cast<const __pbase_type_info *>(thrown), &pointer, true, true));
      if (fits) *object = pointer;
      return fits;
    }
    if (*wanted == *thrown) return true;
    if (strcmp(thrown->text, "Dn") == 0 && isPointer(wanted)) {
      *object = nullptr;
      return true;
    }
    if (isMemberPointer(thrown) && isMemberPointer(wanted))
      return toPointer(static_cast<const __pbase_type_info *>(wanted), static_cast<const __pbase_type_info *>(thrown), object, true, true);
    return isClass(wanted) && isClass(thrown) && toBase(wanted, thrown, object);
  }
};
}  // namespace std

extern "C" int type_catches(const type_info *wanted, const type_info *thrown, void **object) {
  return std::Types::catches(wanted, thrown, object);
}

/*
 * Down to a class that has the subobject as a public base, or across by way of the whole object. `hint`, what the compiler knows of the
 * distance between the two, is not needed.
 */
extern "C" void *__dynamic_cast(const void *subobject, const __class_type_info *from, const __class_type_info *to, long hint) {
  (void)hint;
  char *vtable = *(char **)subobject;
  void *whole = (char *)subobject + *(long *)(vtable - 16);
  auto type = *(const __class_type_info **)(vtable - 8);
  Subobject down, across, source;
  auto each = [&](const __class_type_info *t, void *at, bool publicly) {
    if (*t == *from && at == subobject) source.add(at, publicly);
    if (!(*t == *to)) return true;
    across.add(at, publicly);
    auto inside = [&](const __class_type_info *base, void *place, bool fromThere) {
      if (*base == *from && place == subobject && fromThere) down.add(at, true);
      return true;
    };
    std::Types::walk(t, at, true, inside);
    return true;
  };
  std::Types::walk(type, whole, true, each);
  if (down.found) return down.ambiguous ? nullptr : down.at;
  return source.isPublic && across.isUsable() ? across.at : nullptr;
}
