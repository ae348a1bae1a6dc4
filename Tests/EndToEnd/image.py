# SPDX-License-Identifier: Apache-2.0
"""What the machines boot: Debian's kernel, a small system made of busybox and the real `ostree`,
and a disk. Nothing here needs to mount anything."""
import glob
import gzip
import lzma
import os
import shutil
import subprocess

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
WORK = os.path.join(ROOT, ".build/e2e")
HERE = os.path.join(ROOT, "Tests/EndToEnd")
# Deployments can be deleted as any other files.
os.environ["OSTREE_SYSROOT_DEBUG"] = "mutable-deployments"
os.environ["PATH"] += ":/usr/sbin:/sbin"

APPLETS = """awk cat cp cut dmesg echo find grep head ls lsmod mkdir mount mv poweroff printf
readlink reboot rm sed sh sleep stat stty sync tail touch umount uname wc""".split()


def call(*command, **options):
    """Runs a program that must succeed; gives what it printed."""
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                            text=True, **options)
    if result.returncode != 0:
        raise SystemExit(f"end-to-end: error: '{' '.join(command)}' ended with "
                         f"{result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout.strip()


def debian(package):
    """The folder with the unpacked files of a package, fetched once."""
    folder = os.path.join(WORK, "packages", package)
    if not os.path.exists(folder):
        new = folder + ".new"
        shutil.rmtree(new, ignore_errors=True)
        os.makedirs(new)
        call("apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package, cwd=new)
        for file in glob.glob(new + "/*.deb"):
            call("dpkg-deb", "-x", file, new)
            os.remove(file)
        os.rename(new, folder)
    return folder


class Kernel:
    """Debian's kernel for cloud machines: the drivers of its disks are modules."""

    def __init__(self):
        depends = call("apt-cache", "depends", "linux-image-cloud-amd64").split()
        package = next(word for word in depends if word.startswith("linux-image-6"))
        folder = debian(package)
        self.image = glob.glob(folder + "/boot/vmlinuz-*")[0]
        self.version = os.path.basename(self.image).removeprefix("vmlinuz-")
        self.modules = f"{folder}/lib/modules/{self.version}"
        if not os.path.exists(self.modules + "/modules.dep"):
            call("depmod", "-b", folder, self.version)

    def packed_modules(self, name, packings):
        """A copy of the folder of modules in which some are packed: {"virtio_blk": "xz"}."""
        copy = os.path.join(WORK, name)
        shutil.rmtree(copy, ignore_errors=True)
        base = f"{copy}/lib/modules/{self.version}"
        shutil.copytree(self.modules, base, copy_function=os.link)
        for module, ending in packings.items():
            path = glob.glob(f"{base}/**/{module}.ko", recursive=True)[0]
            with open(path, "rb") as file:
                content = file.read()
            if ending == "xz":  # as the kernel's own makefile packs them
                packed = lzma.compress(content, check=lzma.CHECK_CRC32,
                                       filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}])
            else:
                packed = gzip.compress(content, mtime=0)
            with open(f"{path}.{ending}", "wb") as file:
                file.write(packed)
            os.remove(path)
        # Debian's depmod knows no gzip, so the index is changed and not made anew.
        with open(base + "/modules.dep", encoding="ascii") as file:
            index = file.read()
        for module, ending in packings.items():
            index = index.replace(f"/{module}.ko", f"/{module}.ko.{ending}")
        os.remove(base + "/modules.dep")
        with open(base + "/modules.dep", "w", encoding="ascii") as file:
            file.write(index)
        return base


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


