# SPDX-License-Identifier: Apache-2.0
"""What GRUB does with bootloader/grub/grub.cfg: which entries it sees and which one it starts."""
import re
import subprocess
import zlib
from dataclasses import dataclass

from .ext4 import Unreadable

BLOCK_HEAD = b"# GRUB Environment Block\n"
BLOCK_BYTES = 1024
SET = re.compile(r"set ([tloid])(\d)='((?:[^']|'\\'')*)'\n")


@dataclass(frozen=True)
class Entry:
    title: str
    kernel: str
    initramfs: str
    options: str

    @property
    def deployment(self):
        """The link that `ostree=` names."""
        for word in self.options.split():
            if word.startswith("ostree="):
                return word.removeprefix("ostree=")
        raise Unreadable(f"'{self.title}' has no 'ostree='")


def _generated(text):
    """Of grub-entries.cfg."""
    values, count = {}, re.search(r"^set coppice_entries=(\d+)$", text, re.M)
    for name, position, value in SET.findall(text):
        values[name + position] = value.replace("'\\''", "'")
    try:
        return [Entry(*(values[f"{name}{position}"] for name in "tlio"))
                for position in range(int(count.group(1)))]
    except (KeyError, AttributeError):
        raise Unreadable(f"grub-entries.cfg is cut: {text!r:.80}") from None


def _specified(file_system, folder):
    """Of the entry files of the Boot Loader Specification, the highest version first."""
    found = []
    for name, number in file_system.entries(file_system.find(folder)).items():
        text = file_system.content(file_system.inode(number)).decode("utf-8", "replace")
        lines = dict(line.split(" ", 1) for line in text.splitlines() if " " in line)
        try:
            found.append((int(lines["version"]), Entry(
                lines["title"], lines["linux"], lines.get("initrd", ""), lines["options"])))
        except (KeyError, ValueError):
            raise Unreadable(f"entry '{name}' is cut: {text!r:.80}") from None
    return [entry for _, entry in sorted(found, key=lambda pair: -pair[0])]


class Grub:
    """Sees a disk as GRUB does: nothing is replayed, nothing is repaired."""

    def __init__(self, file_system, boot):
        self.file_system, self.boot = file_system, boot
        loader = f"{boot}/loader"
        self.entries = _specified(file_system, loader + "/entries")
        self.has_generated = file_system.exists(loader + "/grub-entries.cfg")
        if self.has_generated:
            text = file_system.read(loader + "/grub-entries.cfg").decode("utf-8", "replace")
            if _generated(text) != self.entries:
                raise Unreadable("grub-entries.cfg and the entry files differ")
        if not self.entries:
            raise Unreadable("there is no entry")
        self.variables = self._variables()

    def _variables(self):
        block = self.file_system.read(f"{self.boot}/grub/grubenv")
        if len(block) != BLOCK_BYTES or not block.startswith(BLOCK_HEAD):
            raise Unreadable(f"grubenv is no block: {block!r:.60}")
        lines = [line for line in block[len(BLOCK_HEAD):].rstrip(b"#").decode().splitlines()
                 if not line.startswith("#")]
        if not all("=" in line for line in lines):
            raise Unreadable(f"grubenv is no block: {lines}")
        return dict(line.split("=", 1) for line in lines)

    @property
    def is_counting(self):
        return "boot_counter" in self.variables and self.variables.get("boot_success") == "0"

    @property
    def position(self):
        """Which entry is started: the second where no start was left of the first."""
        is_used_up = self.is_counting and self.variables["boot_counter"] not in "123456789"
        return 1 if is_used_up and len(self.entries) > 1 else 0

    def holds(self, path, content):
        return self.file_system.is_same(self.file(path), content)

    def content(self, path):
        return self.file_system.content(self.file(path), is_metadata=False)

    def contents(self):
        """All files that it reads."""
        texts = [f"{self.boot}/grub/grubenv"]
        if self.has_generated:
            texts.append(f"{self.boot}/loader/grub-entries.cfg")
        folder = f"{self.boot}/loader/entries"
        texts += [f"{folder}/{name}"
                  for name in self.file_system.entries(self.file_system.find(folder))]
        for name in texts:
            yield name, self.file_system.read(name)
        for entry in self.entries:
            for path in (entry.kernel, entry.initramfs):
                name = path if self.file_system.exists(path) else f"{self.boot}{path}"
                yield name, self.content(path)

    def file(self, path):
        """The inode behind a path of an entry, which may or may not begin with /boot."""
        try:
            return self.file_system.find(path)
        except Unreadable:
            return self.file_system.find(f"{self.boot}/{path}")

    def use_up(self, disk):
        """As after the last start of a trial."""
        self._set_counter(disk, -1)

    def count(self, disk):
        """What `grub.cfg` does before it starts an entry."""
        if self.is_counting:
            left = self.variables["boot_counter"]
            self._set_counter(disk, int(left) - 1 if left in "123456789" else -1)

    def _set_counter(self, disk, value):
        """Writes grubenv as `save_env` does: into its blocks, whatever the file system thinks."""
        variables = {**self.variables, "boot_counter": value}
        text = BLOCK_HEAD + b"".join(f"{name}={value}\n".encode()
                                     for name, value in variables.items())
        inode = self.file_system.find(f"{self.boot}/grub/grubenv")
        block = self.file_system.extents(inode)[0][1]
        with open(disk, "r+b") as file:
            file.seek(self.file_system.start + block * self.file_system.block_bytes)
            file.write(text.ljust(BLOCK_BYTES, b"#"))


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
