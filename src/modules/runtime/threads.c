/*
 * What the pthread interface is good for where there are no threads but processors: mutual exclusion between them, once, and values of
 * their own in the thread-local block of 4 KiB.
 */
#include "runtime.h"

#define MAX_KEYS 512
#define EBUSY 16
#define EINVAL 22
#define EAGAIN 11

typedef volatile int mutex;
typedef volatile int once;

static u8 key_used[MAX_KEYS];

int pthread_mutex_init(mutex *m, const void *attributes) {
  (void)attributes;
  *m = 0;
  return 0;
}

int pthread_mutex_destroy(mutex *m) {
  return *m != 0 ? EBUSY : 0;
}

int pthread_mutex_trylock(mutex *m) {
  return __atomic_exchange_n(m, 1, __ATOMIC_ACQUIRE) != 0 ? EBUSY : 0;
}

int pthread_mutex_lock(mutex *m) {
  while (pthread_mutex_trylock(m) != 0) __builtin_ia32_pause();
  return 0;
}

int pthread_mutex_unlock(mutex *m) {
  __atomic_store_n(m, 0, __ATOMIC_RELEASE);
  return 0;
}

/* 0 never, 1 running, 2 done */
int pthread_once(once *control, void (*function)(void)) {
  int never = 0;
  if (__atomic_compare_exchange_n(control, &never, 1, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
    function();
    __atomic_store_n(control, 2, __ATOMIC_RELEASE);
  }
  while (*control != 2) __builtin_ia32_pause();
  return 0;
}

/* Destructors are not called: processors do not end. */
int pthread_key_create(u32 *key, void (*destructor)(void *)) {
  (void)destructor;
  for (u32 i = 0; i < MAX_KEYS; i++)
    if (__atomic_exchange_n(&key_used[i], 1, __ATOMIC_ACQ_REL) == 0) {
      *key = i;
      return 0;
    }
  return EAGAIN;
}

int pthread_key_delete(u32 key) {
  if (key >= MAX_KEYS || key_used[key] == 0) return EINVAL;
  key_used[key] = 0;
  return 0;
}

void *pthread_getspecific(u32 key) {
  return key < MAX_KEYS ? thread_context()->tls[key] : NULL;
}

int pthread_setspecific(u32 key, const void *value) {
  if (key >= MAX_KEYS || key_used[key] == 0) return EINVAL;
  thread_context()->tls[key] = (void *)value;
  return 0;
}

u64 pthread_self(void) {
  return thread_context()->cpuid;
}

int pthread_equal(u64 a, u64 b) {
  return a == b;
}

/* The compiler's guards of static variables of functions: byte 0 done, byte 1 being made. Itanium C++ ABI "One-time Construction API" */
int __cxa_guard_acquire(volatile u8 *guard) {
  if (__atomic_load_n(guard, __ATOMIC_ACQUIRE) != 0) return 0;
  while (__atomic_exchange_n(&guard[1], 1, __ATOMIC_ACQ_REL) != 0) __builtin_ia32_pause();
  if (guard[0] == 0) return 1;
  guard[1] = 0;
  return 0;
}

void __cxa_guard_release(volatile u8 *guard) {
  __atomic_store_n(&guard[0], 1, __ATOMIC_RELEASE);
  __atomic_store_n(&guard[1], 0, __ATOMIC_RELEASE);
}

void __cxa_guard_abort(volatile u8 *guard) {
  __atomic_store_n(&guard[1], 0, __ATOMIC_RELEASE);
}
