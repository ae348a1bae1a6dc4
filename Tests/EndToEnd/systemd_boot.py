# SPDX-License-Identifier: Apache-2.0
"""x86_64 with UEFI (OVMF) and systemd-boot, whose entries and kernels lie on the ESP. /boot is a
folder of the root file system."""
import os
import shutil

import chain
import grub
from host import ROOT, WORK, call, coppice
from image import Disk, Partition
from system import REF, REMOTE

SYSTEM_PARTITION = "6a6a6a6a-0000-4000-8000-0000000000bb"
LOADER = "/usr/lib/systemd/boot/efi/systemd-bootx64.efi"


class Board(grub.Board):
    name = "systemd-boot"
    modules = [*grub.Board.modules, "vfat", "nls_ascii", "nls_cp437", "efivarfs"]
    loader = "systemd-boot"
    boot_partition = root_partition = 2
    etc = {"fstab": "/dev/vda1 /efi vfat defaults 0 0\n"
                    "efivarfs /sys/firmware/efi/efivars efivarfs defaults 0 0\n",
           "devices": "mkdir -p /dev/disk/by-partuuid\n"
                      f"ln -s ../../vda1 /dev/disk/by-partuuid/{SYSTEM_PARTITION}\n"}

    def make_disk(self, sysroot):
        efi = sysroot.path + "/efi"
        os.makedirs(efi + "/EFI/BOOT")
        os.makedirs(efi + "/loader")
        shutil.copy(LOADER, efi + "/EFI/BOOT/BOOTX64.EFI")
        shutil.copy(ROOT + "/bootloader/systemd-boot/loader.conf", efi + "/loader")
        # The same deployment once more: what is on the ESP coppice alone can write.
        call(coppice(self.architecture), "--sysroot", sysroot.path, "deploy", f"{REMOTE}:{REF}",
             "--stateroot", "e2e")
        system = Partition(self.folder + "/esp.part", 160, f"type=uefi, uuid={SYSTEM_PARTITION}")
        system.format_fat("ESP", files_below(efi))
        shutil.rmtree(efi)
        os.makedirs(efi)
        root = Partition(self.folder + "/root.part", 256, "type=linux")
        root.format_ext4("root", sysroot.path)
        return Disk(self.folder + "/disk.img", "gpt", [system, root])


def files_below(folder):
    """{"name/below/it": "/whole/path"}"""
    found = [os.path.join(parent, name) for parent, _, names in os.walk(folder) for name in names]
    return {os.path.relpath(path, folder): path for path in found}


def run(server):
    chain.run(Board(), server)
