# SPDX-License-Identifier: Apache-2.0
"""What the machines start from: a sysroot that the real `ostree` fills, an initramfs, and disks.
Nothing here needs to mount anything."""
import contextlib
import glob
import hashlib
import os

from host import ROOT, call, fresh_folder, read, write

# What the tests name the root by.
ROOT_UUID = "6a6a6a6a-0000-4000-8000-000000000001"
ROOT_PARTITION = "6a6a6a6a-0000-4000-8000-0000000000aa"
SECTOR = 512
# Where partitions begin.
ALIGNMENT = 1 << 20


def pack(output, coppice, modules, names):
    """An initramfs, and its marker beside it."""
    wanted = [word for name in names for word in ["--module", name]]
    call(ROOT + "/initramfs/pack", "--coppice", coppice, "--modules", modules, *wanted,
         "-o", output, "--marker", output + ".marker")


def pad(initramfs):
    """Makes another initramfs of it that says the same: kernels skip zeros behind the archive."""
    with open(initramfs, "ab") as file:
        file.write(bytes(SECTOR))
    mark(initramfs)


def mark(initramfs):
    """Writes the marker beside it, which says that it finalizes."""
    with open(initramfs, "rb") as file:
        write(initramfs + ".marker", hashlib.sha256(file.read()).hexdigest() + "\n")


class Sysroot:
    """A sysroot that the real `ostree` makes and fills."""

    def __init__(self, path, loader="none", read_only=False):
        self.path = fresh_folder(path)
        call("ostree", "admin", "init-fs", path)
        self.configure("sysroot.bootloader", loader)
        self.configure("core.fsync", "false")
        if read_only:
            self.configure("sysroot.readonly", "true")
        if loader == "uboot":  # libostree edits the file, and makes none
            write(path + "/boot/loader.0/uEnv.txt", "")
            os.symlink("loader.0", path + "/boot/loader")
        call("ostree", "admin", "os-init", f"--sysroot={path}", "e2e")

    def configure(self, key, value):
        call("ostree", f"--repo={self.path}/ostree/repo", "config", "set", key, value)

    def add_remote(self, name, url):
        call("ostree", f"--repo={self.path}/ostree/repo", "remote", "add", "--no-gpg-verify",
             name, url)

    def deploy(self, repo, ref, kernel_arguments):
        """The newest commit of a remote's ref that lies in another repo on this machine."""
        remote, _, name = ref.partition(":")
        call("ostree", f"--repo={self.path}/ostree/repo", "pull-local", f"--remote={remote}",
             repo, name)
        call("ostree", "admin", "deploy", f"--sysroot={self.path}", "--os=e2e",
             *[f"--karg={argument}" for argument in kernel_arguments], ref)

    def entry(self):
        """What the first boot entry says."""
        return parse_entry(read(glob.glob(self.path + "/boot/loader/entries/*.conf")[0]))


def parse_entry(text):
    return dict(line.split(" ", 1) for line in text.splitlines() if " " in line)


class Partition:
    """A file that becomes a partition. `settings` are those of sfdisk(8)."""

    def __init__(self, path, mebibytes, settings):
        self.path = path
        self.mebibytes = mebibytes
        self.settings = settings
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)
        with open(path, "wb") as file:
            file.truncate(mebibytes << 20)

    def format_ext4(self, label, folder, uuid=ROOT_UUID, options=()):
        """`options`: more of mke2fs(8)."""
        # Boot loaders of these years do not read what two of the newer features leave.
        call("mke2fs", "-q", "-t", "ext4", "-L", label, "-U", uuid, "-d", folder,
             "-O", "^metadata_csum_seed,^orphan_file", *options, "-F", self.path)
        return self

    def format_fat(self, label, files):
        """`files`: {"EFI/BOOT/BOOTX64.EFI": "/path/of/its/content"}."""
        call("mkfs.vfat", "-n", label, self.path)
        folders = set()
        for name, source in files.items():
            parts = name.split("/")
            for end in range(1, len(parts)):
                folder = "/".join(parts[:end])
                if folder not in folders:
                    call("mmd", "-i", self.path, "::/" + folder)
                    folders.add(folder)
            call("mcopy", "-i", self.path, source, "::/" + name)
        return self


class Disk:
    """A disk with partitions, one after the other."""

    def __init__(self, path, label, partitions):
        self.path = path
        self.starts = []
        script, start = f"label: {label}\n", ALIGNMENT
        for partition in partitions:
            self.starts.append(start)
            size = partition.mebibytes << 20
            script += f"start={start // SECTOR}, size={size // SECTOR}, {partition.settings}\n"
            start += size
        self.end = start
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)
        with open(path, "wb") as file:
            file.truncate(start + ALIGNMENT)
        call("sfdisk", "-q", path, input=script)
        for partition, start in zip(partitions, self.starts):
            call("dd", f"if={partition.path}", f"of={path}", "bs=1M", f"seek={start >> 20}",
                 "conv=notrunc,sparse")
            os.remove(partition.path)

    def debugfs(self, number, command):
        """What debugfs(8) says of partition `number`, as it lies there: no journal is replayed."""
        return call("debugfs", "-R", command, f"{self.path}?offset={self.starts[number - 1]}")

    def newest_arguments(self, number):
        """The kernel arguments that a boot loader would take, of the boot entries on partition
        `number`."""
        entries = self.debugfs(number, "ls -p /boot/loader/entries").split("/")
        name = max(word for word in entries if word.endswith(".conf"))
        return parse_entry(self.read(number, f"/boot/loader/entries/{name}"))["options"]

    def read(self, number, path):
        return self.debugfs(number, f"cat {path}")

    def extract(self, number, path, output):
        self.debugfs(number, f"dump {path} {output}")
        return output

    def copy_partition(self, number, output):
        """An ext4 as the next mount has it: with its journal replayed. It must be sound then."""
        start, end = self.starts[number - 1], [*self.starts[1:], self.end][number - 1]
        call("dd", f"if={self.path}", f"of={output}", "bs=1M", f"skip={start >> 20}",
             f"count={(end - start) >> 20}", "conv=sparse")
        call("e2fsck", "-E", "journal_only", "-p", output)
        call("e2fsck", "-f", "-n", output)
        return output
