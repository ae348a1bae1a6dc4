// SPDX-License-Identifier: Apache-2.0
#include "common.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "clinux_files.h"

_Static_assert(sizeof(off_t) == 8, "files over 2 GiB");
_Static_assert(AT_FDCWD == CLINUX_AT_FDCWD, "AT_FDCWD");
_Static_assert(AT_EMPTY_PATH == CLINUX_AT_EMPTY_PATH, "AT_EMPTY_PATH");
_Static_assert(AT_SYMLINK_NOFOLLOW == CLINUX_AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW");
_Static_assert(AT_SYMLINK_FOLLOW == CLINUX_AT_SYMLINK_FOLLOW, "AT_SYMLINK_FOLLOW");
_Static_assert(AT_REMOVEDIR == CLINUX_AT_REMOVEDIR, "AT_REMOVEDIR");
_Static_assert(POSIX_FADV_SEQUENTIAL == CLINUX_FADV_SEQUENTIAL, "POSIX_FADV_SEQUENTIAL");
_Static_assert(POSIX_FADV_DONTNEED == CLINUX_FADV_DONTNEED, "POSIX_FADV_DONTNEED");
_Static_assert(FS_IMMUTABLE_FL == CLINUX_FS_IMMUTABLE, "FS_IMMUTABLE_FL");
_Static_assert(FS_APPEND_FL == CLINUX_FS_APPEND, "FS_APPEND_FL");

// Debian 12's kernel headers have it (5.14); older ones of a board may not.
#ifndef EXT4_IOC_CHECKPOINT
#define EXT4_IOC_CHECKPOINT _IOW('f', 43, uint32_t)
#endif

const int CLINUX_O_RDONLY = O_RDONLY, CLINUX_O_WRONLY = O_WRONLY, CLINUX_O_RDWR = O_RDWR,
          CLINUX_O_CREAT = O_CREAT, CLINUX_O_EXCL = O_EXCL, CLINUX_O_TRUNC = O_TRUNC,
          CLINUX_O_APPEND = O_APPEND, CLINUX_O_DIRECTORY = O_DIRECTORY,
          CLINUX_O_NOFOLLOW = O_NOFOLLOW, CLINUX_O_PATH = O_PATH, CLINUX_O_TMPFILE = O_TMPFILE,
          CLINUX_O_CLOEXEC = O_CLOEXEC, CLINUX_O_NONBLOCK = O_NONBLOCK,
          CLINUX_O_NOATIME = O_NOATIME;

int clinux_openat(int dir, const char *path, int flags, uint32_t mode) {
  return openat(dir, path, flags | O_CLOEXEC, mode);
}

int clinux_openat2(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
  struct { uint64_t flags, mode, resolve; } how = {flags | O_CLOEXEC, mode, resolve};
  return (int)syscall(437 /* openat2: the same number on every architecture */, dir, path, &how,
                      sizeof how);
}

int clinux_close(int fd) { return close(fd); }
int clinux_dup(int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, 3); }
int clinux_pipe(int *fds) { return pipe2(fds, O_CLOEXEC); }

int64_t clinux_read(int fd, void *buffer, size_t count) { return read(fd, buffer, count); }
int64_t clinux_pread(int fd, void *buffer, size_t count, int64_t offset) {
  return pread(fd, buffer, count, offset);
}
int64_t clinux_write(int fd, const void *buffer, size_t count) { return write(fd, buffer, count); }
int64_t clinux_pwrite(int fd, const void *buffer, size_t count, int64_t offset) {
  return pwrite(fd, buffer, count, offset);
}
int64_t clinux_lseek(int fd, int64_t offset, int whence) { return lseek(fd, offset, whence); }
int64_t clinux_copy_file_range(int from, int to, size_t count) {
  return copy_file_range(from, NULL, to, NULL, count, 0);
}
int clinux_clone(int from, int to) { return ioctl(to, FICLONE, from); }

static void copy_stat(const struct stat *from, struct clinux_stat *out) {
  out->dev = from->st_dev;
  out->ino = from->st_ino;
  out->size = (uint64_t)from->st_size;
  out->blocks = (uint64_t)from->st_blocks;
  out->mtime_seconds = from->st_mtim.tv_sec;
  out->mtime_nanoseconds = (uint32_t)from->st_mtim.tv_nsec;
  out->mode = from->st_mode;
  out->uid = from->st_uid;
  out->gid = from->st_gid;
  out->nlink = from->st_nlink;
  out->dev_major = major(from->st_dev);
  out->dev_minor = minor(from->st_dev);
  out->node_major = major(from->st_rdev);
  out->node_minor = minor(from->st_rdev);
}

int clinux_fstat(int fd, struct clinux_stat *out) {
  struct stat found;
  if (fstat(fd, &found) != 0) return -1;
  copy_stat(&found, out);
  return 0;
}

int clinux_fstatat(int dir, const char *path, int flags, struct clinux_stat *out) {
  struct stat found;
  if (fstatat(dir, path, &found, flags) != 0) return -1;
  copy_stat(&found, out);
  return 0;
}

int clinux_fstatfs(int fd, struct clinux_statfs *out) {
  struct statfs found;
  if (fstatfs(fd, &found) != 0) return -1;
  out->type = (uint32_t)found.f_type;
  out->block_size = (uint64_t)(found.f_frsize > 0 ? found.f_frsize : found.f_bsize);
  out->blocks = found.f_blocks;
  out->blocks_free = found.f_bfree;
  out->blocks_available = found.f_bavail;
  out->files_free = found.f_ffree;
  out->read_only = (found.f_flags & 1 /* ST_RDONLY */) != 0;
  return 0;
}

