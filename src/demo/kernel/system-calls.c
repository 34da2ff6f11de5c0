/* What each system call does. Nothing that a program passes is trusted: its memory is reached by copy_in and copy_out only. */
#include "system-calls.h"
#include "archive.h"
#include "console.h"
#include "pages.h"
#include "paging.h"
#include "power.h"
#include "process.h"
#include "text.h"

enum { HEAP_LIMIT = 64 << 20, SLEEP_LIMIT = 1 << 30 };

static bool copy_text(char *to, u64 from, u32 size) {
  for (u32 i = 0; i < size; i++) {
    if (!copy_in(current->space, to + i, from + i, 1)) return false;
    if (!to[i]) return true;
  }
  return false;
}

static i64 do_exit(u64 status, u64, u64) {
  exit_process((i64)(status & 0xff));
}

static i64 do_write(u64 text, u64 length, u64) {
  char part[128];
  for (u64 done = 0; done < length;) {
    u64 n = length - done < sizeof part ? length - done : sizeof part;
    if (!copy_in(current->space, part, text + done, n)) return BAD_ADDRESS;
    for (u64 sent = 0; sent < n;) {
      sent += write_console(part + sent, n - sent);
      if (sent < n) sleep_until(WRITING, 0);
    }
    done += n;
  }
  return (i64)length;
}

static i64 do_read(u64 buffer, u64 size, u64) {
  char keys[64];
  u64 n;
  while (!(n = read_console(keys, size < sizeof keys ? size : sizeof keys)) && size) sleep_until(READING, 0);
  return copy_out(current->space, buffer, keys, n) ? (i64)n : BAD_ADDRESS;
}

static i64 do_spawn(u64 name, u64 arguments, u64 how) {
  char file[NAME_SIZE], text[ARGUMENTS_SIZE];
  if (!copy_text(file, name, sizeof file) || !copy_text(text, arguments, sizeof text)) return BAD_ADDRESS;
  return spawn(file, text, how == DETACHED ? NULL : current);
}

static i64 do_wait(u64 id, u64, u64) {
  return wait_for(id);
}

static i64 do_yield(u64, u64, u64) {
  schedule();
  return 0;
}

static i64 do_sleep(u64 milliseconds, u64, u64) {
  sleep_until(SLEEPING, uptime + (milliseconds < SLEEP_LIMIT ? milliseconds : SLEEP_LIMIT));
  return 0;
}

static i64 do_uptime(u64, u64, u64) {
  return (i64)uptime;
}

static i64 do_grow(u64 bytes, u64, u64) {
  u64 start = current->heap_end, pages = (bytes + PAGE - 1) / PAGE;
  if (bytes > HEAP_LIMIT || page_counts.free < pages + 16) return NO_MEMORY;
  for (u64 i = 0; i < pages; i++, current->heap_end += PAGE)
    if (!add_page(current->space, current->heap_end, WRITABLE | NO_EXECUTE)) return NO_MEMORY;
  return (i64)start;
}

static i64 do_read_file(u64 name, u64 buffer, u64 size) {
  char text[NAME_SIZE];
  struct file file;
  if (!copy_text(text, name, sizeof text)) return BAD_ADDRESS;
  if (!find_file(text, &file)) return NOT_FOUND;
  if (!copy_out(current->space, buffer, file.data, file.length < size ? file.length : size)) return BAD_ADDRESS;
  return (i64)file.length;
}

static i64 do_file_name(u64 index, u64 buffer, u64) {
  char name[NAME_SIZE] = "";
  struct file file;
  if (!file_at((u32)index, &file)) return NOT_FOUND;
  __builtin_memcpy(name, file.name, file.name_length);
  return copy_out(current->space, buffer, name, sizeof name) ? (i64)file.length : BAD_ADDRESS;
}

static i64 do_process(u64 index, u64 to, u64) {
  if (index >= PROCESSES) return NOT_FOUND;
  const struct process *p = &processes[index];
  struct process_record record = {p->id, p->state, p->milliseconds, ""};
  __builtin_memcpy(record.name, p->name, sizeof record.name);
  return copy_out(current->space, to, &record, sizeof record) ? 0 : BAD_ADDRESS;
}

static i64 do_memory(u64 to, u64, u64) {
  struct memory_record record = {page_counts.total, page_counts.free, process_switches};
  return copy_out(current->space, to, &record, sizeof record) ? 0 : BAD_ADDRESS;
}

static i64 do_switch_off(u64, u64, u64) {
  switch_off();
}

static i64 do_crash(u64 how, u64, u64) {
  if (how == INVALID_OPCODE) __asm__ volatile("ud2");
  if (how == NULL_POINTER) __asm__ volatile("movl $1, 0");
  if (how == STACK_LOST) __asm__ volatile("mov $8, %esp; push %rax");
  return 0;
}

static i64 (*const calls[SYSTEM_CALLS])(u64, u64, u64) = {
  [EXIT] = do_exit, [WRITE] = do_write, [READ] = do_read, [SPAWN] = do_spawn, [WAIT] = do_wait,
  [YIELD] = do_yield, [SLEEP] = do_sleep, [UPTIME] = do_uptime, [GROW] = do_grow, [READ_FILE] = do_read_file,
  [FILE_NAME] = do_file_name, [PROCESS] = do_process, [MEMORY] = do_memory, [SWITCH_OFF] = do_switch_off, [CRASH] = do_crash,
};

void on_system_call(struct frame *f) {
  f->rax = (u64)(f->rax < SYSTEM_CALLS ? calls[f->rax](f->rdi, f->rsi, f->rdx) : NO_SUCH_CALL);
}
