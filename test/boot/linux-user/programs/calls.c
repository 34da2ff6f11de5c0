// What programs ask of the kernel, one small test for each name: `calls NAME`. Prints facts that do not depend on process numbers,
// addresses or the clock, so that the output on a real Linux is what ours must be. Built by build.sh.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static char *self;
extern char **environ;

#define SHOW(expression) printf("%s = %ld\n", #expression, (long)(expression))
#define RESULT(expression)                                                     \
  do {                                                                         \
    errno = 0;                                                                 \
    long r_ = (long)(expression);                                              \
    printf("%s = %ld%s%s\n", #expression, r_, r_ < 0 ? " " : "", r_ < 0 ? strerror(errno) : ""); \
  } while (0)

// ---- memory

static char *change_break(char *to) { return (char *)syscall(SYS_brk, to); }

static void brk_(void) {
  char *start = change_break(0), *end = start + 100000;
  SHOW(change_break(end) == end);
  memset(start, 7, 100000);
  SHOW(start[99999]);
  SHOW(change_break(0) == end);
  SHOW(change_break((char *)16) == end);
  SHOW(change_break(start) == start);
  change_break(end);
  SHOW(start[8192]);
}

static void mmap_(void) {
  char *a = mmap(0, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  SHOW(a[5000]);
  a[0] = 1, a[4096] = 2, a[8192] = 3;
  RESULT(munmap(a + 4096, 4096));
  SHOW(a[0] + a[8192]);
  char *b = mmap(a + 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  SHOW(b == a + 4096);
  SHOW(b[0]);
  RESULT(mprotect(a, 3 * 4096, PROT_READ | PROT_WRITE));
  b[9] = 9;
  RESULT(madvise(a, 4096, MADV_DONTNEED));
  SHOW(a[0]);
  SHOW(b[9]);
  char *c = mremap(a, 3 * 4096, 300 * 4096, MREMAP_MAYMOVE);
  SHOW(c[4096 + 9]);
  SHOW(c[8192]);
  SHOW(c[299 * 4096]);
  RESULT(mmap(0, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  RESULT(mmap(0, 4096, PROT_READ, MAP_PRIVATE, 77, 0));
  RESULT(munmap((void *)123, 4096));
  RESULT(mprotect((void *)0x10000, 4096, PROT_READ));
  RESULT(mmap(c, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
  int fd = open(self, O_RDONLY);
  char *f = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  SHOW(f[1]);
  f[1] = 'X';
  char *g = mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 0);
  SHOW(g[1]);
  RESULT(mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  char *none = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  none[5] = 55;
  mprotect(none, 4096, PROT_NONE);
  mprotect(none, 4096, PROT_READ);
  SHOW(none[5]);
}

static void shared_(void) {
  volatile int *p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  volatile int *q = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  p[0] = 1, q[0] = 1;
  if (fork() == 0) {
    p[0]++, q[0]++, p[1] = q[0];
    _exit(0);
  }
  wait(0);
  SHOW(p[0]);
  SHOW(p[1]);
  SHOW(q[0]);
  int fd = memfd_create("x", 0);
  RESULT(ftruncate(fd, 8192));
  char *m = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  strcpy(m + 4090, "across the page");
  char buffer[20] = "";
  RESULT(pread(fd, buffer, 15, 4090));
  munmap(m, 8192);
  pread(fd, buffer, 15, 4090);
  puts(buffer);
  m = mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 0);
  pwrite(fd, "seen", 4, 10);
  printf("%.4s\n", m + 10);
}

// ---- signals

static volatile sig_atomic_t caught, code_, order[8], count;
static void *volatile address;
static sigjmp_buf back;
static char alternate[65536];

static void on_fault(int s, siginfo_t *i, void *u) {
  caught = s, code_ = i->si_code, address = i->si_addr;
  ucontext_t *c = u;
  printf("trapno %lld err %lld cr2 %d\n", c->uc_mcontext.gregs[REG_TRAPNO], c->uc_mcontext.gregs[REG_ERR] & 31,
         (void *)c->uc_mcontext.gregs[REG_CR2] == i->si_addr);
  siglongjmp(back, 1);
}

static void handle(int s, void (*f)(int, siginfo_t *, void *), int flags) {
  struct sigaction a = {.sa_sigaction = f, .sa_flags = SA_SIGINFO | flags};
  sigaction(s, &a, 0);
}

#define FAULT(what)                                                            \
  if (sigsetjmp(back, 1) == 0) { what; puts("no fault"); }                     \
  else printf("%s: signal %d code %d\n", #what, caught, code_)

static void faults_(void) {
  int all[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
  stack_t own = {.ss_sp = alternate, .ss_size = sizeof alternate};
  sigaltstack(&own, 0);
  for (int i = 0; i < 5; i++) handle(all[i], on_fault, SA_ONSTACK);
  char *ro = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  FAULT(*(volatile int *)16 = 1);
  SHOW(address == (void *)16);
  FAULT(*(volatile char *)ro = 1);
  SHOW(address == ro);
  FAULT(((void (*)(void))ro)());
  SHOW(address == ro);
  FAULT(__asm__ volatile("xor %%ecx,%%ecx; mov $1,%%eax; cltd; idiv %%ecx" ::: "rax", "rcx", "rdx"));
  FAULT(__asm__ volatile("ud2"));
  FAULT(__asm__ volatile("hlt"));
  FAULT(__asm__ volatile("int3"));
  FAULT(*(volatile int *)0x8000000000000000 = 1);
  SHOW(address == 0);
  FAULT(__asm__ volatile("mov %%rsp,%%rbx; mov $0x8000000000000000,%%rsp; push %%rax; mov %%rbx,%%rsp" ::: "rbx"));
  FAULT(*(volatile int *)0xffffffff80000000 = 1);
  FAULT(__asm__ volatile("int $0x21"));
  int fd = memfd_create("short", 0);
  ftruncate(fd, 100);
  volatile char *m = mmap(0, 8192, PROT_READ, MAP_SHARED, fd, 0);
  SHOW(m[99]);
  FAULT((void)m[5000]);
  SHOW(address == m + 5000);
}

static void on_order(int s, siginfo_t *i, void *u) { order[count++] = s; }

static void on_nested(int s, siginfo_t *i, void *u) {
  order[count++] = s;
  if (s == SIGUSR1) {
    raise(SIGUSR2);
    order[count++] = -s;
  }
}

static void signals_(void) {
  handle(SIGUSR1, on_nested, 0);
  handle(SIGUSR2, on_nested, 0);
  raise(SIGUSR1);
  for (int i = 0; i < count; i++) printf("%d ", order[i]);
  puts("");
  sigset_t set, old;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGUSR2);
  sigprocmask(SIG_BLOCK, &set, &old);
  handle(SIGUSR1, on_order, 0);
  handle(SIGUSR2, on_order, 0);
  count = 0;
  raise(SIGUSR2), raise(SIGUSR1), raise(SIGUSR1);
  SHOW(count);
  sigset_t pending;
  sigpending(&pending);
  SHOW(sigismember(&pending, SIGUSR1) + sigismember(&pending, SIGUSR2));
  RESULT(sigsuspend(&old));
  printf("%d: %d %d\n", count, order[0], order[1]);
  raise(SIGUSR1);
  siginfo_t info;
  SHOW(sigwaitinfo(&set, &info));
  SHOW(info.si_pid == getpid());
  struct timespec short_time = {0, 1000000};
  RESULT(sigtimedwait(&set, &info, &short_time));
  sigprocmask(SIG_SETMASK, &old, 0);
  struct sigaction once = {.sa_handler = SIG_IGN};
  sigaction(SIGUSR1, &once, 0);
  raise(SIGUSR1);
  signal(SIGPIPE, SIG_IGN);
  int p[2];
  pipe(p);
  close(p[0]);
  RESULT(write(p[1], "x", 1));
  RESULT(kill(999999, 0));
  RESULT(kill(getpid(), 99));
  RESULT(sigaction(SIGKILL, &once, 0));
}

static void on_alarm(int s, siginfo_t *i, void *u) { count++; }

static void restart_(void) {
  int p[2];
  char c;
  pipe(p);
  handle(SIGALRM, on_alarm, 0);
  struct itimerval t = {{0, 0}, {0, 2000}};
  setitimer(ITIMER_REAL, &t, 0);
  RESULT(read(p[0], &c, 1));
  SHOW(count);
  handle(SIGALRM, on_alarm, SA_RESTART);
  if (fork() == 0) {
    usleep(20000);
    write(p[1], "z", 1);
    _exit(0);
  }
  setitimer(ITIMER_REAL, &t, 0);
  RESULT(read(p[0], &c, 1));
  SHOW(count);
  wait(0);
  setitimer(ITIMER_REAL, &t, 0);
  struct timespec long_time = {100, 0}, left;
  RESULT(nanosleep(&long_time, &left));
  SHOW(left.tv_sec);
  t.it_interval.tv_usec = 2000;
  count = 0;
  setitimer(ITIMER_REAL, &t, 0);
  while (count < 5) pause();
  SHOW(count);
}

static int on_alternate;
static void on_overflow(int s, siginfo_t *i, void *u) {
  char here;
  on_alternate = &here >= alternate && &here < alternate + sizeof alternate;
  siglongjmp(back, 1);
}
static int deep(int n) {
  volatile char room[4096];
  room[n & 4095] = n;
  return deep(n + 1) + room[0];
}

static void stack_(void) {
  stack_t s = {.ss_sp = alternate, .ss_size = sizeof alternate};
  sigaltstack(&s, 0);
  handle(SIGSEGV, on_overflow, SA_ONSTACK);
  if (sigsetjmp(back, 1) == 0) deep(0);
  SHOW(on_alternate);
  stack_t now;
  sigaltstack(0, &now);
  SHOW(now.ss_flags);
  s.ss_size = 100;
  RESULT(sigaltstack(&s, 0));
}

/** every register survives a handler */
static void registers_(void) {
  handle(SIGUSR1, on_order, 0);
  uint64_t in[4] = {0x1111222233334444, 0x5555666677778888, 0x9999aaaabbbbcccc, 0xddddeeeeffff0000}, out[4];
  long pid = getpid();
  __asm__ volatile(
      "mov 0(%1),%%r12; mov 8(%1),%%r13; mov 16(%1),%%r14; mov 24(%1),%%r15; std\n"
      "mov $62,%%eax; mov %2,%%rdi; mov $10,%%esi; syscall\n"
      "pushfq; pop %%rax; cld; and $0x400,%%eax; add %%rax,%%r12\n"
      "mov %%r12,0(%0); mov %%r13,8(%0); mov %%r14,16(%0); mov %%r15,24(%0)\n" ::"r"(out),
      "r"(in), "r"(pid)
      : "rax", "rcx", "rdx", "rsi", "rdi", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
  for (int i = 0; i < 4; i++) printf("%lx\n", out[i]);
  SHOW(count);
}

// ---- processes

static void status(int s) {
  if (WIFEXITED(s)) printf("exited %d\n", WEXITSTATUS(s));
  else if (WIFSIGNALED(s)) printf("signal %d\n", WTERMSIG(s));
  else if (WIFSTOPPED(s)) printf("stopped %d\n", WSTOPSIG(s));
  else if (WIFCONTINUED(s)) puts("continued");
}

static void fork_(void) {
  int s, x = 1;
  RESULT(wait(&s));
  pid_t pid = fork();
  if (pid == 0) {
    x++;
    _exit(x + 40);
  }
  SHOW(waitpid(pid, &s, 0) == pid);
  status(s);
  SHOW(x);
  if ((pid = fork()) == 0) abort();
  waitpid(pid, &s, 0);
  status(s & ~0x80);
  if ((pid = fork()) == 0) pause();
  SHOW(waitpid(pid, &s, WNOHANG));
  kill(pid, SIGSTOP);
  waitpid(pid, &s, WUNTRACED);
  status(s);
  kill(pid, SIGCONT);
  waitpid(pid, &s, WCONTINUED);
  status(s);
  kill(pid, SIGTERM);
  waitpid(pid, &s, 0);
  status(s);
  pid_t a = fork();
  if (a == 0) _exit(1);
  pid_t b = fork();
  if (b == 0) _exit(2);
  siginfo_t info;
  RESULT(waitid(P_PID, b, &info, WEXITED));
  printf("%d %d %d\n", info.si_pid == b, info.si_status, info.si_code);
  SHOW(waitpid(a, 0, 0) == a);
  volatile int shared = 0;
  if ((pid = vfork()) == 0) {
    shared = 5;
    _exit(0);
  }
  SHOW(shared);
  waitpid(pid, 0, 0);
  SHOW(getppid() != getpid());
  SHOW(getpgrp() == getpgid(0));
  RESULT(execl("/nowhere/at/all", "x", (char *)0));
  RESULT(execl("/dev/null", "x", (char *)0));
}

static void exec_(void) {
  int p[2], s;
  pipe2(p, O_CLOEXEC);
  pid_t pid = fork();
  if (pid == 0) {
    dup2(p[1], 1);
    char *argv[] = {"calls", "echo", "one", "two three", "", 0}, *envp[] = {"A=1", "B=x y", 0};
    execve(self, argv, envp);
    _exit(99);
  }
  close(p[1]);
  char buffer[200];
  int n = 0, r;
  while ((r = read(p[0], buffer + n, sizeof buffer - n)) > 0) n += r;
  printf("%.*s", n, buffer);
  waitpid(pid, &s, 0);
  status(s);
  char *argv[] = {"calls", "status", "7", 0};
  RESULT(posix_spawn(&pid, self, 0, 0, argv, environ));
  waitpid(pid, &s, 0);
  status(s);
  SHOW(posix_spawn(&pid, "/nowhere", 0, 0, argv, environ));
}

static void echo_(int argc, char **argv) {
  for (int i = 0; i < argc; i++) printf("[%s]", argv[i]);
  for (char **e = environ; *e; e++) printf("{%s}", *e);
  printf(" fds");
  for (int fd = 0; fd < 10; fd++)
    if (fcntl(fd, F_GETFD) >= 0) printf(" %d", fd);
  puts("");
}

static void pipe_(void) {
  int p[2];
  char *big = malloc(300000);
  pipe(p);
  pid_t pid = fork();
  if (pid == 0) {
    close(p[0]);
    for (int i = 0; i < 300000; i++) big[i] = i * 7;
    SHOW(write(p[1], big, 300000));
    fflush(stdout);
    _exit(0);
  }
  close(p[1]);
  unsigned sum = 0, n = 0;
  int r;
  while ((r = read(p[0], big, 4000)) > 0)
    for (int i = 0; i < r; i++) sum = sum * 31 + (unsigned char)big[i], n++;
  wait(0);
  SHOW(n);
  SHOW(sum);
  pipe2(p, O_NONBLOCK);
  RESULT(read(p[0], big, 1));
  n = 0;
  while ((r = write(p[1], big, 4096)) > 0) n += r;
  SHOW(n);
  SHOW(errno == EAGAIN);
  RESULT(lseek(p[0], 0, SEEK_SET));
  struct stat st;
  fstat(p[0], &st);
  SHOW(S_ISFIFO(st.st_mode));
}

// ---- files

static void files_(void) {
  char path[] = "/proc/self/exe", buffer[64] = "";
  struct stat a, b;
  SHOW(stat(path, &a) + stat(self, &b));
  SHOW(a.st_ino == b.st_ino && a.st_size == b.st_size);
  SHOW(lstat(path, &a));
  SHOW(S_ISLNK(a.st_mode));
  int fd = open(self, O_RDONLY);
  SHOW(read(fd, buffer, 4));
  SHOW(buffer[0] == 0x7f);
  SHOW(lseek(fd, 100, SEEK_SET));
  SHOW(lseek(fd, -50, SEEK_CUR));
  SHOW(lseek(fd, 0, SEEK_END) == b.st_size);
  RESULT(lseek(fd, -1, SEEK_SET));
  SHOW(read(fd, buffer, 4));
  SHOW(pread(fd, buffer, 3, 1));
  printf("%.3s\n", buffer);
  int copy = dup(fd);
  lseek(copy, 1, SEEK_SET);
  SHOW(lseek(fd, 0, SEEK_CUR));
  SHOW(fcntl(fd, F_GETFL) & O_ACCMODE);
  SHOW(fcntl(copy, F_DUPFD, 20));
  SHOW(dup2(fd, 30));
  RESULT(dup2(77, 5));
  RESULT(write(fd, "x", 1));
  RESULT(close(77));
  RESULT(open("/nowhere/x", O_RDONLY));
  RESULT(open("/proc/self/exe/x", O_RDONLY));
  RESULT(open("/", O_WRONLY));
  RESULT(open("/", O_RDONLY | O_DIRECTORY) > 0);
  RESULT(open(self, O_RDONLY | O_DIRECTORY));
  RESULT(read(open("/", O_RDONLY), buffer, 1));
  RESULT(open("/dev/null", O_RDWR) > 0);
  RESULT(write(open("/dev/null", O_WRONLY), "abc", 3));
  RESULT(write(open("/dev/full", O_WRONLY), "abc", 3));
  memset(buffer, 1, 8);
  RESULT(read(open("/dev/zero", O_RDONLY), buffer, 8));
  SHOW(buffer[7]);
  RESULT(read(-1, buffer, 1));
  RESULT(read(fd, (void *)8, 1));
  RESULT(open((char *)8, O_RDONLY));
  RESULT(readlink(self, buffer, 10));
  RESULT(access("/", R_OK | X_OK));
  RESULT(access("/nowhere", F_OK));
  RESULT(chdir("/nowhere"));
  RESULT(chdir("/"));
  SHOW(strcmp(getcwd(buffer, 64), "/"));
  RESULT(syscall(SYS_getcwd, buffer, 1));
  RESULT(ioctl(fd, TCGETS, buffer));
  struct iovec v[2] = {{buffer, 2}, {buffer + 10, 2}};
  lseek(fd, 0, SEEK_SET);
  SHOW(readv(fd, v, 2));
  printf("%c%c%c\n", buffer[1], buffer[10], buffer[11]);
  v[0].iov_base = "vec", v[0].iov_len = 3, v[1].iov_base = "tor\n", v[1].iov_len = 4;
  fflush(stdout);
  RESULT(writev(1, v, 2));
  static unsigned char sx[256];
  RESULT(syscall(SYS_statx, AT_FDCWD, self, 0, 0x7ff, sx));
  SHOW(*(long *)(sx + 40) == b.st_size);
  DIR *d = opendir("/proc/self/fd");
  int dots = 0;
  for (struct dirent *e; (e = readdir(d));) dots += e->d_name[0] == '.';
  SHOW(dots);
}

/** in an empty directory that may be written */
static void changes_(void) {
  char buffer[64] = "";
  struct stat st;
  RESULT(mkdir("d", 0755));
  RESULT(mkdir("d", 0755));
  umask(027);
  int fd = open("d/f", O_CREAT | O_RDWR | O_EXCL, 0666);
  fstat(fd, &st);
  printf("%o\n", st.st_mode);
  RESULT(open("d/f", O_CREAT | O_EXCL, 0666));
  RESULT(write(fd, "hello world", 11));
  RESULT(pwrite(fd, "J", 1, 0));
  lseek(fd, 0, SEEK_SET);
  RESULT(read(fd, buffer, 64));
  puts(buffer);
  RESULT(ftruncate(fd, 5));
  RESULT(lseek(fd, 0, SEEK_END));
  RESULT(lseek(fd, 10, SEEK_CUR));
  RESULT(write(fd, "!", 1));
  fstat(fd, &st);
  SHOW(st.st_size);
  RESULT(rename("d/f", "d/g"));
  RESULT(stat("d/f", &st));
  RESULT(link("d/g", "h"));
  stat("h", &st);
  SHOW(st.st_nlink);
  RESULT(symlink("d/g", "s"));
  memset(buffer, 0, 64);
  RESULT(readlink("s", buffer, 64));
  puts(buffer);
  RESULT(symlink("loop", "loop"));
  RESULT(open("loop", O_RDONLY));
  RESULT(open("s", O_RDONLY | O_NOFOLLOW));
  RESULT(rmdir("d"));
  RESULT(unlink("d"));
  RESULT(rmdir("h"));
  RESULT(chmod("h", 0600));
  stat("d/g", &st);
  printf("%o\n", st.st_mode);
  struct timespec times[2] = {{1000, 0}, {2000, 0}};
  RESULT(utimensat(AT_FDCWD, "h", times, 0));
  stat("h", &st);
  printf("%ld %ld\n", st.st_atime, st.st_mtime);
  int ap = open("h", O_WRONLY | O_APPEND);
  lseek(ap, 0, SEEK_SET);
  write(ap, "end", 3);
  fstat(ap, &st);
  SHOW(st.st_size);
  RESULT(truncate("h", 2));
  int dir = open("d", O_RDONLY | O_DIRECTORY);
  RESULT(openat(dir, "g", O_RDONLY) > 0);
  RESULT(mkdirat(dir, "e", 0700));
  RESULT(fchdir(dir));
  RESULT(access("e", X_OK));
  RESULT(unlinkat(dir, "e", AT_REMOVEDIR));
  RESULT(chdir(".."));
  int from = open("h", O_RDONLY), to = open("t", O_CREAT | O_RDWR | O_TRUNC, 0644);
  RESULT(sendfile(to, from, 0, 100));
  RESULT(copy_file_range(from, &(off_t){0}, to, 0, 1, 0));
  lseek(to, 0, SEEK_SET);
  memset(buffer, 0, 64);
  RESULT(read(to, buffer, 64));
  puts(buffer);
  char *m = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, to, 0);
  m[0] = 'M';
  RESULT(msync(m, 4096, MS_SYNC));
  pread(to, buffer, 1, 0);
  SHOW(buffer[0]);
  struct dirent **list;
  int n = scandir(".", &list, 0, alphasort);
  for (int i = 0; i < n; i++) printf("%s:%d ", list[i]->d_name, list[i]->d_type);
  puts("");
  RESULT(unlink("loop") + unlink("s") + unlink("h") + unlink("t") + unlink("d/g") + rmdir("d"));
}

// ---- waiting and time

static void poll_(void) {
  int p[2], q[2];
  pipe(p), pipe(q);
  struct pollfd f[3] = {{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}, {99, POLLIN, 0}};
  RESULT(poll(f, 1, 10));
  RESULT(poll(f, 3, 0));
  printf("%x %x %x\n", f[0].revents, f[1].revents, f[2].revents);
  write(p[1], "x", 1);
  fd_set set;
  FD_ZERO(&set);
  FD_SET(p[0], &set);
  FD_SET(q[0], &set);
  struct timeval none = {0, 1000};
  RESULT(select(q[0] + 1, &set, 0, 0, &none));
  printf("%d %d\n", !!FD_ISSET(p[0], &set), !!FD_ISSET(q[0], &set));
  int e = epoll_create1(0);
  struct epoll_event ev = {EPOLLIN, {.u64 = 42}}, got[2];
  RESULT(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &ev));
  RESULT(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &ev));
  RESULT(epoll_wait(e, got, 2, 1000));
  printf("%x %ld\n", got[0].events, (long)got[0].data.u64);
  RESULT(epoll_ctl(e, EPOLL_CTL_DEL, p[0], 0));
  RESULT(epoll_wait(e, got, 2, 1));
  close(q[1]);
  f[0].fd = q[0];
  RESULT(poll(f, 1, -1));
  printf("%x\n", f[0].revents);
  pid_t pid = fork();
  if (pid == 0) {
    usleep(5000);
    write(p[1], "y", 1);
    _exit(0);
  }
  char c;
  read(p[0], &c, 1);
  f[0].fd = p[0];
  RESULT(poll(f, 1, -1));
  wait(0);
  int v = eventfd(3, EFD_NONBLOCK);
  uint64_t value;
  RESULT(read(v, &value, 8));
  SHOW(value);
  RESULT(read(v, &value, 8));
}

static void time_(void) {
  struct timespec a, b, d = {1, 500000000};
  clock_gettime(CLOCK_MONOTONIC, &a);
  nanosleep(&(struct timespec){0, 20000000}, 0);
  clock_gettime(CLOCK_MONOTONIC, &b);
  long ns = (b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec;
  SHOW(ns >= 20000000);
  SHOW(time(0) > 1700000000);
  struct timeval t;
  gettimeofday(&t, 0);
  SHOW(labs(t.tv_sec - time(0)) <= 1);
  RESULT(clock_gettime(99, &a));
  RESULT(nanosleep(&(struct timespec){0, 1000000000}, 0));
  SHOW(clock_getres(CLOCK_REALTIME, &d));
  SHOW(alarm(100));
  SHOW(alarm(0) > 90);
  struct utsname u;
  uname(&u);
  puts(u.sysname);
  puts(u.machine);
}

static void process_(void) {
  SHOW(getauxval(AT_PAGESZ));
  SHOW(getauxval(AT_CLKTCK));
  SHOW(getauxval(AT_RANDOM) != 0);
  SHOW(getauxval(AT_SECURE));
  SHOW(getauxval(AT_UID) == getuid());
  SHOW(strcmp((char *)getauxval(AT_PLATFORM), "x86_64"));
  SHOW(strcmp((char *)getauxval(AT_EXECFN), self) == 0);
  SHOW(getauxval(AT_PHNUM) > 0);
  SHOW(syscall(SYS_gettid) == getpid());
  struct rlimit r;
  getrlimit(RLIMIT_STACK, &r);
  SHOW(r.rlim_cur > 0);
  RESULT(syscall(9999));
  int word = 5;
  RESULT(syscall(SYS_futex, &word, 0, 4, 0, 0, 0));
  struct timespec t = {0, 1000000};
  RESULT(syscall(SYS_futex, &word, 0, 5, &t, 0, 0));
  RESULT(syscall(SYS_futex, &word, 1, 1, 0, 0, 0));
  unsigned long set = 0;
  SHOW(syscall(SYS_sched_getaffinity, 0, sizeof set, &set) > 0);
  char random[8] = {0};
  RESULT(syscall(SYS_getrandom, random, 8, 0));
  unsigned long base;
  RESULT(syscall(SYS_arch_prctl, 0x1003, &base));
  SHOW(base != 0);
  RESULT(syscall(SYS_arch_prctl, 0x1002, 0x8000000000000000));
}

int main(int argc, char **argv) {
  setvbuf(stdout, 0, _IOLBF, 4096);
  self = (char *)getauxval(AT_EXECFN);
  const char *name = argc > 1 ? argv[1] : "";
  static const struct { const char *name; void (*run)(void); } tests[] = {
      {"brk", brk_},         {"mmap", mmap_},       {"shared", shared_}, {"faults", faults_},       {"signals", signals_},
      {"restart", restart_}, {"stack", stack_},     {"fork", fork_},     {"registers", registers_}, {"exec", exec_},
      {"pipe", pipe_},       {"files", files_},     {"poll", poll_},     {"changes", changes_},     {"time", time_},
      {"process", process_},
  };
  for (unsigned i = 0; i < sizeof tests / sizeof *tests; i++)
    if (!strcmp(name, tests[i].name)) {
      tests[i].run();
      return 0;
    }
  if (!strcmp(name, "echo")) echo_(argc - 1, argv + 1);
  else if (!strcmp(name, "status")) return atoi(argv[2]);
  else if (!strcmp(name, "endless")) for (volatile int i = 0;;) i++;
  else return 2;
}
