# SPDX-License-Identifier: Apache-2.0
"""The system under test: busybox, coppice and, on the host's own architecture, the real `ostree`.
Its maker publishes one version after the other in an archive repo, as a server has it."""
import os
import shutil

from debian import Archive
from host import HERE, call, fresh_folder, write

REF = "e2e/test"
REMOTE = "maker"
APPLETS = """awk cat cp cut date dmesg echo find grep head ip ln ls lsmod mkdir mount mv poweroff
printf readlink reboot rm sed sh sleep stat stty sync tail touch umount uname watchdog wc""".split()
CONFIGURATION = f"""[device]
stateroot=e2e
remote={REMOTE}
ref={REF}

[uptane]
mode=none

[boot]
trial-boots=2
merge=boot
"""
OS_RELEASE = 'ID=e2e\nVERSION_ID={0}\nPRETTY_NAME="End to end {0}"\n'


def copy_with_libraries(program, tree):
    """A dynamic program of this machine, and what it needs, into the tree."""
    files = [program]
    for line in call("ldd", program).splitlines():
        files += [word for word in line.split() if word.startswith("/")]
    for file in files:
        # As on this machine /lib and /lib64 are links to those of /usr.
        target = file if file.startswith("/usr/") else "/usr" + file
        os.makedirs(os.path.dirname(tree + target), exist_ok=True)
        shutil.copy(os.path.realpath(file), tree + target)


class System:
    """A system as an image builder makes it: all below /usr, the defaults of /etc in /usr/etc."""

    def __init__(self, folder, debian, kernel, coppice, has_ostree=True):
        """`debian` is the architecture in Debian's words; `has_ostree` if it can be had."""
        self.tree = fresh_folder(folder + "/tree")
        self.repo = folder + "/repo"
        self.usr = self.tree + "/usr"
        for name in "boot dev efi proc run sys sysroot tmp var usr/bin usr/etc usr/lib/e2e".split():
            os.makedirs(f"{self.tree}/{name}")
        os.symlink("sysroot/ostree", self.tree + "/ostree")
        for name in ["bin", "sbin", "lib", "lib64"]:
            os.symlink("usr/bin" if name == "sbin" else f"usr/{name}", f"{self.tree}/{name}")
        busybox = Archive(debian).package("busybox-static") + "/bin/busybox"
        shutil.copy(busybox, self.usr + "/bin/busybox")
        for applet in APPLETS:
            os.symlink("busybox", f"{self.usr}/bin/{applet}")
        self.has_ostree = has_ostree and debian == call("dpkg", "--print-architecture")
        if self.has_ostree:
            copy_with_libraries("/usr/bin/ostree", self.tree)
        shutil.copy(coppice, self.usr + "/bin/coppice")
        shutil.copy(HERE + "/init", self.usr + "/bin/init")
        write(self.usr + "/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
        write(self.usr + "/lib/coppice/coppice.conf", CONFIGURATION)
        self.modules = f"{self.usr}/lib/modules/{kernel.version}"
        os.makedirs(self.modules)
        shutil.copy(kernel.image, self.modules + "/vmlinuz")
        shutil.rmtree(self.repo, ignore_errors=True)
        call("ostree", f"--repo={self.repo}", "init", "--mode=archive")
        for key, value in [("archive.zlib-level", "1"), ("core.fsync", "false")]:
            call("ostree", f"--repo={self.repo}", "config", "set", key, value)

    def set_initramfs(self, file):
        shutil.copy(file, self.modules + "/initramfs.img")
        shutil.copy(file + ".marker", self.usr + "/lib/coppice/initramfs")

    def publish(self, version, starts="", required="", ref=REF):
        """Gives the checksum of the commit. `starts` is what its init runs first, `required` a
        health check: lines of shell."""
        write(self.usr + "/lib/os-release", OS_RELEASE.format(version))
        write(self.usr + "/lib/e2e/start", starts)
        check = "#!/bin/sh\n" + (required or "test -e /etc/passwd\n")
        write(self.usr + "/etc/coppice/health.d/required.d/works", check, 0o755)
        return call("ostree", f"--repo={self.repo}", "commit", "-b", ref, "--owner-uid=0",
                    "--owner-gid=0", f"--add-metadata-string=version={version}", self.tree)
