/* Output, and what a C library asks an operating system for that is not here: it fails, and says so. */
#include "runtime.h"

#define ENOSYS 38

static int error_number;

int *__errno_location(void) {
  return &error_number;
}

int *__errno(void) {
  return &error_number;
}

s64 write(int fd, const void *buffer, u64 bytes) {
  if (buffer == NULL || bytes == 0 || (fd != 1 && fd != 2)) return 0;
  return console_write(fd, buffer, bytes);
}

/* QUIRK: errno is negative, as in Bareflank. */
#define MISSING(name)                                      \
  s64 name(void);                                          \
  s64 name(void) {                                         \
    printf("%s: there is no such system call\n", #name);   \
    error_number = -ENOSYS;                                \
    return -1;                                             \
  }

MISSING(read)
MISSING(open)
MISSING(close)
MISSING(lseek)
MISSING(fstat)
MISSING(stat)
MISSING(isatty)
MISSING(link)
MISSING(unlink)
MISSING(fork)
MISSING(execve)
MISSING(wait)
MISSING(kill)
MISSING(getpid)
MISSING(times)
MISSING(gettimeofday)
