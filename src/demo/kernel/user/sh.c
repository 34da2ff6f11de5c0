/*
 * The shell: a command is the name of a file and arguments. A program is run, in the background if the line ends in &, any other file
 * is read as a script. With arguments it carries these out and ends, which switches the machine off.
 */
#include "system.h"

static const char help[] =
  "cpuid           what the processor says it is\n"
  "mem  ps  uptime what the kernel counts\n"
  "ls  cat FILE    the files of the image; those that are not programs are scripts and text\n"
  "primes N        counts the primes below N\n"
  "pi  picture     x87 and SSE arithmetic\n"
  "sha256 FILE     its digest\n"
  "spin MS [&]     keeps the processor busy\n"
  "fault [KIND]    a process that an exception ends, or one of every kind\n"
  "vmcall          is there a hypervisor underneath?\n"
  "selftest        the kernel and the processor, checked\n"
  "demo            much of this, one after the other\n"
  "crash [ud|pf|df] brings the kernel down\n"
  "poweroff        or exit\n";

static void execute(const char *line);

static void run_script(const char *name) {
  static char text[2048];
  i64 length = system_call(READ_FILE, (u64)name, (u64)text, sizeof text - 1);
  if (length < 0 || length >= (i64)sizeof text) {
    print("%s: no script of at most %lu characters\n", name, sizeof text - 1);
    return;
  }
  text[length] = 0;
  for (char *line = text; *line;) {
    char *end = line;
    while (*end && *end != '\n') end++;
    char *next = *end ? end + 1 : end;
    *end = 0;
    if (*line == '#') print("\n%s\n", line);
    else if (*line) print("> %s\n", line), execute(line);
    line = next;
  }
}

static bool in_background(char *arguments) {
  u32 n = length_of(arguments);
  if (!n || arguments[n - 1] != '&') return false;
  do arguments[--n] = 0;
  while (n && arguments[n - 1] == ' ');
  return true;
}

static void explain(const char *name, i64 id) {
  if (id == NOT_FOUND) print("%s: there is no such program; try help\n", name);
  else if (id == NO_MEMORY || id == NO_ROOM) print("%s: no room for another process\n", name);
  else print("%s: error %ld\n", name, id);
}

static void execute_one(const char *line) {
  char name[NAME_SIZE], arguments[ARGUMENTS_SIZE];
  format(arguments, sizeof arguments, "%s", next_word(line, name, sizeof name));
  if (equal(name, "help")) {
    write(help);
    return;
  }
  bool background = in_background(arguments);
  i64 id = spawn(name, arguments, background ? DETACHED : ATTACHED);
  if (id == NOT_A_PROGRAM) {
    run_script(name);
  } else if (id < 0) {
    explain(name, id);
  } else if (!background) {
    i64 status = wait(id);
    if (status && status < KILLED) print("%s: status %ld\n", name, status);
  }
}

/* commands with semicolons between them */
static void execute(const char *line) {
  char command[ARGUMENTS_SIZE];
  while (*line) {
    u32 n = 0;
    for (; *line && *line != ';'; line++)
      if (n + 1 < sizeof command) command[n++] = *line;
    if (*line == ';') line++;
    while (n && command[n - 1] == ' ') n--;
    command[n] = 0;
    if (n) execute_one(command);
  }
}

/* a line from the keyboard, echoed, with backspace */
static void read_line(char *line, u32 size) {
  u32 n = 0;
  for (;;) {
    char c = 0;
    system_call(READ, (u64)&c, 1, 0);
    if (c == '\r' || c == '\n') break;
    if ((c == 127 || c == 8) && n) print("\b \b"), n--;
    if (c >= ' ' && c < 127 && n + 1 < size) print("%c", c), line[n++] = c;
  }
  line[n] = 0;
  print("\n");
}

int main(const char *arguments) {
  char line[ARGUMENTS_SIZE];
  if (*arguments) {
    execute(arguments);
    return 0;
  }
  print("\nType help for what there is.\n");
  for (;;) {
    print("> ");
    read_line(line, sizeof line);
    if (equal(line, "exit")) return 0;
    if (*line) execute(line);
  }
}
