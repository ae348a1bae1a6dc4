// SPDX-License-Identifier: Apache-2.0
//
// without WHAT PROGRAM ARGUMENT...
//
// Runs a program for which some system calls are answered without being made:
//   checkpoint   EXT4_IOC_CHECKPOINT is not there, as before Linux 5.14
//   sync         nothing is made durable, though every call says that it was: what a program does
//                that forgot them all
#include <errno.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHECKPOINT _IOW('f', 43, unsigned)
#define ANSWER(error) (SECCOMP_RET_ERRNO | (error))
#define LOAD(field) \
  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF_IS(value, answer) \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, 1), BPF_STMT(BPF_RET | BPF_K, (answer))
#define UNLESS_IOCTL_ALLOW                                      \
  LOAD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 1, 0), \
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW), LOAD(args[1])
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static struct sock_filter checkpoint[] = {
    UNLESS_IOCTL_ALLOW, IF_IS(CHECKPOINT, ANSWER(ENOTTY)), ALLOW};

static struct sock_filter all_syncs[] = {
    LOAD(nr), IF_IS(SYS_fsync, ANSWER(0)), IF_IS(SYS_fdatasync, ANSWER(0)),
    IF_IS(SYS_syncfs, ANSWER(0)), IF_IS(SYS_sync, ANSWER(0)),
    IF_IS(SYS_sync_file_range, ANSWER(0)), IF_IS(SYS_msync, ANSWER(0)),
    UNLESS_IOCTL_ALLOW, IF_IS(CHECKPOINT, ANSWER(0)), IF_IS(FIFREEZE, ANSWER(0)),
    IF_IS(FITHAW, ANSWER(0)), ALLOW};

#define PROGRAM(filter) {sizeof filter / sizeof *filter, filter}

int main(int count, char **words) {
  struct {
    const char *name;
    struct sock_fprog program;
  } known[] = {{"checkpoint", PROGRAM(checkpoint)}, {"sync", PROGRAM(all_syncs)}};
  for (size_t index = 0; count > 2 && index < sizeof known / sizeof *known; index++) {
    if (strcmp(words[1], known[index].name)) continue;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &known[index].program) == 0)
      execvp(words[2], words + 2);
    perror(words[2]);
    return 126;
  }
  fputs("usage: without checkpoint|sync PROGRAM ARGUMENT...\n", stderr);
  return 2;
}
