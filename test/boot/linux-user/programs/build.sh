#!/bin/sh
# Builds the test programs (Debian: musl-tools). They are committed, so that the tests need no compiler.
cd "$(dirname "$0")" || exit 1
musl-gcc -static -Os -fno-stack-protector -s -Wall -Wno-unused-result -o calls calls.c
