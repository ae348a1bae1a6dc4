// SPDX-License-Identifier: Apache-2.0
#include "common.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clinux_memory.h"

_Static_assert(MADV_SEQUENTIAL == CLINUX_MADV_SEQUENTIAL, "MADV_SEQUENTIAL");
_Static_assert(MADV_WILLNEED == CLINUX_MADV_WILLNEED, "MADV_WILLNEED");
_Static_assert(MADV_DONTNEED == CLINUX_MADV_DONTNEED, "MADV_DONTNEED");

void *clinux_map_readonly(int fd, size_t count, int64_t offset) {
  void *start = mmap(NULL, count, PROT_READ, MAP_SHARED, fd, offset);
  return start == MAP_FAILED ? NULL : start;
}
int clinux_unmap(void *start, size_t count) { return munmap(start, count); }
int clinux_madvise(void *start, size_t count, int advice) { return madvise(start, count, advice); }
size_t clinux_page_size(void) { return (size_t)sysconf(_SC_PAGESIZE); }

int64_t clinux_resident_pages(void *start, size_t count) {
  unsigned char pages[1024];
  size_t page = clinux_page_size();
  int64_t resident = 0;
  for (size_t position = 0; position < count;) {
    size_t left = (count - position + page - 1) / page;
    size_t step = left < sizeof pages ? left : sizeof pages;
    if (mincore((char *)start + position, step * page, pages) != 0) return -1;
    for (size_t i = 0; i < step; i++) resident += pages[i] & 1;
    position += step * page;
  }
  return resident;
}

static _Thread_local volatile sig_atomic_t bus_error;
static uintptr_t page_mask;

static void on_bus_error(int signal_number, siginfo_t *info, void *context) {
  (void)context;
  void *page = (void *)((uintptr_t)info->si_addr & page_mask);
  void *zero = MAP_FAILED;
  if (info->si_code > 0)  // raised by the kernel for a fault, not sent by a process
    zero = mmap(page, ~page_mask + 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (zero == MAP_FAILED) {
    signal(signal_number, SIG_DFL);
    raise(signal_number);
    return;
  }
  bus_error = 1;
}

int clinux_bus_error_install(void) {
  page_mask = ~((uintptr_t)clinux_page_size() - 1);
  struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};
  sigemptyset(&action.sa_mask);
  return sigaction(SIGBUS, &action, NULL);
}
int clinux_bus_error_take(void) {
  int found = bus_error;
  bus_error = 0;
  return found;
}
