/* Ways to end the machine. */
#pragma once

__attribute__((noreturn)) void switch_off(void);
/* as switch_off, but whoever looks at the emulator's exit code sees that something went wrong */
__attribute__((noreturn)) void fail_machine(void);
