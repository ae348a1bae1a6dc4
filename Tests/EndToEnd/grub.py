# SPDX-License-Identifier: Apache-2.0
"""x86_64 with UEFI (OVMF) and GRUB, which has the project's grub.cfg on a /boot of its own."""
import os
import shutil

import chain
from host import ROOT, WORK, call, write
from image import Disk, Partition
from machine import DISK, NETWORK, Machine, accelerator

OVMF = "/usr/share/OVMF/OVMF_{0}_4M.fd"
GRUB = "/usr/lib/grub/x86_64-efi"
# In the image. 'linux' is not: grub.cfg reads entry files by a function of that name.
BUILT_IN = """part_gpt ext2 fat normal configfile loadenv test regexp echo search search_label sleep
reboot"""
EARLY = """search --no-floppy --label boot --set=root
set prefix=($root)/grub
configfile ($root)/grub/grub.cfg
"""


class Board:
    name = "grub"
    architecture, debian = "x86_64", "amd64"
    kernel_package = "linux-image-cloud-amd64"
    modules = ["virtio_pci", "virtio_blk", "virtio_net"]
    console = "ttyS0"
    root = "LABEL=root"
    arguments, programs = [], []
    # More of QEMU's.
    options = []
    loader, sysroot_loader = "grub", "none"
    boot_partition, root_partition = 2, 3
    etc = {"fstab": "/dev/vda2 /boot ext4 defaults 0 0\n"}

    def __init__(self):
        self.folder = os.path.join(WORK, self.name)

    def make_disk(self, sysroot):
        boot = sysroot.path + "/boot"
        os.makedirs(boot + "/grub/x86_64-efi")
        shutil.copy(ROOT + "/bootloader/grub/grub.cfg", boot + "/grub/grub.cfg")
        for module in ["linux", "relocator", "mmap", "video", "verifiers"]:
            if os.path.exists(f"{GRUB}/{module}.mod"):
                shutil.copy(f"{GRUB}/{module}.mod", boot + "/grub/x86_64-efi")
        call("grub-editenv", boot + "/grub/grubenv", "create")
        early, image = self.folder + "/early.cfg", self.folder + "/grub.efi"
        write(early, EARLY)
        call("grub-mkimage", "-O", "x86_64-efi", "-p", "/grub", "-c", early, "-o", image,
             *BUILT_IN.split())
        system = Partition(self.folder + "/esp.part", 4, "type=uefi")
        system.format_fat("ESP", {"EFI/BOOT/BOOTX64.EFI": image})
        part = Partition(self.folder + "/boot.part", 96, "type=linux")
        part.format_ext4("boot", boot, uuid="6a6a6a6a-0000-4000-8000-000000000002")
        shutil.rmtree(boot)
        os.makedirs(boot)
        root = Partition(self.folder + "/root.part", 256, "type=linux")
        root.format_ext4("root", sysroot.path)
        return Disk(self.folder + "/disk.img", "gpt", [system, part, root])

    def machine(self, disk):
        variables = self.folder + "/variables.fd"
        shutil.copy(OVMF.format("VARS"), variables)
        firmware = OVMF.format("CODE")
        return Machine([
            "qemu-system-x86_64", *accelerator(), "-M", "q35", "-m", "256", "-smp", "1",
            "-display", "none", "-vga", "none", "-serial", "stdio", "-monitor", "none",
            *NETWORK,
            "-drive", f"if=pflash,format=raw,readonly=on,file={firmware}",
            "-drive", f"if=pflash,format=raw,file={variables}",
            "-drive", DISK + disk.path, *self.options], self.folder + "/console.log")


def run(server):
    chain.run(Board(), server)
