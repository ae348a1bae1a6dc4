# SPDX-License-Identifier: Apache-2.0
"""armv7 with the least memory in which Debian's kernel starts, and no swap, started by QEMU itself
(U-Boot's own addresses want more). The whole update runs in a control group whose memory, its page
cache counted, is smaller than the files it fetches."""
import json
import os
import random

import image
from debian import Kernel
from host import WORK, coppice, expect, fresh_folder
from image import Disk, Partition, Sysroot
from machine import DISK, NETWORK, Machine
from system import REF, REMOTE, System
from uboot import Armv7

MEBIBYTES = 80
ARGUMENTS = ["root=LABEL=root", "rw", "console=ttyAMA0", "quiet", "panic=1", "no_timer_check"]
GROUP = "/sys/fs/cgroup/update"
GROUP_BYTES = 16 << 20
MAKE_GROUP = f"""mount -t cgroup2 none /sys/fs/cgroup &&
echo +memory > /sys/fs/cgroup/cgroup.subtree_control && mkdir {GROUP} &&
echo {GROUP_BYTES} > {GROUP}/memory.max""".replace("\n", " ")
INSIDE = f"sh -c 'echo $$ > {GROUP}/cgroup.procs; exec coppice update --json --progress none'"
# What version 2 brings: how many files of so many bytes, none of which can be compressed.
FILES = [(2000, 4 << 10), (8, 1 << 20), (1, 48 << 20)]


def grow(folder):
    """Files of random bytes, the same each time."""
    source = random.Random(1)
    os.makedirs(folder)
    for count, length in FILES:
        for number in range(count):
            with open(f"{folder}/{length}-{number}", "wb") as file:
                file.write(source.randbytes(length))


class Small:
    def __init__(self, server):
        self.folder = fresh_folder(os.path.join(WORK, "memory"))
        kernel = Kernel(Armv7.debian, Armv7.kernel_package)
        self.kernel = kernel.image
        self.initramfs = self.folder + "/initramfs.img"
        executable = coppice(Armv7.architecture)
        image.pack(self.initramfs, executable, kernel.modules, Armv7.modules)
        self.system = System(self.folder, Armv7.debian, kernel, executable)
        self.system.set_initramfs(self.initramfs)
        self.system.publish(1)
        sysroot = Sysroot(self.folder + "/sysroot")
        sysroot.add_remote(REMOTE, server.url(self.system.repo))
        sysroot.deploy(self.system.repo, f"{REMOTE}:{REF}", ARGUMENTS)
        root = Partition(self.folder + "/root.part", 400, "type=83")
        root.format_ext4("root", sysroot.path)
        self.disk = Disk(self.folder + "/disk.img", "dos", [root])

    def machine(self, name):
        return Machine([
            # Without LPAE the kernel sees no devices above 4 GiB.
            "qemu-system-arm", "-M", "virt,highmem=off", "-cpu", "cortex-a15", "-m", str(MEBIBYTES),
            "-smp", "1", "-display", "none", "-serial", "stdio", "-monitor", "none", "-no-reboot",
            *NETWORK,
            "-kernel", self.kernel, "-initrd", self.initramfs,
            "-append", self.disk.newest_arguments(1),
            "-drive", DISK + self.disk.path], f"{self.folder}/{name}.log")


def update(machine):
    """In the group; says what it took."""
    machine.must_run(MAKE_GROUP)
    output = machine.must_run(INSIDE, 900)
    result = json.loads(next(line for line in output.splitlines() if line.startswith("{")))
    expect(result["result"] == "deployed", f"the update ended as {result}")
    lines = machine.must_run(f"cat {GROUP}/memory.events").splitlines()
    events = dict(line.split() for line in lines)
    expect(events["oom"] == events["oom_kill"] == "0", f"the group ran out of memory: {events}")
    expect(int(events["max"]) > 0, f"the limit was never met: {events}")
    expect("SwapTotal:             0 kB" in machine.must_run("cat /proc/meminfo"), "there is swap")
    peak = machine.must_run(f"cat {GROUP}/memory.peak").strip()
    print(f"end-to-end: memory: {sum(count * length for count, length in FILES)} bytes in a group "
          f"of {GROUP_BYTES}: peak {peak}, reclaimed {events['max']} times", flush=True)


def run(server):
    small = Small(server)
    with small.machine("updates") as machine:
        machine.wait_for("system is up: version 1,", 240)
        grow(small.system.usr + "/share/bulk")
        small.system.publish(2)
        update(machine)
        machine.must_run("echo late > /etc/changed; sync")
        machine.send("reboot -f")
        machine.wait_end()
    with small.machine("updated") as machine:
        machine.wait_for("system is up: version 2,", 240)
        changed = machine.must_run("cat /etc/changed").strip()
        expect(changed == "late", f"/etc was not merged at boot: '{changed}'")
        machine.must_run("coppice mark-good && coppice fsck", 900)
        machine.power_off()
