// SPDX-License-Identifier: Apache-2.0
#include "common.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include "clinux_threads.h"

_Static_assert(sizeof(time_t) == 8, "times after 2038");

struct start {
  clinux_thread_body body;
  void *context;
};

static void *run(void *argument) {
  struct start start = *(struct start *)argument;
  free(argument);
  start.body(start.context);
  return NULL;
}

void *clinux_thread_start(clinux_thread_body body, void *context, size_t stack_bytes) {
  struct start *start = malloc(sizeof *start);
  if (start == NULL) return NULL;
  *start = (struct start){body, context};
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack_bytes);
  pthread_t thread;
  int failure = pthread_create(&thread, &attributes, run, start);
  pthread_attr_destroy(&attributes);
  if (failure != 0) {
    free(start);
    errno = failure;
    return NULL;
  }
  return (void *)thread;
}
void clinux_thread_join(void *thread) { pthread_join((pthread_t)thread, NULL); }
void clinux_thread_detach(void *thread) { pthread_detach((pthread_t)thread); }

int clinux_cores(void) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return CPU_COUNT(&allowed);
  return (int)sysconf(_SC_NPROCESSORS_ONLN);
}

struct clinux_lock {
  pthread_mutex_t mutex;
  pthread_cond_t condition;
};

struct clinux_lock *clinux_lock_make(void) {
  struct clinux_lock *lock = malloc(sizeof *lock);
  if (lock == NULL) abort();
  pthread_mutex_init(&lock->mutex, NULL);
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&lock->condition, &attributes);
  pthread_condattr_destroy(&attributes);
  return lock;
}
void clinux_lock_free(struct clinux_lock *lock) {
  pthread_cond_destroy(&lock->condition);
  pthread_mutex_destroy(&lock->mutex);
  free(lock);
}
void clinux_lock_take(struct clinux_lock *lock) { pthread_mutex_lock(&lock->mutex); }
void clinux_lock_release(struct clinux_lock *lock) { pthread_mutex_unlock(&lock->mutex); }
void clinux_lock_wait(struct clinux_lock *lock) {
  pthread_cond_wait(&lock->condition, &lock->mutex);
}
int clinux_lock_wait_for(struct clinux_lock *lock, int64_t nanoseconds) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  int64_t total = until.tv_nsec + nanoseconds;
  until.tv_sec += total / 1000000000;
  until.tv_nsec = total % 1000000000;
  return pthread_cond_timedwait(&lock->condition, &lock->mutex, &until) == 0 ? 0 : 1;
}
void clinux_lock_wake_all(struct clinux_lock *lock) { pthread_cond_broadcast(&lock->condition); }
