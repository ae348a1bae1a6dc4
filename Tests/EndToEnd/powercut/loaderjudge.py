# SPDX-License-Identifier: Apache-2.0
"""Judges what a boot loader finds: whether all that it may start is complete."""
import hashlib
import os
from dataclasses import dataclass

from .ext4 import Unreadable

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
        loader = self.layout.loader(file_system)
        compared = {}
        choices = tuple(Choice(self._versions(loader, entry, compared), entry.deployment)
                        for entry in loader.entries)
        digest = hashlib.blake2b(digest_size=16)
        for begin, end in sorted(file_system.touched):
            digest.update((begin - file_system.start).to_bytes(8, "little"))
            digest.update(file_system.medium[begin:end])
        return LoaderView(choices, loader.position, loader.is_counting, digest.digest())

    def _versions(self, loader, entry, compared):
        """`compared`: what was found about paths and contents."""
        def holds(path, content):
            key = (path, id(content))
            if key not in compared:
                compared[key] = loader.holds(path, content)
            return compared[key]

        paths = (entry.kernel, entry.initramfs)
        found = frozenset(name for name, contents in self.kernels.items()
                          if all(map(holds, paths, contents)))
        if not found:
            raise Unreadable(f"kernel or initramfs of '{entry.title}' is not whole")
        return found

    # MARK: Other readers

    def has_seconded(self, view):
        return view.digest in self.seconded

    def second(self, view, file_system, partition):
        """Other programs read the same, where ours has found it whole. What they have said of the
        same metadata holds; gives what is wrong. `partition`: the file system's."""
        if view.digest not in self.seconded:
            contents = dict(self.layout.loader(file_system).contents())
            self.seconded[view.digest] = next(
                (f"{reader.__name__} reads '{name}' differently" for reader in self.layout.readers
                 for name, content in contents.items() if not reader(partition, name, content)),
                None)
        return self.seconded[view.digest]
