/*
 * Asks whether somebody is underneath. VMCALL leaves a virtual machine from any ring; without one it is an invalid opcode, which ends
 * the process that tries. So a child tries.
 */
#include "system.h"

enum { INVALID_OPCODE_VECTOR = 6 };

static int try(void) {
  u64 a = 0, b = 0, c = 0, d = 0;
  __asm__ volatile("vmcall" : "+a"(a), "+b"(b), "+c"(c), "+d"(d));
  print("VMCALL came back: rax 0x%lx, rbx 0x%lx, rcx 0x%lx, rdx 0x%lx\n", a, b, c, d);
  return 0;
}

int main(const char *arguments) {
  if (equal(arguments, "try")) return try();
  i64 status = run("vmcall", "try");
  if (status == KILLED + INVALID_OPCODE_VECTOR) print("VMCALL is an invalid opcode: nobody is underneath\n");
  else if (status == 0) print("a hypervisor is underneath\n");
  else print("VMCALL ended with status %ld\n", status);
  return 0;
}
