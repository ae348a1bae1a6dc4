# SPDX-License-Identifier: Apache-2.0
"""x86_64 with its root on UBIFS, on raw flash, and the environment of U-Boot on a NAND. What U-Boot
does there a small Linux does (`flash/loader`): no U-Boot for x86_64 reads UBIFS."""
import os
import shutil

import chain
from debian import Archive, Kernel
from host import HERE, ROOT, WORK, call, coppice, expect, read, write
from machine import DISK, NETWORK, Machine, accelerator
from system import copy_with_libraries

# One erase block, on both flashes.
BLOCK = 128 << 10
# A chip of 256 MiB with pages of 2 KiB, of which the first two blocks hold the environment.
NAND = ["nandsim.first_id_byte=0x20", "nandsim.second_id_byte=0xaa",
        "nandsim.third_id_byte=0x00", "nandsim.fourth_id_byte=0x15", "nandsim.parts=2"]
ENVIRONMENT_BYTES = 0x4000
REDUNDANT = f"/dev/mtd0 0x0 {ENVIRONMENT_BYTES:#x} {BLOCK:#x}\n" \
            f"/dev/mtd0 {BLOCK:#x} {ENVIRONMENT_BYTES:#x} {BLOCK:#x}\n"
SINGLE = REDUNDANT.splitlines(keepends=True)[0]
# The disk's blocks as a flash; UBI on it has units of one byte, UBIFS of eight.
EMULATED = {"unit": 1, "node": 8, "data": 128}
# UBI's second header lies in the first page, behind the first one: pages are written in quarters.
PAGED = {"unit": 2048, "node": 2048, "data": 2048, "quarter": 512}
COMPRESSION = ["lzo", "deflate", "zstd"]

# What lies on the NAND is kept on a disk while the machine restarts.
RESTORES = "busybox dd bs=128k if=/dev/vdb of=/dev/mtd0 2> /dev/null\nmkdir -p /run/lock\n"
KEEPS = "busybox dd bs=128k if=/dev/mtd0 of=/dev/vdb 2> /dev/null; sync; "


class Flash:
    """An image of a flash with one UBI volume, `root`, that holds a folder as UBIFS."""

    def __init__(self, path, mebibytes, folder, kind):
        self.path = path
        content, description = path + ".ubifs", path + ".ini"
        blocks = (mebibytes << 20) // BLOCK
        call("mkfs.ubifs", "-r", folder, "-m", str(kind["node"]), "-e", str(BLOCK - kind["data"]),
             "-c", str(blocks), "-x", "zstd", "-o", content)
        write(description, f"[root]\nmode=ubi\nimage={content}\nvol_id=0\nvol_type=dynamic\n"
                           f"vol_name=root\nvol_size={blocks * 3 // 4 * BLOCK}\n"
                           "vol_flags=autoresize\n")
        quarter = ["-s", str(kind["quarter"])] if "quarter" in kind else []
        call("ubinize", "-p", str(BLOCK), "-m", str(kind["unit"]), *quarter, "-o", path,
             description)
        os.remove(content)


def make_environment(path, is_redundant):
    """Two erase blocks, as U-Boot leaves them that saved its environment once."""
    flag = ["-r"] if is_redundant else []
    call("mkenvimage", *flag, "-p", "0xff", "-s", hex(ENVIRONMENT_BYTES), "-o", path, "-",
         input="bootcount=0\nbootlimit=3\nbootcmd=run distro_bootcmd\n")
    with open(path, "r+b") as file:
        file.seek(0, os.SEEK_END)
        file.write(b"\xff" * (2 * BLOCK - file.tell()))


def tools(folder, fw_env):
    """What the parts played by a shell need in their initramfs: words for `pack`."""
    tree = folder + "/tools"
    shutil.rmtree(tree, ignore_errors=True)
    for program in Board.programs:
        copy_with_libraries(program, tree)
    busybox = Archive("amd64").package("busybox-static") + "/bin/busybox"
    os.makedirs(tree + "/bin")
    shutil.copy(busybox, tree + "/bin/busybox")
    call("clang", "-Os", "-static", "-o", tree + "/bin/kexec_load", HERE + "/flash/kexec.c")
    shutil.copy(tree + "/bin/kexec_load", tree + "/bin/kexec_start")
    write(tree + "/etc/fw_env.config", fw_env)
    words = []
    for parent, _, names in os.walk(tree):
        for path in [os.path.join(parent, name) for name in names]:
            # As on this machine, but without links: what is below /usr lies in the root.
            place = os.path.relpath(path, tree).removeprefix("usr/")
            words += ["--add", f"{place}={path}"]
    return words


