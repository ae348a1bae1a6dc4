// SPDX-License-Identifier: Apache-2.0
#ifndef CLINUX_THREADS_H
#define CLINUX_THREADS_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

typedef void (*clinux_thread_body)(void *context);
// NULL on failure.
void *_Nullable clinux_thread_start(clinux_thread_body body, void *context, size_t stack_bytes);
void clinux_thread_join(void *thread);
void clinux_thread_detach(void *thread);
int clinux_cores(void);

// A mutex with a condition.
struct clinux_lock;
struct clinux_lock *clinux_lock_make(void);
void clinux_lock_free(struct clinux_lock *lock);
void clinux_lock_take(struct clinux_lock *lock);
void clinux_lock_release(struct clinux_lock *lock);
void clinux_lock_wait(struct clinux_lock *lock);
// 0 when woken, 1 when the time was up.
int clinux_lock_wait_for(struct clinux_lock *lock, int64_t nanoseconds);
void clinux_lock_wake_all(struct clinux_lock *lock);

#pragma clang assume_nonnull end
#endif
