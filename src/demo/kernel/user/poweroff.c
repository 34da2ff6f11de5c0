#include "system.h"

int main(const char *arguments) {
  (void)arguments;
  return (int)system_call(SWITCH_OFF, 0, 0, 0);
}
