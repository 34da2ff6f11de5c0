/* What the parts of the runtime module share. Modules need no header of it: they declare what they call, as with any C library. */
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long s64;

#define NULL ((void *)0)
#define HIDDEN __attribute__((visibility("hidden")))

#define SUCCESS 0ul
#define CRT_FAILURE 0x8000000000000100ul
#define REGISTER_EH_FRAME_FAILURE 0x8000000000001000ul
#define MAX_MODULES 75
#define MAX_CPUS 64

#ifdef __cplusplus
extern "C" {
#endif

/* The gates: functions of TypeScript. */
void *mm_alloc(u64 bytes);
void mm_free(void *p);
u64 mm_size(void *p);
u64 console_write(s64 fd, const void *buffer, u64 bytes);
__attribute__((noreturn)) void module_abort(const char *why);
__attribute__((noreturn)) void uncaught_exception(const char *type, const char *what);

/* At the top of each stack, which is aligned to its size of 32 KiB. */
struct thread_context {
  u64 cpuid;
  void **tls;
  u64 reserved[2];
};

HIDDEN struct thread_context *thread_context(void);

/* What the loader knows of a module's sections. */
struct section_info {
  void (*init)(void);
  void (*fini)(void);
  void (**init_array)(void);
  u64 init_array_bytes;
  void (**fini_array)(void);
  u64 fini_array_bytes;
  const u8 *eh_frame;
  u64 eh_frame_bytes;
};

u64 local_init(struct section_info *info);
u64 local_fini(struct section_info *info);
u64 register_eh_frame(const void *at, u64 bytes);
HIDDEN void run_exit_functions(void);

void *malloc(u64 bytes);
void free(void *p);
void *memcpy(void *to, const void *from, u64 bytes);
void *memset(void *to, int value, u64 bytes);
u64 strlen(const char *s);
u64 strnlen(const char *s, u64 most);
int strcmp(const char *a, const char *b);
s64 write(int fd, const void *buffer, u64 bytes);
int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
__attribute__((noreturn)) void abort(void);

#ifdef __cplusplus
}
#endif
