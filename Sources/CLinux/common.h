// SPDX-License-Identifier: Apache-2.0
//
// First include of every C file here: the feature macros that must come before libc's headers.
#define _GNU_SOURCE 1
#define _FILE_OFFSET_BITS 64
#define _TIME_BITS 64
// Bounds checks inside libc's calls; they exist in optimised builds only.
#if defined(__OPTIMIZE__) && !defined(_FORTIFY_SOURCE)
#define _FORTIFY_SOURCE 3
#endif

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
