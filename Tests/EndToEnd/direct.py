# SPDX-License-Identifier: Apache-2.0
"""x86_64, started by QEMU itself without a boot loader: an image that the real `ostree` made, with
an initramfs that holds coppice and the modules of its devices, and nothing else."""
import glob
import gzip
import json
import lzma
import os
import re

import image
from debian import Archive, Kernel
from host import ROOT, WORK, call, coppice, expect, fresh_folder
from image import ROOT_PARTITION, ROOT_UUID, Disk, Partition, Sysroot
from machine import DISK, NETWORK, Machine, accelerator
from system import REF, REMOTE, System

MODULES = ["virtio_pci", "virtio_blk", "virtio_net"]
# Packed in every way that there is: this kernel cannot unpack them.
PACKINGS = {"virtio_blk": "xz", "virtio_pci": "gz"}
# A busy host gives an emulated timer no time, which a kernel that checks takes for a broken one.
ARGUMENTS = ["root=LABEL=root", "rw", "console=ttyS0", "quiet", "panic=1", "no_timer_check"]


def pack_modules(folder):
    """Compresses some modules, as the kernel's own makefile does."""
    for module, ending in PACKINGS.items():
        path = glob.glob(f"{folder}/**/{module}.ko", recursive=True)[0]
        with open(path, "rb") as file:
            content = file.read()
        if ending == "xz":
            packed = lzma.compress(content, check=lzma.CHECK_CRC32,
                                   filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}])
        else:
            packed = gzip.compress(content, mtime=0)
        with open(f"{path}.{ending}", "wb") as file:
            file.write(packed)
        os.remove(path)
    # Debian's depmod knows no gzip, so the index is changed and not made anew.
    with open(folder + "/modules.dep", encoding="ascii") as file:
        index = file.read()
    for module, ending in PACKINGS.items():
        index = index.replace(f"/{module}.ko", f"/{module}.ko.{ending}")
    os.remove(folder + "/modules.dep")
    with open(folder + "/modules.dep", "w", encoding="ascii") as file:
        file.write(index)


def coppice_alone(folder, kernel, initramfs):
    """The initramfs of this project, with modules packed in every way."""
    modules = kernel.copy_modules(folder + "/modules")
    pack_modules(modules)
    image.pack(initramfs, coppice("x86_64"), modules, MODULES)


class Direct:
    """`make_initramfs` also makes the marker beside it."""

    def __init__(self, server, name, make_initramfs):
        self.folder = fresh_folder(os.path.join(WORK, name))
        kernel = Kernel("amd64", "linux-image-cloud-amd64")
        self.kernel = kernel.image
        self.initramfs = self.folder + "/initramfs.img"
        make_initramfs(self.folder, kernel, self.initramfs)
        executable = coppice("x86_64")
        self.system = System(self.folder, "amd64", kernel, executable)
        self.system.set_initramfs(self.initramfs)
        self.commit = self.system.publish(1)
        sysroot = Sysroot(self.folder + "/sysroot", read_only=True)
        sysroot.add_remote(REMOTE, server.url(self.system.repo))
        sysroot.deploy(self.system.repo, f"{REMOTE}:{REF}", ARGUMENTS)
        self.arguments = sysroot.entry()["options"]
        self.numbers = ""
        root = Partition(self.folder + "/root.part", 200,
                         f"type=linux, name=root-part, uuid={ROOT_PARTITION}")
        root.format_ext4("root", sysroot.path)
        self.disk = Disk(self.folder + "/disk.img", "gpt", [root])

    def machine(self, name, arguments, initramfs=None, keeps=False):
        """One start with these kernel arguments; unless `keeps`, the disk is as it was
        afterwards."""
        snapshot = "off" if keeps else "on"
        command = ["qemu-system-x86_64", *accelerator(), "-M", "q35", "-m", "256", "-smp", "1",
                   "-no-reboot", "-display", "none", "-serial", "stdio", "-monitor", "none",
                   "-nodefaults", *NETWORK,
                   "-kernel", self.kernel, "-initrd", initramfs or self.initramfs,
                   "-append", arguments,
                   "-drive", f"{DISK}{self.disk.path},snapshot={snapshot}"]
        return Machine(command, f"{self.folder}/{name}.log")

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
        machine.power_off()
    size = os.path.getsize(direct.initramfs)
    print(f"end-to-end: direct: up after {seconds:.1f} s, {took.group(1)} ms of it in coppice; "
          f"initramfs {size} bytes", flush=True)


ROOTS = ["/dev/vda1", f"UUID={ROOT_UUID.upper()}", f"PARTUUID={ROOT_PARTITION}",
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


def gives_a_shell_where_asked(direct):
    """The one that somebody put into the initramfs; the machine restarts after it."""
    initramfs = direct.folder + "/shell.img"
    busybox = Archive("amd64").package("busybox-static") + "/bin/busybox"
    call(ROOT + "/initramfs/pack", "--coppice", coppice("x86_64"), "--add", f"bin/sh={busybox}",
         "-o", initramfs)
    arguments = direct.replaced("root=LABEL=root", "root=LABEL=none coppice.shell")
    with direct.machine("shell", arguments, initramfs) as machine:
        machine.wait_for("built-in shell")
        machine.must_run("test $$ != 1 && test -d /proc/1")
        machine.send("exit")
        machine.wait_for("the machine restarts in 1 s")
        machine.wait_end(20)


def updates(direct):
    """Nothing counts here: what was deployed boots, its /etc is finished, and it is proven. The
    arguments come from the new boot entry, as a boot loader would take them, but with a root that
    is read-only until the merge of /etc makes it writable."""
    with direct.machine("updates", direct.arguments, keeps=True) as machine:
        machine.wait_for("system is up: version 1,")
        machine.must_run("echo before > /etc/changed")
        commit = direct.system.publish(2)
        machine.must_run("coppice update")
        machine.must_run("echo after > /etc/changed; sync")
        machine.send("reboot -f")
        machine.wait_end()
    arguments = direct.disk.newest_arguments(1)
    expect(" rw " in arguments, f"'rw' is not in '{arguments}'")
    arguments = arguments.replace(" rw ", " ro ")
    with direct.machine("updated", arguments, keeps=True) as machine:
        machine.wait_for("system is up: version 2,")
        changed = machine.must_run("cat /etc/changed").strip()
        expect(changed == "after", f"/etc was not merged at boot: '{changed}'")
        machine.must_run("coppice mark-good --health")
        first = json.loads(machine.must_run("coppice status --json"))["deployments"][0]
        expect(first["checksum"] == commit and first["booted"], f"another system runs: {first}")
        expect(first["state"] == "proven", f"after mark-good: {first}")
        status = machine.must_run("ostree admin status")
        expect(f"* e2e {commit}.0" in status, f"ostree sees another system:\n{status}")
        machine.power_off()


def run(server):
    direct = Direct(server, "direct", coppice_alone)
    boots(direct)
    finds_root_by_every_name(direct)
    every_failure_is_said_and_ends(direct)
    gives_a_shell_where_asked(direct)
    updates(direct)
