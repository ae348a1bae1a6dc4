// SPDX-License-Identifier: Apache-2.0
#include "common.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clinux_process.h"
#include "clinux_programs.h"

// What the child needs, made before there is one: behind fork only calls that are safe in signal
// handlers are safe at all.
struct program {
  const char *path;
  const char *directory;
  // `sh`, the path, the arguments: with the first for /bin/sh, without it for the program itself.
  char **words;
  char **environment;
};

// Adds pointers to the strings behind those that are there.
static void add_strings(char **list, size_t next, struct clinux_strings strings) {
  const char *string = strings.bytes;
  for (size_t i = 0; i < strings.count; i++) {
    list[next + i] = (char *)string;
    string += strlen(string) + 1;
  }
}

static int is_set_anew(const char *variable, struct clinux_strings variables) {
  size_t name = strcspn(variable, "=") + 1;
  const char *string = variables.bytes;
  for (size_t i = 0; i < variables.count; i++) {
    if (strncmp(variable, string, name) == 0) return 1;
    string += strlen(string) + 1;
  }
  return 0;
}

static char **merged_environment(struct clinux_strings variables) {
  size_t count = 0;
  while (environ[count] != NULL) count++;
  char **merged = calloc(count + variables.count + 1, sizeof *merged);
  if (merged == NULL) return NULL;
  size_t next = 0;
  for (size_t i = 0; i < count; i++) {
    if (!is_set_anew(environ[i], variables)) merged[next++] = environ[i];
  }
  add_strings(merged, next, variables);
  return merged;
}

// What the child does. Ends with errno in the pipe if there is nothing to execute.
static _Noreturn void execute(const struct program *program, int failure) {
  setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  signal(SIGPIPE, SIG_DFL);
  int empty = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (empty < 0 || dup2(empty, 0) < 0 || dup2(2, 1) < 0) _exit(127);
  if (program->directory == NULL || chdir(program->directory) == 0) {
    execve(program->path, program->words + 1, program->environment);
    // A script without a first line that names its shell.
    if (errno == ENOEXEC) execve("/bin/sh", program->words, program->environment);
  }
  int reason = errno;
  if (write(failure, &reason, sizeof reason) < 0) _exit(126);
  _exit(127);
}

// Gives the number of the child once it runs the program, or -1.
static pid_t start(const struct program *program) {
  int failure[2];
  if (pipe2(failure, O_CLOEXEC) < 0) return -1;
  pid_t child = fork();
  if (child == 0) execute(program, failure[1]);
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
  if (count != sizeof reason) return child;
  clinux_end_program(child);
  errno = reason;
  return -1;
}

int clinux_program_result(int child) {
  int status = 0;
  if (waitpid(child, &status, WNOHANG) != child) return CLINUX_STILL_RUNNING;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

void clinux_end_program(int child) {
  kill(-child, SIGKILL);
  while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {
  }
}

int clinux_start_program(const char *path, struct clinux_strings arguments,
                         struct clinux_strings variables, const char *directory) {
  struct program program = {.path = path, .directory = directory};
  program.words = calloc(arguments.count + 3, sizeof *program.words);
  program.environment = merged_environment(variables);
  int child = -1, reason = ENOMEM;
  if (program.words != NULL && program.environment != NULL) {
    program.words[0] = (char *)"sh";
    program.words[1] = (char *)path;
    add_strings(program.words, 2, arguments);
    child = start(&program);
    reason = errno;
  }
  free(program.words);
  free(program.environment);
  errno = reason;
  return child;
}

int clinux_run_program(const char *path, struct clinux_strings arguments,
                       struct clinux_strings variables, const char *directory, int64_t limit) {
  int child = clinux_start_program(path, arguments, variables, directory);
  if (child < 0) return -1;
  int64_t end = clinux_monotonic() + limit;
  while (clinux_monotonic() < end) {
    int result = clinux_program_result(child);
    if (result != CLINUX_STILL_RUNNING) return result;
    clinux_sleep(10000000);
  }
  clinux_end_program(child);
  return CLINUX_TIMED_OUT;
}