def make_tree(tree, version, kernel, initramfs, coppice):
    """A system as an image builder makes it: all below /usr, the defaults of /etc in /usr/etc."""
    shutil.rmtree(tree, ignore_errors=True)
    modules = f"{tree}/usr/lib/modules/{kernel.version}"
    for folder in "boot dev proc run sys sysroot tmp var usr/bin usr/etc".split():
        os.makedirs(f"{tree}/{folder}")
    os.makedirs(modules)
    os.symlink("sysroot/ostree", tree + "/ostree")
    for name in ["bin", "sbin", "lib", "lib64"]:
        os.symlink("usr/bin" if name == "sbin" else f"usr/{name}", f"{tree}/{name}")
    shutil.copy(debian("busybox-static") + "/bin/busybox", tree + "/usr/bin/busybox")
    for applet in APPLETS:
        os.symlink("busybox", f"{tree}/usr/bin/{applet}")
    copy_with_libraries("/usr/bin/ostree", tree)
    shutil.copy(coppice, tree + "/usr/bin/coppice")
    shutil.copy(HERE + "/init", tree + "/usr/bin/init")
    with open(tree + "/usr/lib/os-release", "w", encoding="ascii") as file:
        file.write(f'ID=e2e\nVERSION_ID={version}\nPRETTY_NAME="End to end {version}"\n')
    with open(tree + "/usr/etc/passwd", "w", encoding="ascii") as file:
        file.write("root:x:0:0:root:/root:/bin/sh\n")
    shutil.copy(kernel.image, modules + "/vmlinuz")
    shutil.copy(initramfs, modules + "/initramfs.img")
    os.mkdir(tree + "/usr/lib/coppice")
    shutil.copy(initramfs + ".marker", tree + "/usr/lib/coppice/initramfs")


class Sysroot:
    """A sysroot that the real `ostree` makes and fills."""

    def __init__(self, name, read_only):
        self.path = os.path.join(WORK, name)
        shutil.rmtree(self.path, ignore_errors=True)
        os.makedirs(self.path)
        call("ostree", "admin", "init-fs", self.path)
        repo = ["ostree", f"--repo={self.path}/ostree/repo"]
        call(*repo, "config", "set", "sysroot.bootloader", "none")
        call(*repo, "config", "set", "core.fsync", "false")
        if read_only:
            call(*repo, "config", "set", "sysroot.readonly", "true")
        call("ostree", "admin", "os-init", f"--sysroot={self.path}", "e2e")

    def deploy(self, tree, version, kernel_arguments):
        repo = f"--repo={self.path}/ostree/repo"
        checksum = call("ostree", repo, "commit", "-b", "e2e/test",
                        "--owner-uid=0", "--owner-gid=0",
                        f"--add-metadata-string=version={version}", tree)
        call("ostree", "admin", "deploy", f"--sysroot={self.path}", "--os=e2e",
             *[f"--karg={argument}" for argument in kernel_arguments], "e2e/test")
        return checksum

    def kernel_arguments(self):
        entry = glob.glob(self.path + "/boot/loader/entries/*.conf")[0]
        with open(entry, encoding="utf-8") as file:
            lines = dict(line.strip().split(" ", 1) for line in file if " " in line)
        return lines["options"]


# What the tests name the root by.
ROOT_UUID = "6a6a6a6a-0000-4000-8000-000000000001"
ROOT_PARTITION = "6a6a6a6a-0000-4000-8000-0000000000aa"


def make_disk(path, folder, mebibytes):
    """A disk with one ext4, called `root`, filled from the folder."""
    part = path + ".part"
    for file in [path, part]:
        if os.path.exists(file):
            os.remove(file)
    call("truncate", "-s", f"{mebibytes}M", part)
    call("mke2fs", "-q", "-t", "ext4", "-L", "root", "-U", ROOT_UUID, "-d", folder, "-F", part)
    call("truncate", "-s", f"{mebibytes + 2}M", path)
    call("sfdisk", "-q", path, input=f"label: gpt\nstart=2048, size={mebibytes * 2048}, "
         f"type=linux, name=root-part, uuid={ROOT_PARTITION}\n")
    call("dd", f"if={part}", f"of={path}", "bs=1M", "seek=1", "conv=notrunc,sparse")
    os.remove(part)
