// SPDX-License-Identifier: Apache-2.0
//
// What the first process of a machine does.
#ifndef CLINUX_INIT_H
#define CLINUX_INIT_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

int clinux_load_module_file(int fd, const char *parameters);
int clinux_load_module_image(const void *image, size_t size, const char *parameters);

int clinux_change_directory(const char *path);
int clinux_change_root(const char *path);
// Standard input, output and error become this descriptor.
int clinux_use_as_standard(int fd);

// Runs path with the arguments of this process from number first on; comes back on failure only.
int clinux_execute(const char *path, int first);
// Runs path in a session of its own on the terminal at console, and waits until it ends.
int clinux_run_on_console(const char *path, const char *console);
// Gives the seconds that the driver took.
int clinux_set_watchdog_seconds(int fd, int seconds);
int clinux_feed_watchdog(int fd);
// Restarts the machine at once. Comes back on failure only.
int clinux_restart(void);

#pragma clang assume_nonnull end
#endif
