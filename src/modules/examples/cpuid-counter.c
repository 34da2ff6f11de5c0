/*
 * Counts CPUID of the guest, by leaf, and answers it: an extension whose handler runs as machine code in VMX root operation. Leaf 40000000H
 * is its own: the hypervisor's name, and in EAX how many CPUIDs there were.
 */
#include "../runtime/exits.h"

#define CPUID 10
#define OWN_LEAF 0x40000000u

unsigned long cpuid_count;

static int on_cpuid(struct state_save *guest) {
  unsigned leaf = (unsigned)guest->rax, subleaf = (unsigned)guest->rcx;
  unsigned a, b, c, d;
  cpuid_count++;
  if (leaf == OWN_LEAF) {
    a = (unsigned)cpuid_count;
    b = 0x756e696d; /* "minusone" */
    c = 0x6e6f7375;
    d = 0x00000065;
  } else
    __asm__ volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(leaf), "c"(subleaf));
  guest->rax = a;
  guest->rbx = b;
  guest->rcx = c;
  guest->rdx = d;
  return EXIT_ADVANCE;
}

__attribute__((constructor)) static void start(void) {
  register_exit_handler(CPUID, on_cpuid);
}
