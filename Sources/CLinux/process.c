// SPDX-License-Identifier: Apache-2.0
#include "common.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clinux_process.h"

int clinux_errno(void) { return errno; }
const char *clinux_strerror(int number) {
  const char *text = strerrordesc_np(number);
  return text != NULL ? text : "unknown error";
}
const char *clinux_errno_name(int number) { return strerrorname_np(number); }

// glibc hands these to constructors in static programs as well, before main and without /proc.
static int argument_count;
static char **arguments;
__attribute__((constructor)) static void keep_arguments(int count, char **values) {
  argument_count = count;
  arguments = values;
}
int clinux_argument_count(void) { return argument_count; }
const char *clinux_argument(int index) { return arguments[index]; }
const char *clinux_environment(const char *name) { return getenv(name); }
void clinux_exit(int code) { exit(code); }
void clinux_abort(void) { abort(); }
uint32_t clinux_effective_user(void) { return geteuid(); }
int clinux_end_with_parent(void) {
  pid_t parent = getppid();
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return -1;
  if (getppid() == parent) return 0;
  errno = ESRCH;
  return -1;
}
int clinux_process_id(void) { return getpid(); }
uint32_t clinux_umask(uint32_t mask) { return umask(mask); }
int clinux_is_terminal(int fd) { return isatty(fd); }
int clinux_terminal_columns(int fd) {
  struct winsize size;
  return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

// Whoever starts us with a standard descriptor closed must not find messages in the file that was
// opened next and got its number. O_PATH: reading and writing still fail, as they would have.
__attribute__((constructor)) static void fill_standard_descriptors(void) {
  for (int fd = 0; fd <= 2; fd++) {
    if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    if (open("/dev/null", O_PATH) < 0) open("/", O_PATH);
  }
}

static struct utsname names;
__attribute__((constructor)) static void keep_names(void) { uname(&names); }
const char *clinux_machine(void) { return names.machine; }
const char *clinux_kernel_release(void) { return names.release; }

static int64_t nanoseconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}
int64_t clinux_monotonic(void) { return nanoseconds(CLOCK_MONOTONIC); }
int64_t clinux_realtime(void) { return nanoseconds(CLOCK_REALTIME); }
int clinux_clock_is_synchronised(void) {
  struct timex state = {.modes = 0};
  int result = adjtimex(&state);
  return result >= 0 && result != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
}
void clinux_sleep(int64_t wanted) {
  struct timespec time = {wanted / 1000000000, wanted % 1000000000};
  nanosleep(&time, NULL);
}
int clinux_time_bytes(void) { return sizeof(time_t); }
int clinux_offset_bytes(void) { return sizeof(off_t); }
void clinux_usage(int64_t *user, int64_t *system, uint64_t *peak_bytes) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  *user = usage.ru_utime.tv_sec * INT64_C(1000000000) + usage.ru_utime.tv_usec * 1000;
  *system = usage.ru_stime.tv_sec * INT64_C(1000000000) + usage.ru_stime.tv_usec * 1000;
  *peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
}

int clinux_random(void *buffer, size_t count) {
  return getrandom(buffer, count, 0) == (ssize_t)count ? 0 : -1;
}

void clinux_ignore_sigpipe(void) { signal(SIGPIPE, SIG_IGN); }

static volatile sig_atomic_t interrupted;
static void on_interrupt(int number) { interrupted = number; }
void clinux_catch_interrupts(void) {
  struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESETHAND};
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGHUP, &action, NULL);
}
int clinux_interrupted(void) { return interrupted; }

int clinux_unshare_mounts(void) { return unshare(CLONE_NEWNS); }
int clinux_mount(const char *source, const char *target, const char *type, uint64_t flags,
                 const char *data) {
  return mount(source, target, type, (unsigned long)flags, data);
}
int clinux_umount(const char *target, int flags) { return umount2(target, flags); }

int clinux_thaw_guard_start(int fd, int seconds, int *child) {
  int ends[2];
  if (pipe(ends) != 0) return -1;
  pid_t guard = fork();
  if (guard < 0) {
    int failure = errno;
    close(ends[0]);
    close(ends[1]);
    errno = failure;
    return -1;
  }
  if (guard == 0) {
    // In the child: only async-signal-safe calls. Its own session, so that a signal to the
    // terminal's group does not reach it; a byte or the limit, whichever is first, and then thaw.
    setsid();
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    close(ends[1]);
    struct pollfd wait = {.fd = ends[0], .events = POLLIN};
    char byte = 0;
    int ready = poll(&wait, 1, seconds * 1000);
    if (ready == 1 && read(ends[0], &byte, 1) == 1) _exit(0);
    ioctl(fd, FITHAW, 0);
    _exit(1);
  }
  close(ends[0]);
  *child = guard;
  return ends[1];
}
void clinux_thaw_guard_end(int pipe, int child) {
  char byte = 1;
  ssize_t ignored = write(pipe, &byte, 1);
  (void)ignored;
  close(pipe);
  while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {
  }
}

int clinux_sync_all(void) {
  sync();
  return 0;
}

int clinux_reboot_by_systemd(void) {
  // The init system's own way down, so that file systems are unmounted in order.
  static char *const names[][3] = {{"systemctl", "reboot", NULL}, {"reboot", NULL, NULL}};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    pid_t child = fork();
    if (child < 0) return -1;
    if (child == 0) {
      execvp(names[i][0], names[i]);
      _exit(127);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
  }
  errno = ENOENT;
  return -1;
}
