# SPDX-License-Identifier: Apache-2.0
"""x86_64 without a boot loader, with an initramfs of initramfs-tools that finds the root itself and
calls coppice for the rest, by the hooks of the project."""
import os
import shutil
import stat

import direct
import image
from host import ROOT, call, coppice, write

# In a mount namespace of its own: mkinitramfs takes modules, and what the kernel can unpack, from
# one place only.
MAKE = """mkdir -p /lib/modules /boot
mount -t tmpfs modules /lib/modules
mkdir /lib/modules/$1
mount --bind "$2" /lib/modules/$1
mount --bind "$3" /boot
exec mkinitramfs -d "$4" -o "$5" $1
"""


def make_initramfs(folder, kernel, initramfs):
    settings = folder + "/initramfs-tools"
    shutil.copytree("/etc/initramfs-tools", settings)
    shutil.copytree(ROOT + "/initramfs/initramfs-tools", settings, dirs_exist_ok=True)
    write(settings + "/modules", "".join(f"{name}\n" for name in direct.MODULES))
    write(settings + "/conf.d/small", "MODULES=list\nCOMPRESS=gzip\nBUSYBOX=auto\n")
    namespace = [] if os.geteuid() == 0 else ["--map-root-user"]
    call("unshare", "--mount", *namespace, "sh", "-ec", MAKE, "mkinitramfs", kernel.version,
         kernel.modules, os.path.dirname(kernel.image), settings, initramfs,
         env={**os.environ, "COPPICE": coppice("x86_64")})
    os.chmod(initramfs, stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IROTH)
    image.mark(initramfs)


def run(server):
    direct.updates(direct.Direct(server, "initramfs-tools", make_initramfs))