def qemu(memory, kernel, initramfs, arguments, disks):
    drives = [word for disk in disks for word in ["-drive", DISK + disk]]
    return ["qemu-system-x86_64", *accelerator(), "-M", "q35", "-m", str(memory), "-smp", "1",
            "-display", "none", "-serial", "stdio", "-monitor", "none", "-nodefaults", *NETWORK,
            "-kernel", kernel, "-initrd", initramfs, "-append", arguments, *drives]


class ForgetfulMachine(Machine):
    def send(self, line):
        super().send(KEEPS + line if line.endswith(("reboot -f", "poweroff -f")) else line)


class Board:
    name = "ubi"
    architecture, debian = "x86_64", "amd64"
    kernel_package = "linux-image-amd64"
    # The NAND has the first numbers among the flashes, the disk as a flash the next.
    modules = ["virtio_pci", "virtio_blk", "virtio_net", "nandsim", "block2mtd", "ubi",
               *COMPRESSION, "ubifs"]
    console = "ttyS0"
    flash = ["block2mtd.block2mtd=/dev/vda,128KiB", "ubi.mtd=2", *NAND]
    root = "ubi0:root"
    arguments = ["rootfstype=ubifs", *flash]
    programs = ["/usr/bin/fw_printenv", "/usr/bin/fw_setenv"]
    loader, sysroot_loader = "uboot-env", "uboot"

    def __init__(self):
        self.folder = os.path.join(WORK, self.name)
        self.etc = {"fw_env.config": REDUNDANT, "devices": RESTORES}

    def make_disk(self, sysroot):
        self.kernel = Kernel(self.debian, self.kernel_package)
        flash = Flash(self.folder + "/flash.img", 256, sysroot.path, EMULATED)
        os.truncate(flash.path, 256 << 20)
        self.environment = self.folder + "/environment.img"
        make_environment(self.environment, is_redundant=True)
        self.first = self.folder + "/loader.img"
        modules = [word for name in self.modules for word in ["--module", self.with_flash(name)]]
        call(ROOT + "/initramfs/pack", "--coppice", HERE + "/flash/loader", "-o", self.first,
             *tools(self.folder, REDUNDANT), "--modules", self.kernel.modules, *modules)
        return flash

    def with_flash(self, module):
        """A module with the parameters that the kernel command line has for it."""
        own = [word.removeprefix(module + ".") for word in self.flash
               if word.startswith(module + ".")]
        return " ".join([module, *own])

    def machine(self, disk):
        return ForgetfulMachine(
            qemu(384, self.kernel.image, self.first, "console=ttyS0 quiet no_timer_check panic=1",
                 [disk.path, self.environment]), self.folder + "/console.log")


def judge(board, disk, commit):
    """Everything once more, after a restart, by the real tools in the machine."""
    with board.machine(disk) as machine:
        machine.wait_for("system is up: version 2,", 240)
        status = machine.must_run("ostree admin status")
        expect(f"* e2e {commit}.0" in status, f"ostree finds another order:\n{status}")
        machine.must_run("ostree fsck -q", 240)
        machine.must_run("coppice fsck", 240)
        kind = machine.must_run("stat -f -c %t /sysroot").strip()
        expect(kind == "24051905", f"the root is of kind {kind}")
        # It was exchanged, not renamed over: both links are there.
        machine.must_run("test -L /sysroot/boot/loader && test -L /sysroot/boot/loader.next")
        environment = machine.must_run("fw_printenv")
        expect("bootcmd=run distro_bootcmd\n" in environment, f"U-Boot has lost:\n{environment}")
        expect("upgrade_available=0\n" in environment, f"U-Boot still counts:\n{environment}")
        machine.power_off()


