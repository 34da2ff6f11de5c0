#pragma once
#include "../types.h"

void sha256(const u8 *message, u64 length, u32 digest[8]);
