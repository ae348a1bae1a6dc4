# SPDX-License-Identifier: Apache-2.0
"""One board from its image to the end of the story."""
import image
from debian import Kernel
from host import coppice, fresh_folder, write
from image import Sysroot
from story import PANICS, UNHEALTHY, Story
from system import REF, REMOTE, System

# A busy host gives an emulated timer no time, which a kernel that checks takes for a broken one.
ARGUMENTS = ["root=LABEL=root", "rw", "quiet", "panic=1", "no_timer_check"]


def run(board, server, failing=(PANICS, UNHEALTHY)):
    fresh_folder(board.folder)
    kernel = Kernel(board.debian, board.kernel_package)
    executable = coppice(board.architecture)
    system = System(board.folder, board.debian, kernel, executable)
    for name, text in board.etc.items():
        write(f"{system.usr}/etc/{name}", text)
    initramfs = board.folder + "/initramfs.img"
    image.pack(initramfs, executable, kernel.modules, board.modules)
    system.set_initramfs(initramfs)
    commit = system.publish(1)
    sysroot = Sysroot(board.folder + "/sysroot", board.sysroot_loader)
    sysroot.add_remote(REMOTE, server.url(system.repo))
    sysroot.deploy(system.repo, f"{REMOTE}:{REF}",
                   [*ARGUMENTS, *board.arguments, f"console={board.console}"])
    disk = board.make_disk(sysroot)
    # Another initramfs, and with it another folder in /boot, for all that follows.
    image.pad(initramfs)
    system.set_initramfs(initramfs)
    with board.machine(disk) as machine:
        Story(system, machine, commit, board.loader).run(failing)
