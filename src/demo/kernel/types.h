/* The words this kernel and its programs are written in. */
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef long i64;

#define COUNT(array) (sizeof(array) / sizeof *(array))
