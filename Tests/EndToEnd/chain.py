# SPDX-License-Identifier: Apache-2.0
"""One board from its image to the end of the story."""
import os
import shutil

import image
from debian import Kernel
from host import call, coppice, expect, fresh_folder, write
from image import Sysroot
from story import PANICS, UNHEALTHY, Story
from system import REF, REMOTE, System, copy_with_libraries

# A busy host gives an emulated timer no time, which a kernel that checks takes for a broken one.
ARGUMENTS = ["rw", "quiet", "panic=1", "no_timer_check"]


def run(board, server, failing=(PANICS, UNHEALTHY), own_judge=None, tell=Story):
    """Gives the commits of the versions. `own_judge` looks at the disk where `judge` cannot; `tell`
    makes another story."""
    fresh_folder(board.folder)
    kernel = Kernel(board.debian, board.kernel_package)
    executable = coppice(board.architecture)
    system = System(board.folder, board.debian, kernel, executable)
    for program in board.programs:
        copy_with_libraries(program, system.tree)
    for name, text in board.etc.items():
        write(f"{system.usr}/etc/{name}", text)
    initramfs = board.folder + "/initramfs.img"
    image.pack(initramfs, executable, kernel.modules, board.modules)
    system.set_initramfs(initramfs)
    commit = system.publish(1)
    sysroot = Sysroot(board.folder + "/sysroot", board.sysroot_loader)
    sysroot.add_remote(REMOTE, server.url(system.repo))
    sysroot.deploy(system.repo, f"{REMOTE}:{REF}",
                   [f"root={board.root}", *ARGUMENTS, *board.arguments, f"console={board.console}"])
    disk = board.make_disk(sysroot)
    # Another initramfs, and with it another folder in /boot, for all that follows.
    image.pad(initramfs)
    system.set_initramfs(initramfs)
    with board.machine(disk) as machine:
        story = tell(system, machine, commit, board.loader)
        story.run(failing)
    (own_judge or judge)(board, disk, story.commits[2])
    return story.commits


def judge(board, disk, commit):
    """What is left on the disk is sound, and for the real `ostree` of this machine as well."""
    found = fresh_folder(board.folder + "/found")
    root = disk.copy_partition(board.root_partition, board.folder + "/root.part")
    call("debugfs", "-R", f"rdump /ostree {found}", root)
    if board.boot_partition == board.root_partition:
        call("debugfs", "-R", f"rdump /boot {found}", root)
    else:
        boot = disk.copy_partition(board.boot_partition, board.folder + "/boot.part")
        os.makedirs(found + "/boot")
        call("debugfs", "-R", f"rdump / {found}/boot", boot)
        os.remove(boot)
    os.remove(root)
    status = call("ostree", "admin", "status", f"--sysroot={found}")
    expect(status.startswith(f"e2e {commit}.0"), f"ostree finds another order:\n{status}")
    call("ostree", "fsck", "-q", f"--repo={found}/ostree/repo")
    shutil.rmtree(found)
