/* The system calls: number in RAX, arguments in RDI, RSI, RDX, result in RAX. Shared by the kernel and its programs. */
#pragma once
#include "types.h"

enum system_call {
  EXIT,       /* status */
  WRITE,      /* text, length → length */
  READ,       /* buffer, size → length; waits for a key */
  SPAWN,      /* file name, arguments, enum spawn → process id */
  WAIT,       /* process id of a child → its status */
  YIELD,
  SLEEP,      /* milliseconds */
  UPTIME,     /* → milliseconds */
  GROW,       /* bytes → address of what the heap grew by */
  READ_FILE,  /* file name, buffer, size → length of the file */
  FILE_NAME,  /* index, buffer of NAME_SIZE → length of the file */
  PROCESS,    /* index, struct process_record * */
  MEMORY,     /* struct memory_record * */
  SWITCH_OFF,
  CRASH,      /* enum crash: brings the kernel down on purpose */
  SYSTEM_CALLS
};

/* results below zero */
enum { NO_SUCH_CALL = -1, BAD_ADDRESS = -2, NOT_FOUND = -3, NOT_A_PROGRAM = -4, NO_MEMORY = -5, NO_ROOM = -6 };

/* status of a process that an exception ended: this plus the vector */
enum { KILLED = 256 };
enum { NAME_SIZE = 16, ARGUMENTS_SIZE = 128 };
enum spawn { ATTACHED, DETACHED };
enum crash { INVALID_OPCODE, NULL_POINTER, STACK_LOST };
enum process_state { FREE, READY, SLEEPING, READING, WRITING, WAITING, ENDED };

struct process_record { u64 id, state, milliseconds; char name[NAME_SIZE]; };
struct memory_record { u64 pages, free, process_switches; };