int clinux_fsync(int fd) { return fsync(fd); }
int clinux_fdatasync(int fd) { return fdatasync(fd); }
int clinux_syncfs(int fd) { return syncfs(fd); }
int clinux_sync_range(int fd, int64_t offset, int64_t count) {
  return sync_file_range(fd, offset, count, SYNC_FILE_RANGE_WRITE);
}
int clinux_ftruncate(int fd, int64_t size) { return ftruncate(fd, size); }
int clinux_fallocate(int fd, int mode, int64_t offset, int64_t size) {
  return fallocate(fd, mode, offset, size);
}
int clinux_fadvise(int fd, int64_t offset, int64_t size, int advice) {
  int failure = posix_fadvise(fd, offset, size, advice);
  if (failure != 0) {
    errno = failure;
    return -1;
  }
  return 0;
}

int clinux_fchmod(int fd, uint32_t mode) { return fchmod(fd, mode); }
int clinux_fchmodat(int dir, const char *path, uint32_t mode) {
  return fchmodat(dir, path, mode, 0);
}
int clinux_fchown(int fd, uint32_t uid, uint32_t gid) { return fchown(fd, uid, gid); }
int clinux_fchownat(int dir, const char *path, uint32_t uid, uint32_t gid, int flags) {
  return fchownat(dir, path, uid, gid, flags);
}
int clinux_futimens(int fd, int64_t seconds, uint32_t nanoseconds) {
  struct timespec times[2] = {{seconds, nanoseconds}, {seconds, nanoseconds}};
  return futimens(fd, times);
}
int clinux_utimensat(int dir, const char *path, int64_t seconds, uint32_t nanoseconds, int flags) {
  struct timespec times[2] = {{seconds, nanoseconds}, {seconds, nanoseconds}};
  return utimensat(dir, path, times, flags);
}
int clinux_utimens_now(int fd) { return futimens(fd, NULL); }

int clinux_linkat(int from_dir, const char *from, int to_dir, const char *to, int flags) {
  return linkat(from_dir, from, to_dir, to, flags);
}
int clinux_symlinkat(const char *target, int dir, const char *path) {
  return symlinkat(target, dir, path);
}
int64_t clinux_readlinkat(int dir, const char *path, char *buffer, size_t count) {
  return readlinkat(dir, path, buffer, count);
}
int clinux_renameat2(int from_dir, const char *from, int to_dir, const char *to, uint32_t flags) {
  return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}
int clinux_unlinkat(int dir, const char *path, int flags) { return unlinkat(dir, path, flags); }
int clinux_mkdirat(int dir, const char *path, uint32_t mode) { return mkdirat(dir, path, mode); }
int clinux_mknodat(int dir, const char *path, uint32_t mode, uint64_t device) {
  return mknodat(dir, path, mode, device);
}
int clinux_faccessat(int dir, const char *path, int mode) {
  return faccessat(dir, path, mode, AT_EACCESS);
}

int64_t clinux_fgetxattr(int fd, const char *name, void *buffer, size_t count) {
  return fgetxattr(fd, name, buffer, count);
}
int64_t clinux_lgetxattr(const char *path, const char *name, void *buffer, size_t count) {
  return lgetxattr(path, name, buffer, count);
}
int64_t clinux_flistxattr(int fd, char *buffer, size_t count) {
  return flistxattr(fd, buffer, count);
}
int64_t clinux_llistxattr(const char *path, char *buffer, size_t count) {
  return llistxattr(path, buffer, count);
}
int clinux_fsetxattr(int fd, const char *name, const void *value, size_t count) {
  return fsetxattr(fd, name, value, count, 0);
}
int clinux_lsetxattr(const char *path, const char *name, const void *value, size_t count) {
  return lsetxattr(path, name, value, count, 0);
}
int clinux_fremovexattr(int fd, const char *name) { return fremovexattr(fd, name); }

void *clinux_fdopendir(int fd) { return fdopendir(fd); }
int clinux_readdir(void *stream, const char **name, uint8_t *type) {
  errno = 0;
  struct dirent *entry = readdir(stream);
  if (entry == NULL) return errno == 0 ? 0 : -1;
  *name = entry->d_name;
  *type = entry->d_type;
  return 1;
}
void clinux_closedir(void *stream) { closedir(stream); }

int clinux_get_inode_flags(int fd, uint32_t *flags) {
  int found = 0;
  if (ioctl(fd, FS_IOC_GETFLAGS, &found) != 0) return -1;
  *flags = (uint32_t)found;
  return 0;
}
int clinux_set_inode_flags(int fd, uint32_t flags) {
  int wanted = (int)flags;
  return ioctl(fd, FS_IOC_SETFLAGS, &wanted);
}
int clinux_freeze(int fd) { return ioctl(fd, FIFREEZE, 0); }
int clinux_thaw(int fd) { return ioctl(fd, FITHAW, 0); }
int clinux_checkpoint(int fd) {
  uint32_t flags = 0;
  return ioctl(fd, EXT4_IOC_CHECKPOINT, &flags);
}

int clinux_ofd_lock(int fd, int kind) {
  struct flock lock = {
      .l_type = kind == 0 ? F_RDLCK : kind == 1 ? F_WRLCK : F_UNLCK,
      .l_whence = SEEK_SET,
  };
  return fcntl(fd, F_OFD_SETLK, &lock);
}
int clinux_flock(int fd, int kind) {
  return flock(fd, (kind == 0 ? LOCK_SH : kind == 1 ? LOCK_EX : LOCK_UN) | LOCK_NB);
}
