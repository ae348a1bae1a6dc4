# SPDX-License-Identifier: Apache-2.0
"""arm64 and armv7 with Debian's unmodified U-Boot, which starts the project's boot script. It
counts in one sector of a raw partition."""
import os
import shutil

import chain
from host import HERE, ROOT, WORK, call, read
from image import Disk, Partition
from machine import DISK, NETWORK, Machine
from story import HANGS, INIT_ENDS, UNHEALTHY


class Board:
    console = "ttyAMA0"
    loader, sysroot_loader = "uboot-env", "uboot"
    fw_env = "/dev/vda1 0x0 0x200\n"
    script = "boot.cmd"
    root = "LABEL=root"
    arguments, programs = [], []
    devices = []

    def __init__(self):
        self.folder = os.path.join(WORK, self.name)
        self.etc = {"fw_env.config": self.fw_env}

    def make_boot(self, sysroot):
        """What an integrator adds to /boot, see bootloader/README.md; gives its folder."""
        boot = sysroot.path + "/boot"
        script = f"{ROOT}/bootloader/uboot/{self.script}"
        call("mkimage", "-A", "arm", "-T", "script", "-C", "none", "-d", script,
             boot + "/boot.scr")
        return boot

    def make_state(self):
        """The partition in which the script counts."""
        state = Partition(self.folder + "/state.part", 1, "type=da")
        block = self.folder + "/state.bin"
        call("mkenvimage", "-s", "0x200", "-p", "0", "-o", block, "-", input="bootcount=0\n")
        call("dd", f"if={block}", f"of={state.path}", "conv=notrunc")
        return state

    def machine(self, disk):
        return Machine([
            *self.emulator, "-smp", "1", "-display", "none", "-serial", "stdio",
            "-monitor", "none", "-bios", self.firmware, *self.devices,
            *NETWORK,
            "-drive", DISK + disk.path], self.folder + "/console.log")


class Arm64(Board):
    """With a /boot of its own."""
    name = architecture = debian = "arm64"
    kernel_package = "linux-image-cloud-arm64"
    modules = ["virtio_pci", "virtio_blk", "virtio_net"]
    emulator = ["qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a57", "-m", "256"]
    firmware = "/usr/lib/u-boot/qemu_arm64/u-boot.bin"
    boot_partition, root_partition = 2, 3

    def __init__(self):
        super().__init__()
        self.etc["fstab"] = "/dev/vda2 /boot ext4 defaults 0 0\n"

    def make_disk(self, sysroot):
        boot = self.make_boot(sysroot)
        part = Partition(self.folder + "/boot.part", 128, "type=83, bootable")
        part.format_ext4("boot", boot, uuid="6a6a6a6a-0000-4000-8000-000000000002")
        shutil.rmtree(boot)
        os.makedirs(boot)
        root = Partition(self.folder + "/root.part", 256, "type=83")
        root.format_ext4("root", sysroot.path)
        return Disk(self.folder + "/disk.img", "dos", [self.make_state(), part, root])


class Native(Arm64):
    """U-Boot counts by itself, in a redundant environment on an SD card; and a watchdog ends what
    hangs."""
    name = "native"
    kernel_package = "linux-image-arm64"
    modules = ["virtio_pci", "virtio_blk", "virtio_net", "crc32c_generic", "ext4", "sdhci-pci",
               "mmc_block", "i6300esb"]
    arguments = ["coppice.watchdog=20"]
    script = "boot-native.cmd"
    fw_env = "/dev/mmcblk0 0x100000 0x4000\n/dev/mmcblk0 0x140000 0x4000\n"
    firmware = WORK + "/u-boot/u-boot.bin"

    def make_disk(self, sysroot):
        self.make_card()
        return super().make_disk(sysroot)

    def make_card(self):
        """The environment as U-Boot was compiled with it, and what bootloader/README.md adds."""
        defaults = read(WORK + "/u-boot/u-boot-initial-env").splitlines()
        lines = [line for line in defaults if not line.startswith(("altbootcmd=", "bootlimit="))]
        lines.append("altbootcmd=setenv rollback 1; saveenv; run bootcmd")
        block, card = self.folder + "/environment.bin", self.folder + "/card.img"
        call("mkenvimage", "-r", "-s", "0x4000", "-o", block, "-", input="\n".join(lines) + "\n")
        call("truncate", "-s", "64M", card)
        call("dd", f"if={block}", f"of={card}", "bs=1M", "seek=1", "conv=notrunc")
        self.devices = ["-device", "sdhci-pci", "-device", "sd-card,drive=card",
                        "-drive", f"if=none,id=card,format=raw,file={card}",
                        "-device", "i6300esb", "-action", "watchdog=reset"]


class Armv7(Board):
    """With 128 MB of memory, and /boot as a folder of the root file system."""
    name = architecture = "armv7"
    debian = "armhf"
    kernel_package = "linux-image-armmp"
    modules = ["virtio_pci", "virtio_blk", "virtio_net", "crc32c_generic", "ext4"]
    emulator = ["qemu-system-arm", "-M", "virt", "-cpu", "cortex-a15", "-m", "128"]
    firmware = "/usr/lib/u-boot/qemu_arm/u-boot.bin"
    boot_partition = root_partition = 2

    def make_disk(self, sysroot):
        self.make_boot(sysroot)
        root = Partition(self.folder + "/root.part", 256, "type=83, bootable")
        root.format_ext4("root", sysroot.path)
        return Disk(self.folder + "/disk.img", "dos", [self.make_state(), root])


def run_arm64(server):
    chain.run(Arm64(), server, [INIT_ENDS, UNHEALTHY])


def run_armv7(server):
    chain.run(Armv7(), server, [INIT_ENDS, UNHEALTHY])


def run_native(server):
    call(HERE + "/build-uboot")
    chain.run(Native(), server, [HANGS, INIT_ENDS, UNHEALTHY])
