# SPDX-License-Identifier: Apache-2.0
"""Runs the device with a disk on which QEMU logs every write and flush (`blklogwrites`)."""
import mmap
import os
from dataclasses import dataclass

from host import Failure, call, fresh_folder
from machine import NETWORK, Machine, accelerator

from .device import FOLDER
from .writelog import entry_count

# A start takes 5 s where nothing else runs.
UP_SECONDS = 240


@dataclass
class Phase:
    """What was done from an entry of the log on, until the next phase."""
    name: str
    begin: int = 0
    # When the program said that it was done; after that only the system wrote on.
    done: int = 0


class Recording:
    """In a folder of its own: the disk before, the disk after, the log between and the phases."""

    def __init__(self, layout, name):
        self.layout, self.name = layout, name
        self.folder = os.path.join(FOLDER, layout.name, name)
        self.before = self.folder + "/before.img"
        self.after = self.folder + "/after.img"
        self.log = self.folder + "/writes.log"
        self.phases = []

    def begin(self, disk, is_used_up=False):
        """The disk, once the boot loader has read and counted; gives what it starts. See
        `prepare_boot`."""
        fresh_folder(self.folder)
        call("cp", "--sparse=always", disk, self.before)
        boot = prepare_boot(self.before, self.layout, is_used_up)
        call("cp", "--sparse=always", self.before, self.after)
        call("truncate", "-s", "0", self.log)
        return boot

    def phase(self, name):
        self.phases.append(Phase(name, entry_count(self.log)))

    def done(self):
        self.phases[-1].done = entry_count(self.log)


def mapped(path):
    """The bytes of a disk, for reading and writing."""
    with open(path, "r+b") as file:
        return mmap.mmap(file.fileno(), 0)


def look(disk, layout):
    """What the boot loader sees on a disk."""
    return layout.loader(layout.boot_file_system(disk, layout.parts[0][0]))


def prepare_boot(disk, layout, is_used_up=False):
    """Counts this start, and gives QEMU's arguments for it. `is_used_up`: version 2 has had all the
    starts of its trial."""
    content = mapped(disk)
    loader = look(content, layout)
    if is_used_up:
        loader.use_up(disk)
        loader = look(content, layout)
    entry = loader.entries[loader.position]
    loader.count(disk)
    files = []
    for path in (entry.kernel, entry.initramfs):
        files.append(f"{os.path.splitext(disk)[0]}-{os.path.basename(path)}")
        with open(files[-1], "wb") as file:
            file.write(loader.content(path))
    content.close()
    return ["-kernel", files[0], "-initrd", files[1], "-append", entry.options]


def machine(boot, drive, log):
    command = ["qemu-system-x86_64", *accelerator(), "-M", "q35", "-m", "256", "-smp", "1",
               "-no-reboot", "-display", "none", "-serial", "stdio", "-monitor", "none",
               "-nodefaults", *NETWORK, *boot, "-drive", f"if=virtio,{drive}"]
    return Machine(command, log)


def recorded(recording, boot):
    """The machine whose writes are logged; nothing of the log is lost when it is killed."""
    drive = (f"driver=blklogwrites,file.driver=file,file.filename={recording.after},"
             f"log.driver=file,log.filename={recording.log},log-sector-size=512,"
             "log-super-update-interval=1")
    return machine(boot, drive, recording.folder + "/console.log")


def wait_up(guest, layout, version=None):
    """Until the system runs, with what its programs need in place; gives its version."""
    found = guest.wait_for(r"system is up: version (\d+)", UP_SECONDS).group(1).decode()
    if version not in (None, found):
        raise Failure(f"version {found} runs, not {version}")
    if layout.has_own_boot:
        # Partitions are numbered in their order on the disk: /boot comes first.
        guest.must_run("mount -t ext4 /dev/vda1 /boot")
    if layout.has_esp:
        guest.must_run("mount -t vfat /dev/vda1 /efi")
    return found


def settle(guest):
    """All that the system has not written yet, as when it is shut down."""
    guest.must_run("sync; echo u > /proc/sysrq-trigger; sleep 1")


