# SPDX-License-Identifier: Apache-2.0
"""What systemd-boot does with the entries on the EFI system partition: which ones it sees and
which one it starts."""
import re
import subprocess

from host import call

from .ext4 import Unreadable
from .grub import Entry

FOLDER = "/loader/entries"
NAME = re.compile(r"(ostree-(\d+)-[^+]*?)(?:\+(\d+)(?:-(\d+))?)?\.conf")


class SystemdBoot:
    """Sees the partition as it lies there."""

    def __init__(self, file_system):
        self.file_system = file_system
        found, self.files, self.counted = [], [], None
        for name in sorted(file_system.names(FOLDER)):
            match = NAME.fullmatch(name)
            if match is None:
                continue
            text = file_system.read(f"{FOLDER}/{name}").decode("utf-8", "replace")
            lines = dict(line.split(" ", 1) for line in text.splitlines() if " " in line)
            # What names no kernel is passed over.
            if "linux" in lines:
                self.files.append(f"{FOLDER}/{name}")
                left = None if match.group(3) is None else int(match.group(3))
                if left:
                    self.counted = name, match.group(1), left, int(match.group(4) or 0)
                found.append((left != 0, int(match.group(2)), left is None, left, Entry(
                    lines.get("title", ""), lines["linux"], lines.get("initrd", ""),
                    lines.get("options", ""))))
        if not found:
            raise Unreadable("there is no entry")
        # One without starts left comes last; then the highest number first.
        found.sort(key=lambda item: item[:3], reverse=True)
        self.entries = [item[-1] for item in found]
        self.is_counting = found[0][3] not in (None, 0)
        self.position = 0

    def use_up(self, disk):
        """As after the last start of a trial."""
        _, _, left, done = self.counted
        self._set_counter(disk, 0, left + done)

    def count(self, disk):
        """What it does before it starts an entry."""
        if self.is_counting:
            _, _, left, done = self.counted
            self._set_counter(disk, left - 1, done + 1)

    def _set_counter(self, disk, left, done):
        """Gives the entry on trial another name."""
        name, stem, _, _ = self.counted
        call("mren", "-i", f"{disk}@@{self.file_system.start}", f"::{FOLDER}/{name}",
             f"::{FOLDER}/{stem}+{left}-{done}.conf")

    def holds(self, path, content):
        return self.file_system.read(path, is_metadata=False) == content

    def content(self, path):
        return self.file_system.read(path, is_metadata=False)

    def contents(self):
        """All files that it acts upon."""
        for name in self.files:
            yield name, self.content(name)
        for entry in self.entries:
            for path in (entry.kernel, entry.initramfs):
                yield path, self.content(path)


def mtools(partition, name, content):
    found = subprocess.run(["mtype", "-i", partition, "::" + name], stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, check=False).stdout
    return found == content
