# SPDX-License-Identifier: Apache-2.0
"""The device whose power is cut: two versions of the system under test, and a disk on which the
real `ostree` put the first, laid out in several ways."""
import glob
import os
import shutil
from dataclasses import dataclass

import image
from debian import Kernel
from host import ROOT, WORK, call, coppice, fresh_folder, read, write
from image import ALIGNMENT, Disk, Partition, Sysroot
from system import REF, REMOTE, System

from .ext4 import FileSystem
from .fat import FAT
from .grub import Grub, debugfs, grub_fstest
from .systemdboot import SystemdBoot, mtools

FOLDER = os.path.join(WORK, "powercut")
OS = "e2e"
# The ref of a version with the kernel, the initramfs and the version of another.
TWIN = "e2e/twin"
MODULES = ["virtio_pci", "virtio_blk", "virtio_net", "vfat", "nls_cp437", "nls_ascii"]
# A busy host gives an emulated timer no time, which a kernel that checks takes for a broken one.
ARGUMENTS = ["root=LABEL=root", "rw", "console=ttyS0", "panic=1", "no_timer_check"]
BOOT_MEBIBYTES, ROOT_MEBIBYTES = 48, 64
# The journal is small, so that it wraps around, and there are inodes for what is tried here.
EXT4 = ["-J", "size=4", "-N", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0"]


@dataclass(frozen=True)
class Layout:
    """Where `/boot` lies, the size of the blocks, and how coppice can empty the journal."""
    name: str
    block_bytes: int
    has_own_boot: bool
    # What stands before `coppice` in the guest.
    launcher: str = ""
    # systemd-boot in the place of GRUB; /boot is a folder of the root file system.
    has_esp: bool = False

    @property
    def parts(self):
        """Where the file systems begin and end on the disk: first the one that the boot loader
        reads, last the root, which may be the same."""
        has_two = self.has_own_boot or self.has_esp
        sizes = [BOOT_MEBIBYTES, ROOT_MEBIBYTES] if has_two else [ROOT_MEBIBYTES]
        found, begin = [], ALIGNMENT
        for size in sizes:
            found.append((begin, begin + (size << 20)))
            begin += size << 20
        return found

    def boot_file_system(self, medium, start):
        """The one that the boot loader reads."""
        return FAT(medium, start) if self.has_esp else FileSystem(medium, start)

    def loader(self, file_system):
        """What the boot loader sees there."""
        if self.has_esp:
            return SystemdBoot(file_system)
        return Grub(file_system, "" if self.has_own_boot else "boot")

    @property
    def readers(self):
        """Other programs that read that file system."""
        return (mtools,) if self.has_esp else (grub_fstest, debugfs)


LAYOUTS = [
    Layout("root-4k", 4096, False),
    Layout("root-1k", 1024, False),
    Layout("boot-1k", 1024, True),
    Layout("boot-4k", 4096, True),
    Layout("boot-1k-freeze", 1024, True, "without checkpoint"),
    Layout("boot-4k-freeze", 4096, True, "without checkpoint"),
    Layout("esp", 4096, False, has_esp=True),
]


@dataclass(frozen=True)
class Version:
    name: str
    # A copy of what was committed, and as what.
    tree: str
    commit: str


class Maker:
    """Who makes devices with version 1, and has published version 2."""

    def __init__(self, server):
        fresh_folder(FOLDER)
        self.coppice = coppice("x86_64")
        kernel = Kernel("amd64", "linux-image-cloud-amd64")
        self.system = System(FOLDER, "amd64", kernel, self.coppice, has_ostree=False)
        call("clang", "-static", "-Os", "-Wall", "-o", self.system.usr + "/bin/without",
             os.path.join(os.path.dirname(__file__), "without.c"))
        self.initramfs = FOLDER + "/initramfs.img"
        image.pack(self.initramfs, self.coppice, kernel.modules, MODULES)
        first = self._publish("1")
        self.sysroot = self._install(server.url(self.system.repo))
        # Version 2 brings files of its own to /boot.
        image.pad(self.initramfs)
        # A device may go from the twin to version 2, so that must not be older.
        twin = self._publish("twin", "2", TWIN)
        self.versions = [first, self._publish("2"), twin]

    def _publish(self, name, version=None, ref=REF):
        self.system.set_initramfs(self.initramfs)
        write(self.system.usr + "/etc/release", name)
        for index in range(8):
            write(f"{self.system.usr}/share/file-{index}", f"{name} {index}\n" * 200 * index)
        commit = self.system.publish(version or name, ref=ref)
        tree = f"{FOLDER}/tree-{name}"
        call("cp", "-a", self.system.tree, tree)
        return Version(name, tree, commit)

    def _install(self, url):
        sysroot = Sysroot(FOLDER + "/sysroot", read_only=True)
        sysroot.add_remote(REMOTE, url)
        sysroot.deploy(self.system.repo, f"{REMOTE}:{REF}", ARGUMENTS)
        grub = sysroot.path + "/boot/grub"
        os.mkdir(grub)
        shutil.copy(ROOT + "/bootloader/grub/grub.cfg", grub)
        call("grub-editenv", grub + "/grubenv", "create")
        return sysroot.path

    def make_disk(self, layout):
        """The disk of a device that runs version 1; gives its path."""
        folder = fresh_folder(os.path.join(FOLDER, layout.name))
        boot, aside = self.sysroot + "/boot", folder + "/boot"
        options = [*EXT4, "-b", str(layout.block_bytes)]
        partitions = []
        if layout.has_esp:
            # A grub.cfg would be taken for the boot loader's.
            os.rename(boot + "/grub", folder + "/grub")
            partitions.append(self._system_partition(folder))
        if layout.has_own_boot:
            os.rename(boot, aside)
            os.mkdir(boot)
            part = Partition(folder + "/boot.part", BOOT_MEBIBYTES, "type=linux")
            partitions.append(part.format_ext4("boot", aside, uuid="random", options=options))
        part = Partition(folder + "/root.part", ROOT_MEBIBYTES, "type=linux")
        partitions.append(part.format_ext4("root", self.sysroot, options=options))
        if layout.has_own_boot:
            os.rmdir(boot)
            os.rename(aside, boot)
        if layout.has_esp:
            os.rename(folder + "/grub", boot + "/grub")
        return Disk(folder + "/disk.img", "gpt", partitions).path

    def _system_partition(self, folder):
        """An EFI system partition with the entry of version 1 as an image builder writes it: what
        names the kernel is not in a sector of its own, as it is where coppice writes."""
        part = Partition(folder + "/esp.part", BOOT_MEBIBYTES, "type=uefi")
        settings = folder + "/loader.conf"
        write(settings, read(ROOT + "/bootloader/systemd-boot/loader.conf"))
        entry = glob.glob(self.sysroot + "/boot/loader/entries/*.conf")[0]
        lines = image.parse_entry(read(entry))
        files = {"loader/loader.conf": settings, f"loader/entries/ostree-1-{OS}.conf": entry}
        for path in (lines["linux"], lines["initrd"]):
            files[path.lstrip("/")] = f"{self.sysroot}/boot{path}"
        return part.format_fat("ESP", files)
