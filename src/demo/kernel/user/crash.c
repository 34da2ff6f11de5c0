/* Lets the kernel run into an exception of its own, to see what it says. */
#include "system.h"

int main(const char *arguments) {
  enum crash how = equal(arguments, "pf") ? NULL_POINTER : equal(arguments, "df") ? STACK_LOST : INVALID_OPCODE;
  return (int)system_call(CRASH, how, 0, 0);
}
