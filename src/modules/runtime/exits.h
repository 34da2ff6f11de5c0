/*
 * VM exits handled by machine code of modules, in VMX root operation. A handler sees the guest's registers in the state-save page and the
 * rest by vmx_read; what it changes there the guest has when it goes on. It may call everything that the runtime has.
 *
 *     static int on_cpuid(struct state_save *guest) { … return EXIT_ADVANCE; }
 *     __attribute__((constructor)) static void start(void) { register_exit_handler(10, on_cpuid); }
 */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

struct state_save {
  unsigned long rax, rbx, rcx, rdx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15, rip, rsp;
  unsigned long vcpuid, vmxon, vmcs, exit_handler, user[3];
  unsigned char ymm[16][32];
};

/* What a handler answers: somebody else shall handle it; the guest goes on behind the instruction; the guest goes on at its RIP. */
enum { EXIT_PASS = 0, EXIT_ADVANCE = 1, EXIT_RESUME = 2 };

typedef int exit_handler(struct state_save *guest);

/* Handlers of a basic exit reason are asked in the order in which they came. 0, or nonzero if there is no room. */
int register_exit_handler(unsigned reason, exit_handler *handler);

/* Fields of the current VMCS by their encodings. A field that does not exist reads as 0. */
unsigned long vmx_read(unsigned long field);
void vmx_write(unsigned long field, unsigned long value);

#ifdef __cplusplus
}
#endif
