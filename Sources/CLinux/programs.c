// SPDX-License-Identifier: Apache-2.0
#include "common.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clinux_process.h"
#include "clinux_programs.h"

// What the child does. Ends with errno in the pipe if there is nothing to execute.
static _Noreturn void execute(const char *path, int failure) {
  setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  signal(SIGPIPE, SIG_DFL);
  int empty = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (empty < 0 || dup2(empty, 0) < 0 || dup2(2, 1) < 0) _exit(127);
  execv(path, (char *const[]){(char *)path, NULL});
  // A script without a first line that names its shell.
  if (errno == ENOEXEC) {
    execv("/bin/sh", (char *const[]){(char *)"sh", (char *)path, NULL});
  }
  int reason = errno;
  if (write(failure, &reason, sizeof reason) < 0) _exit(126);
  _exit(127);
}

int clinux_run_program(const char *path, int64_t limit) {
  int failure[2];
  if (pipe2(failure, O_CLOEXEC) < 0) return -1;
  pid_t child = fork();
  if (child == 0) execute(path, failure[1]);
  int reason = errno;
  close(failure[1]);
  if (child < 0) {
    close(failure[0]);
    errno = reason;
    return -1;
  }
  // Both set it: whichever comes first, the group exists before it could be killed.
  setpgid(child, child);
  reason = 0;
  ssize_t count = read(failure[0], &reason, sizeof reason);
  close(failure[0]);

  int status = 0, result = CLINUX_TIMED_OUT;
  int64_t end = clinux_monotonic() + limit;
  while (clinux_monotonic() < end) {
    pid_t found = waitpid(child, &status, WNOHANG);
    if (found == child) {
      result = WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
      break;
    }
    clinux_sleep(10000000);
  }
  if (result == CLINUX_TIMED_OUT) {
    kill(-child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
  }
  if (count != sizeof reason) return result;
  errno = reason;
  return -1;
}
