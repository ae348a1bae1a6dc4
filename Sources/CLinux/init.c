// SPDX-License-Identifier: Apache-2.0
#include "common.h"

#include <fcntl.h>
#include <linux/watchdog.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clinux_init.h"
#include "clinux_process.h"

int clinux_load_module_file(int fd, const char *parameters) {
  return (int)syscall(SYS_finit_module, fd, parameters, 0);
}
int clinux_load_module_image(const void *image, size_t size, const char *parameters) {
  return (int)syscall(SYS_init_module, image, size, parameters);
}

int clinux_change_directory(const char *path) { return chdir(path); }
int clinux_change_root(const char *path) { return chroot(path); }
int clinux_use_as_standard(int fd) {
  for (int standard = 0; standard <= 2; standard++) {
    if (dup2(fd, standard) < 0) return -1;
  }
  return 0;
}

int clinux_execute(const char *path, int first) {
  int count = clinux_argument_count();
  char **words = calloc((size_t)count + 2, sizeof *words);
  if (words == NULL) return -1;
  int used = 0;
  words[used++] = (char *)path;
  for (int i = first; i < count; i++) words[used++] = (char *)clinux_argument(i);
  execv(path, words);
  int failure = errno;
  free(words);
  errno = failure;
  return -1;
}

int clinux_run_on_console(const char *path, const char *console) {
  pid_t child = fork();
  if (child < 0) return -1;
  if (child == 0) {
    setsid();
    int terminal = open(console, O_RDWR);
    if (terminal >= 0) {
      ioctl(terminal, TIOCSCTTY, 1);
      clinux_use_as_standard(terminal);
    }
    char *const words[] = {(char *)path, NULL};
    execv(path, words);
    _exit(127);
  }
  while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {
  }
  return 0;
}

int clinux_set_watchdog_seconds(int fd, int seconds) {
  return ioctl(fd, WDIOC_SETTIMEOUT, &seconds) < 0 ? -1 : seconds;
}
int clinux_feed_watchdog(int fd) { return ioctl(fd, WDIOC_KEEPALIVE, 0); }

// A medium that hangs must not keep the machine from starting anew, so a child waits for it.
static void sync_for_seconds(int seconds) {
  pid_t child = fork();
  if (child == 0) {
    sync();
    _exit(0);
  }
  for (int i = 0; child > 0 && i < seconds * 100; i++) {
    if (waitpid(child, NULL, WNOHANG) == child) return;
    clinux_sleep(10000000);
  }
}

int clinux_restart(void) {
  sync_for_seconds(5);
  return reboot(RB_AUTOBOOT);
}
