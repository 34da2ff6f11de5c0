/* What a program has: system calls and text. Every program is `int main(const char *arguments)`, and its result is its status. */
#pragma once
#include "../system-calls.h"
#include "../text.h"

static inline i64 system_call(enum system_call n, u64 a, u64 b, u64 c) {
  i64 result;
  __asm__ volatile("syscall" : "=a"(result) : "a"((u64)n), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}

static inline u64 uptime(void) { return (u64)system_call(UPTIME, 0, 0, 0); }
static inline void sleep(u64 milliseconds) { system_call(SLEEP, milliseconds, 0, 0); }
static inline i64 spawn(const char *name, const char *arguments, enum spawn how) {
  return system_call(SPAWN, (u64)name, (u64)arguments, how);
}
static inline i64 wait(i64 id) { return system_call(WAIT, (u64)id, 0, 0); }
/* status of a program that runs to its end, or an error */
static inline i64 run(const char *name, const char *arguments) {
  i64 id = spawn(name, arguments, ATTACHED);
  return id < 0 ? id : wait(id);
}
static inline struct memory_record memory(void) {
  struct memory_record record;
  system_call(MEMORY, (u64)&record, 0, 0);
  return record;
}
static inline void write(const char *text) { system_call(WRITE, (u64)text, length_of(text), 0); }
/* at most 511 characters */
__attribute__((format(printf, 1, 2))) void print(const char *text, ...);
