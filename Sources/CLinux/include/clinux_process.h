// SPDX-License-Identifier: Apache-2.0
#ifndef CLINUX_PROCESS_H
#define CLINUX_PROCESS_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

int clinux_errno(void);
const char *clinux_strerror(int number);
// 0 where the number has no name.
const char *_Nullable clinux_errno_name(int number);

int clinux_argument_count(void);
const char *clinux_argument(int index);
const char *_Nullable clinux_environment(const char *name);
_Noreturn void clinux_exit(int code);
_Noreturn void clinux_abort(void);
uint32_t clinux_effective_user(void);
// From here on the end of the parent is the end of this process: -1 if it ends meanwhile.
int clinux_end_with_parent(void);
int clinux_process_id(void);
uint32_t clinux_umask(uint32_t mask);
int clinux_is_terminal(int fd);
// 0 if fd is no terminal.
int clinux_terminal_columns(int fd);
const char *clinux_machine(void);
const char *clinux_kernel_release(void);

// CLOCK_MONOTONIC and CLOCK_REALTIME in nanoseconds.
int64_t clinux_monotonic(void);
int64_t clinux_realtime(void);
// Whether something keeps CLOCK_REALTIME right.
int clinux_clock_is_synchronised(void);
void clinux_sleep(int64_t nanoseconds);
// sizeof(time_t) and sizeof(off_t) as this target was compiled.
int clinux_time_bytes(void);
int clinux_offset_bytes(void);
// User and system time of this process in nanoseconds, and its peak resident set in bytes.
void clinux_usage(int64_t *user, int64_t *system, uint64_t *peak_bytes);

// The commit this was built from, or "unknown"; its date in seconds since 1970, or 0.
const char *clinux_build_commit(void);
int64_t clinux_build_seconds(void);

int clinux_random(void *buffer, size_t count);

void clinux_ignore_sigpipe(void);
// After this, SIGINT, SIGTERM and SIGHUP only set a flag, once; the second one ends the process.
void clinux_catch_interrupts(void);
// The number of the signal that came, or 0.
int clinux_interrupted(void);

int clinux_unshare_mounts(void);
int clinux_mount(const char *_Nullable source, const char *target, const char *_Nullable type,
                 uint64_t flags, const char *_Nullable data);
int clinux_umount(const char *target, int flags);

// A child process that thaws the file system behind fd if this process dies or stays silent for
// longer than the limit. Gives the descriptor to write one byte to when all is well, or -1.
int clinux_thaw_guard_start(int fd, int seconds, int *child);
void clinux_thaw_guard_end(int pipe, int child);

int clinux_sync_all(void);
int clinux_reboot_by_systemd(void);

enum {
  CLINUX_MS_RDONLY = 1,
  CLINUX_MS_NOSUID = 2,
  CLINUX_MS_NODEV = 4,
  CLINUX_MS_NOEXEC = 8,
  CLINUX_MS_REMOUNT = 32,
  CLINUX_MS_NOATIME = 1024,
  CLINUX_MS_NODIRATIME = 2048,
  CLINUX_MS_BIND = 4096,
  CLINUX_MS_MOVE = 8192,
  CLINUX_MS_REC = 16384,
  CLINUX_MS_SILENT = 32768,
  CLINUX_MS_PRIVATE = 1 << 18,
  CLINUX_MS_SLAVE = 1 << 19,
};

#pragma clang assume_nonnull end
#endif
