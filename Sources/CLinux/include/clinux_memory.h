// SPDX-License-Identifier: Apache-2.0
#ifndef CLINUX_MEMORY_H
#define CLINUX_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// NULL on failure.
void *_Nullable clinux_map_readonly(int fd, size_t count, int64_t offset);
int clinux_unmap(void *start, size_t count);
int clinux_madvise(void *start, size_t count, int advice);
size_t clinux_page_size(void);
// How many of the pages from start, a multiple of the page size, are in memory; -1 on failure.
int64_t clinux_resident_pages(void *start, size_t count);

// Failing media under a map raise SIGBUS. The handler puts a zero page over the fault and flags
// the thread; clinux_bus_error_take tells whether this thread was flagged, and clears the flag.
int clinux_bus_error_install(void);
int clinux_bus_error_take(void);

enum {
  CLINUX_MADV_SEQUENTIAL = 2,
  CLINUX_MADV_WILLNEED = 3,
  CLINUX_MADV_DONTNEED = 4,
  CLINUX_MADV_POPULATE_READ = 22,
};

#pragma clang assume_nonnull end
#endif
