# SPDX-License-Identifier: Apache-2.0
"""x86_64, started by QEMU itself without a boot loader: an image that the real `ostree` made, with
an initramfs that holds coppice and the modules of the disk, and nothing else."""
import os
import re

import image
from image import WORK, call
from machine import Failure, Machine, accelerator

# Packed in every way that there is: this kernel cannot unpack them.
PACKINGS = {"virtio_blk": "xz", "virtio_pci": "gz"}
# A busy host gives an emulated timer no time, which a kernel that checks takes for a broken one.
ARGUMENTS = ["root=LABEL=root", "rw", "console=ttyS0", "quiet", "panic=1", "no_timer_check"]


def expect(holds, what):
    if not holds:
        raise Failure(what)


class Direct:
    def __init__(self, coppice):
        kernel = image.Kernel()
        modules = kernel.packed_modules("modules", PACKINGS)
        self.kernel = kernel.image
        self.initramfs = os.path.join(WORK, "initramfs.img")
        call(image.ROOT + "/initramfs/pack", "--coppice", coppice, "--modules", modules,
             "--module", "virtio_pci", "--module", "virtio_blk", "-o", self.initramfs,
             "--marker", self.initramfs + ".marker")
        tree = os.path.join(WORK, "tree")
        image.make_tree(tree, "1", kernel, self.initramfs, coppice)
        sysroot = image.Sysroot("sysroot", read_only=True)
        self.commit = sysroot.deploy(tree, "1", ARGUMENTS)
        self.arguments = sysroot.kernel_arguments()
        self.numbers = ""
        self.disk = os.path.join(WORK, "disk.img")
        image.make_disk(self.disk, sysroot.path, 200)

    def machine(self, name, arguments, initramfs=None):
        """One start with these kernel arguments; the disk is as it was afterwards."""
        command = ["qemu-system-x86_64", *accelerator(), "-M", "q35", "-m", "256", "-smp", "1",
                   "-no-reboot", "-display", "none", "-serial", "stdio", "-monitor", "none",
                   "-nodefaults", "-kernel", self.kernel, "-initrd", initramfs or self.initramfs,
                   "-append", arguments,
                   "-drive", f"if=virtio,format=raw,file={self.disk},snapshot=on"]
        return Machine(command, os.path.join(WORK, f"direct-{name}.log"))

    def replaced(self, old, new):
        expect(old in self.arguments, f"'{old}' is not in '{self.arguments}'")
        return self.arguments.replace(old, new)


def boots(direct):
    """The real `ostree` and coppice agree on what runs, and the mounts are as they must be."""
    arguments = direct.arguments + " coppice.debug loglevel=7 -- single"
    with direct.machine("boots", arguments) as machine:
        up = machine.wait_for(r"system is up: version (\d+), arguments \[(.*)\]\n")
        seconds = machine.seconds
        expect(up.group(1) == b"1", "another version runs")
        expect(up.group(2) == b"single", f"init was given '{up.group(2).decode()}'")
        status = machine.must_run("ostree admin status")
        expect(f"* e2e {direct.commit}.0" in status, f"ostree sees another system:\n{status}")
        status = machine.must_run("coppice status --json")
        expect('"booted":true' in status, f"coppice sees another system:\n{status}")
        machine.must_run("ostree admin config-diff; ostree fsck -q")
        found = machine.must_run(
            "cd /; for place in usr sysroot etc var boot run dev; do"
            " if touch $place/probe 2>/dev/null; then echo $place; fi; done").split()
        expect(found == ["etc", "var", "boot", "run", "dev"], f"writable are {found}")
        modules = machine.must_run("lsmod")
        for name in PACKINGS:
            expect(re.search(rf"^{name}\b", modules, re.M), f"'{name}' was not loaded:\n{modules}")
        expect("root:x:0" in machine.must_run("cat /etc/passwd"), "/etc is not the deployment's")
        left = machine.must_run("cut -d' ' -f5 /proc/self/mountinfo").split()
        expect(len(left) == len(set(left)), f"something is mounted twice: {left}")
        direct.numbers = machine.must_run("cat /sys/class/block/vda1/dev").strip()
        log = machine.must_run("dmesg | grep coppice:")
        took = re.search(r"starting '/sbin/init' after (\d+) ms", log)
        expect(took, f"nothing says how long it took:\n{log}")
        machine.process.stdin.write(b"poweroff -f\n")
        machine.process.stdin.flush()
        machine.wait_end()
    size = os.path.getsize(direct.initramfs)
    print(f"end-to-end: direct: up after {seconds:.1f} s, {took.group(1)} ms of it in coppice; "
          f"initramfs {size} bytes", flush=True)


ROOTS = ["/dev/vda1", f"UUID={image.ROOT_UUID.upper()}", f"PARTUUID={image.ROOT_PARTITION}",
         "PARTLABEL=root-part"]


def finds_root_by_every_name(direct):
    for index, root in enumerate([*ROOTS, direct.numbers]):
        # The program of libostree has nothing left to do; it is not started as init.
        prepared = " init=/usr/lib/ostree/ostree-prepare-root" if index == 0 else ""
        arguments = direct.replaced("root=LABEL=root", f"root={root}") + prepared
        with direct.machine(f"root-{index}", arguments) as machine:
            machine.wait_for("system is up")


# What is wrong with the kernel arguments, and what the console must say of it.
FAILURES = [
    ("root=LABEL=root", "root=LABEL=other rootwait=1",
     r"no device is 'root=LABEL=other' after 1 s .*/dev/vda1 ext4 LABEL=root"),
    ("root=LABEL=root", "", r"no 'root='"),
    ("quiet", "quiet init=/no/such", r"'/no/such' can be started: no such file"),
    ("root=LABEL=root", "root=LABEL=root rootfstype=btrfs", r"cannot mount '/dev/vda1'"),
    ("ostree=", "unused=", r"has no 'ostree='"),
    ("ostree=/ostree/boot.", "ostree=/ostree/other.", r"no deployment is behind 'ostree=/ostree/o"),
    ("quiet", "quiet ostree.prepare-root.composefs=yes", r"composefs=yes', which coppice"),
]


def every_failure_is_said_and_ends(direct):
    """What cannot boot restarts by itself, so that the boot loader can count: never a hang."""
    for index, (old, new, words) in enumerate(FAILURES):
        with direct.machine(f"failure-{index}", direct.replaced(old, new)) as machine:
            machine.wait_for(words)
            machine.wait_for("the machine restarts in 1 s")
            machine.wait_end(20)


def run(coppice):
    direct = Direct(coppice)
    boots(direct)
    finds_root_by_every_name(direct)
    every_failure_is_said_and_ends(direct)
