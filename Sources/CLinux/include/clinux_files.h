// SPDX-License-Identifier: Apache-2.0
#ifndef CLINUX_FILES_H
#define CLINUX_FILES_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

struct clinux_stat {
  uint64_t dev, ino, size, blocks;
  int64_t mtime_seconds;
  uint32_t mtime_nanoseconds;
  uint32_t mode, uid, gid;
  uint64_t nlink;
  uint32_t dev_major, dev_minor, node_major, node_minor;
};

struct clinux_statfs {
  uint64_t type, block_size, blocks, blocks_free, blocks_available, files_free;
  uint64_t read_only;
};

int clinux_openat(int dir, const char *path, int flags, uint32_t mode);
int clinux_openat2(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);
int clinux_close(int fd);
int clinux_dup(int fd);
int clinux_pipe(int *fds);

int64_t clinux_read(int fd, void *buffer, size_t count);
int64_t clinux_pread(int fd, void *buffer, size_t count, int64_t offset);
int64_t clinux_write(int fd, const void *buffer, size_t count);
int64_t clinux_pwrite(int fd, const void *buffer, size_t count, int64_t offset);
int64_t clinux_lseek(int fd, int64_t offset, int whence);
int64_t clinux_copy_file_range(int from, int to, size_t count);
int clinux_clone(int from, int to);

int clinux_fstat(int fd, struct clinux_stat *out);
int clinux_fstatat(int dir, const char *path, int flags, struct clinux_stat *out);
int clinux_fstatfs(int fd, struct clinux_statfs *out);

int clinux_fsync(int fd);
int clinux_fdatasync(int fd);
int clinux_syncfs(int fd);
int clinux_sync_range(int fd, int64_t offset, int64_t count);
int clinux_ftruncate(int fd, int64_t size);
int clinux_fallocate(int fd, int mode, int64_t offset, int64_t size);
int clinux_fadvise(int fd, int64_t offset, int64_t size, int advice);

int clinux_fchmod(int fd, uint32_t mode);
int clinux_fchmodat(int dir, const char *path, uint32_t mode);
int clinux_fchown(int fd, uint32_t uid, uint32_t gid);
int clinux_fchownat(int dir, const char *path, uint32_t uid, uint32_t gid, int flags);
int clinux_futimens(int fd, int64_t seconds, uint32_t nanoseconds);
int clinux_utimensat(int dir, const char *path, int64_t seconds, uint32_t nanoseconds, int flags);
int clinux_utimens_now(int fd);

int clinux_linkat(int from_dir, const char *from, int to_dir, const char *to, int flags);
int clinux_symlinkat(const char *target, int dir, const char *path);
int64_t clinux_readlinkat(int dir, const char *path, char *buffer, size_t count);
int clinux_renameat2(int from_dir, const char *from, int to_dir, const char *to, uint32_t flags);
int clinux_unlinkat(int dir, const char *path, int flags);
int clinux_mkdirat(int dir, const char *path, uint32_t mode);
int clinux_mknodat(int dir, const char *path, uint32_t mode, uint64_t device);
int clinux_faccessat(int dir, const char *path, int mode);

int64_t clinux_fgetxattr(int fd, const char *name, void *_Nullable buffer, size_t count);
int64_t clinux_lgetxattr(const char *path, const char *name, void *_Nullable buffer, size_t count);
int64_t clinux_flistxattr(int fd, char *_Nullable buffer, size_t count);
int64_t clinux_llistxattr(const char *path, char *_Nullable buffer, size_t count);
int clinux_fsetxattr(int fd, const char *name, const void *value, size_t count);
int clinux_lsetxattr(const char *path, const char *name, const void *value, size_t count);
int clinux_fremovexattr(int fd, const char *name);

// A directory stream owns its descriptor. clinux_readdir gives 1 with a name, 0 at the end.
void *_Nullable clinux_fdopendir(int fd);
int clinux_readdir(void *stream, const char *_Nullable *_Nonnull name, uint8_t *type);
void clinux_closedir(void *stream);

int clinux_get_inode_flags(int fd, uint32_t *flags);
int clinux_set_inode_flags(int fd, uint32_t flags);
int clinux_freeze(int fd);
int clinux_thaw(int fd);
int clinux_checkpoint(int fd);

// Open-file-description locks on the whole file; kind 0 shared, 1 exclusive, 2 none. Never waits.
int clinux_ofd_lock(int fd, int kind);
int clinux_flock(int fd, int kind);

enum {
  CLINUX_AT_FDCWD = -100,
  CLINUX_AT_SYMLINK_NOFOLLOW = 0x100,
  CLINUX_AT_REMOVEDIR = 0x200,
  CLINUX_AT_EMPTY_PATH = 0x1000,
  CLINUX_AT_SYMLINK_FOLLOW = 0x400,
  CLINUX_RENAME_NOREPLACE = 1,
  CLINUX_RENAME_EXCHANGE = 2,
  CLINUX_RESOLVE_NO_XDEV = 1,
  CLINUX_RESOLVE_NO_SYMLINKS = 4,
  CLINUX_RESOLVE_BENEATH = 8,
  CLINUX_RESOLVE_IN_ROOT = 16,
  CLINUX_FADV_SEQUENTIAL = 2,
  CLINUX_FADV_DONTNEED = 4,
  CLINUX_FALLOC_KEEP_SIZE = 1,
  CLINUX_FS_IMMUTABLE = 0x10,
  CLINUX_FS_APPEND = 0x20,
};

// These differ between architectures, so they are read at run time.
extern const int CLINUX_O_RDONLY, CLINUX_O_WRONLY, CLINUX_O_RDWR, CLINUX_O_CREAT, CLINUX_O_EXCL,
    CLINUX_O_TRUNC, CLINUX_O_APPEND, CLINUX_O_DIRECTORY, CLINUX_O_NOFOLLOW, CLINUX_O_PATH,
    CLINUX_O_TMPFILE, CLINUX_O_CLOEXEC, CLINUX_O_NONBLOCK, CLINUX_O_NOATIME;

#pragma clang assume_nonnull end
#endif
