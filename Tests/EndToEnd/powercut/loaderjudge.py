# SPDX-License-Identifier: Apache-2.0
"""Judges what a boot loader finds: whether all that it may start is complete."""
import hashlib
import os
import subprocess
import zlib
from dataclasses import dataclass

from .ext4 import Unreadable
from .grub import Grub

KERNEL, INITRAMFS = "vmlinuz", "initramfs.img"


@dataclass(frozen=True)
class Choice:
    """One position of the boot order."""
    # The versions whose kernel and initramfs these are.
    versions: frozenset
    # What `ostree=` names.
    link: str


@dataclass(frozen=True)
class LoaderView:
    choices: tuple
    position: int
    is_counting: bool
    # Of the metadata that led to all of this.
    digest: bytes


class LoaderJudge:
    def __init__(self, layout, versions, truth):
        self.layout = layout
        self.kernels = {}
        for version in versions:
            files = {os.path.basename(path): content
                     for path, (_, content) in truth.trees[version.commit].items()
                     if path.startswith("usr/lib/modules/")}
            self.kernels[version.name] = (files[KERNEL], files[INITRAMFS])
        self.seconded = {}

    def view(self, file_system):
        """What GRUB finds on this file system. Throws `Unreadable` if that does not boot."""
        grub = Grub(file_system, self.layout.boot_path)
        compared = {}
        choices = tuple(Choice(self._versions(grub, entry, compared), entry.deployment)
                        for entry in grub.entries)
        digest = hashlib.blake2b(digest_size=16)
        for begin, end in sorted(file_system.touched):
            digest.update((begin - file_system.start).to_bytes(8, "little"))
            digest.update(file_system.medium[begin:end])
        return LoaderView(choices, grub.position, grub.is_counting, digest.digest())

    def _versions(self, grub, entry, compared):
        """`compared`: what was found about inodes and contents."""
        inodes = [grub.file(path) for path in (entry.kernel, entry.initramfs)]

        def is_same(inode, content):
            key = (inode.number, id(content))
            if key not in compared:
                compared[key] = grub.file_system.is_same(inode, content)
            return compared[key]

        found = frozenset(name for name, contents in self.kernels.items()
                          if all(map(is_same, inodes, contents)))
        if not found:
            raise Unreadable(f"kernel or initramfs of '{entry.title}' is not whole")
        return found

    # MARK: Other readers

    def has_seconded(self, view):
        return view.digest in self.seconded

    def second(self, view, file_system, partition):
        """GRUB's own code and debugfs read the same, where ours has found it whole. What they have
        said of the same metadata holds; gives what is wrong. `partition`: the file system's."""
        if view.digest not in self.seconded:
            contents = dict(self._contents(file_system))
            self.seconded[view.digest] = next(
                (f"{reader.__name__} reads '{name}' differently" for reader in READERS
                 for name, content in contents.items() if not reader(partition, name, content)),
                None)
        return self.seconded[view.digest]

    def _contents(self, file_system):
        """All files that GRUB reads."""
        boot = self.layout.boot_path
        grub = Grub(file_system, boot)
        texts = [f"{boot}/grub/grubenv"]
        if grub.has_generated:
            texts.append(f"{boot}/loader/grub-entries.cfg")
        texts += [f"{boot}/loader/entries/{name}" for name in
                  file_system.entries(file_system.find(f"{boot}/loader/entries"))]
        for name in texts:
            yield name, file_system.read(name)
        for entry in grub.entries:
            for path in (entry.kernel, entry.initramfs):
                name = path if file_system.exists(path) else f"{boot}{path}"
                yield name, file_system.content(grub.file(path), is_metadata=False)


def grub_fstest(partition, name, content):
    """Whether GRUB's own file systems, run on this machine, read this content."""
    found = subprocess.run(["grub-fstest", partition, "crc", f"(loop0)/{name.lstrip('/')}"],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False).stdout
    return found.strip() == f"{zlib.crc32(content):08x}".encode()


def debugfs(partition, name, content):
    found = subprocess.run(
        ["debugfs", "-c", "-n", "-R", f"cat /{name.lstrip('/')}", partition],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout
    return found == content


READERS = (grub_fstest, debugfs)
