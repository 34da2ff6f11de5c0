/* Which module handles which VM exit. SDM Vol. 3 "Basic VM-Exit Information", "VM-Instruction Reference" */
#include "exits.h"
#include "runtime.h"

#define REASONS 80
#define HANDLERS 4
#define EXIT_REASON 0x4402
#define ENTRY_FAILED 0x80000000u
#define INSTRUCTION_LENGTH 0x440c
#define ENTRY_CONTROLS 0x4012
#define IA32E_MODE_GUEST 0x200
#define CS_ACCESS_RIGHTS 0x4816
#define CS_LONG 0x2000
#define INTERRUPTIBILITY 0x4824
#define BLOCKING_BY_STI_OR_MOV_SS 3
#define RFLAGS 0x6820
#define RFLAGS_TF 0x100
#define RFLAGS_RF 0x10000
#define DEBUGCTL 0x2802
#define DEBUGCTL_BTF 2
#define PENDING_DEBUG 0x6822
#define PENDING_BS 0x4000

/* A gate: from now on exits are to come to `entry`; the address of the gate for those that nobody takes goes to `gate`. */
void exit_handler_registered(void *entry, void **gate);

extern HIDDEN u8 exit_entry[];
HIDDEN void *exit_gate;

static exit_handler *handlers[REASONS][HANDLERS];

int register_exit_handler(unsigned reason, exit_handler *handler) {
  if (reason >= REASONS) return -1;
  for (u32 i = 0; i < HANDLERS; i++)
    if (handlers[reason][i] == NULL) {
      handlers[reason][i] = handler;
      exit_handler_registered(exit_entry, &exit_gate);
      return 0;
    }
  return -1;
}

u64 vmx_read(u64 field) {
  u64 value = 0;
  __asm__ volatile("vmread %1, %0" : "+r"(value) : "r"(field) : "cc");
  return value;
}

void vmx_write(u64 field, u64 value) {
  __asm__ volatile("vmwrite %1, %0" : : "r"(field), "r"(value) : "cc");
}

/* The instruction has retired, with all that an instruction ends; under the trap flag, unless it is for branches, a trap is due. */
static void advance(struct state_save *guest) {
  u64 length = vmx_read(INSTRUCTION_LENGTH);
  if (length == 0) return;
  guest->rip += length;
  if ((vmx_read(ENTRY_CONTROLS) & IA32E_MODE_GUEST) == 0 || (vmx_read(CS_ACCESS_RIGHTS) & CS_LONG) == 0) guest->rip = (u32)guest->rip;
  u64 blocking = vmx_read(INTERRUPTIBILITY);
  if ((blocking & BLOCKING_BY_STI_OR_MOV_SS) != 0) vmx_write(INTERRUPTIBILITY, blocking & ~(u64)BLOCKING_BY_STI_OR_MOV_SS);
  u64 flags = vmx_read(RFLAGS);
  if ((flags & RFLAGS_RF) != 0) vmx_write(RFLAGS, flags & ~(u64)RFLAGS_RF);
  if ((flags & RFLAGS_TF) != 0 && (vmx_read(DEBUGCTL) & DEBUGCTL_BTF) == 0)
    vmx_write(PENDING_DEBUG, vmx_read(PENDING_DEBUG) | PENDING_BS);
}

/* Whether the guest goes on; or else TypeScript handles the exit. */
HIDDEN int exit_dispatch(struct state_save *guest) {
  u32 reason = (u32)vmx_read(EXIT_REASON);
  if ((reason & ENTRY_FAILED) != 0 || (u16)reason >= REASONS) return 0;
  /* what to go back to if a handler cannot go on: after the registers, in a part of the page that nothing else has */
  memcpy((u8 *)guest + 0x400, guest, 17 * 8);
  for (u32 i = 0; i < HANDLERS && handlers[(u16)reason][i] != NULL; i++) {
    int answer = handlers[(u16)reason][i](guest);
    if (answer == EXIT_PASS) continue;
    if (answer == EXIT_ADVANCE) advance(guest);
    return 1;
  }
  return 0;
}
