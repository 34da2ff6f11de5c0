#include "linux.h"
/* SHA-256 of a message, as eight words. */
void sha256(const u8 *message, u64 length, u32 digest[8]);