class NandBoard(Board):
    """The root on the NAND as well, which is empty at each start: it is filled before coppice
    starts, and forgets everything when the machine ends. The environment has one copy."""
    modules = [name for name in Board.modules if name != "block2mtd"]

    def __init__(self):
        super().__init__()
        self.kernel = Kernel(self.debian, self.kernel_package)
        sysroot = self.folder + "/sysroot"
        self.disk = Flash(self.folder + "/nand.img", 192, sysroot, PAGED).path
        self.environment = self.folder + "/single.img"
        make_environment(self.environment, is_redundant=False)
        lines = read(sysroot + "/boot/loader/uEnv.txt").splitlines()
        self.bootargs = [line for line in lines if line.startswith("bootargs=")][0][9:]
        for old, new in [("block2mtd.block2mtd=/dev/vda,128KiB ", ""), ("ubi.mtd=2", "ubi.mtd=1")]:
            expect(old in self.bootargs, f"'{old}' is not in '{self.bootargs}'")
            self.bootargs = self.bootargs.replace(old, new)
        self.initramfs = self.folder + "/nand-initramfs.img"
        modules = [word for name in self.modules for word in ["--module", name]]
        call(ROOT + "/initramfs/pack", "--coppice", HERE + "/flash/first", "-o", self.initramfs,
             "--add", "coppice=" + coppice(self.architecture), *tools(self.folder, SINGLE),
             "--modules", self.kernel.modules, *modules)

    def start(self, name, arguments):
        return Machine([*qemu(640, self.kernel.image, self.initramfs, arguments,
                              [self.disk, self.environment]), "-no-reboot"],
                       f"{self.folder}/{name}.log")


def a_volume_that_is_missing_is_said(board):
    with board.start("missing", board.bootargs.replace("ubi0:root", "ubi0:other rootwait=1")) \
            as machine:
        machine.wait_for(r"no device is 'root=ubi0:other' after 1 s .*, ubi0:root\n", 120)
        machine.wait_for("the machine restarts in 1 s")
        machine.wait_end(20)


def counts_on_the_nand(board, commit):
    """The real tools of libubootenv write and read what coppice reads and writes."""
    def environment(machine):
        lines = machine.must_run("fw_printenv").splitlines()
        return dict(line.split("=", 1) for line in lines)

    with board.start("nand", board.bootargs) as machine:
        machine.wait_for("system is up: version 1,", 240)
        expect(" /sysroot ubifs rw" in machine.must_run("cat /proc/mounts"), "no UBIFS is mounted")
        machine.must_run(f"printf '{SINGLE.strip()}\\n' > /etc/fw_env.config; coppice mark-good")
        expect("coppice_store" in environment(machine), "the store has no name")
        doctor, _ = machine.run("coppice doctor")
        expect("give U-Boot a redundant environment" in doctor, f"the doctor says:\n{doctor}")
        machine.must_run("coppice update", 240)
        found = environment(machine)
        armed = {"upgrade_available": "1", "bootcount": "0", "bootlimit": "2", "rollback": "0"}
        expect(armed.items() <= found.items(), f"armed as {found}")
        # What the boot loader does after the last start that did not prove itself.
        machine.must_run("fw_setenv bootcount 3; fw_setenv rollback 1")
        status = machine.must_run("coppice status --json")
        expect('"fell_back":true' in status, f"status does not know of the fallback:\n{status}")
        machine.must_run("coppice mark-good")
        found = environment(machine)
        cleared = {"upgrade_available": "0", "bootcount": "0", "rollback": "0",
                   "bootcmd": "run distro_bootcmd"}
        expect(cleared.items() <= found.items(), f"cleared to {found}")
        status = machine.must_run("ostree admin status")
        expect(status.startswith(f"* e2e {commit}.0"), f"ostree finds another order:\n{status}")
        machine.must_run("ostree fsck -q", 240)
        machine.power_off()


def run(server):
    commits = chain.run(Board(), server, own_judge=judge)
    board = NandBoard()
    a_volume_that_is_missing_is_said(board)
    counts_on_the_nand(board, commits[1])
