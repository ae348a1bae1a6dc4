// SPDX-License-Identifier: Apache-2.0
#ifndef CLINUX_PROGRAMS_H
#define CLINUX_PROGRAMS_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

enum { CLINUX_TIMED_OUT = 1024, CLINUX_STILL_RUNNING = 1025 };

// Strings one behind the other, each with its NUL.
struct clinux_strings {
  const char *bytes;
  size_t count;
};

// Runs a program and waits for its end: with no input, its output where standard error goes, in a
// process group of its own. The arguments come behind its name; the variables, NAME=VALUE, go over
// those of this process. After limit nanoseconds the group is killed. Gives the exit code, or 256
// and the number of the signal that ended it, or CLINUX_TIMED_OUT.
int clinux_run_program(const char *path, struct clinux_strings arguments,
                       struct clinux_strings variables, const char *_Nullable directory,
                       int64_t limit);

// The same without waiting: gives the number of the process.
int clinux_start_program(const char *path, struct clinux_strings arguments,
                         struct clinux_strings variables, const char *_Nullable directory);
// As clinux_run_program, or CLINUX_STILL_RUNNING. To be asked until there is a result.
int clinux_program_result(int child);
// Kills its group and waits for its end.
void clinux_end_program(int child);

#pragma clang assume_nonnull end
#endif
