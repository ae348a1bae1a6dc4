// SPDX-License-Identifier: Apache-2.0
//
// kexec_load KERNEL INITRAMFS ARGUMENTS
// kexec_start
//
// Starts another kernel from this one, which plays the part of a boot loader.
#include <fcntl.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int failed(const char *what) {
  perror(what);
  return 1;
}

int main(int count, char **words) {
  if (count == 1) {
    syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, NULL);
    return failed("reboot");
  }
  if (count != 4) return 2;
  int kernel = open(words[1], O_RDONLY), initramfs = open(words[2], O_RDONLY);
  if (kernel < 0) return failed(words[1]);
  if (initramfs < 0) return failed(words[2]);
  if (syscall(SYS_kexec_file_load, kernel, initramfs, strlen(words[3]) + 1, words[3], 0L))
    return failed("kexec_file_load");
  return 0;
}
