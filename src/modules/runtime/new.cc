/* operator new and delete over malloc. */
#include "std.h"

extern "C" void *aligned_alloc(u64 alignment, u64 bytes);

namespace std {
struct nothrow_t {
  explicit nothrow_t() = default;
};
extern const nothrow_t nothrow;
const nothrow_t nothrow{};
enum class align_val_t : unsigned long {};
}  // namespace std

/* nothing has an address too */
static void *some(u64 bytes) noexcept {
  return malloc(bytes == 0 ? 1 : bytes);
}

static void *some(u64 bytes, std::align_val_t alignment) noexcept {
  return aligned_alloc((u64)alignment, bytes == 0 ? 1 : bytes);
}

static void *orThrow(void *p) {
  if (p == nullptr) throw std::bad_alloc();
  return p;
}

#define NEW(form)                                                                                                   \
  void *operator form(unsigned long bytes) { return orThrow(some(bytes)); }                                         \
  void *operator form(unsigned long bytes, const std::nothrow_t &) noexcept { return some(bytes); }                 \
  void *operator form(unsigned long bytes, std::align_val_t a) { return orThrow(some(bytes, a)); }                  \
  void *operator form(unsigned long bytes, std::align_val_t a, const std::nothrow_t &) noexcept { return some(bytes, a); }
#define DELETE(form)                                                                                                \
  void operator form(void *p) noexcept { free(p); }                                                                 \
  void operator form(void *p, unsigned long) noexcept { free(p); }                                                  \
  void operator form(void *p, const std::nothrow_t &) noexcept { free(p); }                                         \
  void operator form(void *p, std::align_val_t) noexcept { free(p); }                                               \
  void operator form(void *p, unsigned long, std::align_val_t) noexcept { free(p); }                                \
  void operator form(void *p, std::align_val_t, const std::nothrow_t &) noexcept { free(p); }
NEW(new)
NEW(new[])
DELETE(delete)
DELETE(delete[])
