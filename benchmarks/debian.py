# SPDX-License-Identifier: Apache-2.0
"""The data that is pulled and deployed: a Debian root with a kernel, about 7,000 files, and its
next version. Both are made once and kept in BENCH.

The next version is the same root after an upgrade, made up so that every machine has the same: of
every eighth package the files have been built anew, one package in forty is gone, and there are as
many new files.

BENCH_TREE names another root to begin with, of any size.
"""
import os
import pathlib
import shutil

import support

# How much of a file that was built anew differs: a piece in so many bytes, as after a build of
# the same source with small changes.
PIECE_BYTES = 256
PIECE_EVERY = 16384


def trees():
    """The folders of both versions."""
    first, following = pathlib.Path("debian"), pathlib.Path("debian-next")
    if not first.exists():
        make_first(first)
    if not following.exists():
        make_next(first, following)
    return first, following


def make_first(tree):
    """As debootstrap makes it, without what a device does not carry."""
    making = pathlib.Path("debian.new")
    support.remove(making)
    given = os.environ.get("BENCH_TREE")
    if given:
        support.must("cp", "-a", given, making)
    else:
        support.must("debootstrap", "--variant=minbase", "--include=linux-image-cloud-amd64",
                     "bookworm", making)
    for name in ("dev", "proc", "sys", "var/cache/apt/archives", "var/lib/apt/lists"):
        support.remove(making / name)
    for name in ("dev", "proc", "sys", "etc", "usr"):
        (making / name).mkdir(parents=True, exist_ok=True)
    making.rename(tree)


def make_next(first, tree):
    """As an upgrade would leave it."""
    making = pathlib.Path("debian-next.new")
    support.remove(making)
    support.must("cp", "-a", first, making)
    for number, files in enumerate(packages(making)):
        if number % 40 == 7:
            for file in files:
                file.unlink()
        elif number % 8 == 3:
            for file in files:
                build_anew(file, number)
    added = making / "usr/share/added"
    added.mkdir(parents=True)
    for number in range(200):
        (added / f"file-{number}").write_bytes(b"%d\n" % number * (number + 1))
    making.rename(tree)


def packages(tree):
    """The regular files of each package, by dpkg's lists; of another root, of each folder."""
    lists = sorted((tree / "var/lib/dpkg/info").glob("*.list"))
    if lists:
        named = [[tree / line.lstrip("/") for line in path.read_text().split("\n") if line]
                 for path in lists]
    else:
        named = [sorted(folder.iterdir()) for folder in sorted(tree.rglob("*/"))]
    for names in named:
        yield [name for name in names if name.is_file() and not name.is_symlink()]


def build_anew(file, seed):
    """Changes a piece here and there, and lets the length grow a little."""
    content = bytearray(file.read_bytes())
    for start in range(seed % PIECE_BYTES, len(content), PIECE_EVERY):
        for index in range(start, min(start + PIECE_BYTES, len(content))):
            content[index] ^= seed * 31 + index & 0xFF
    file.write_bytes(bytes(content) + b"\0" * (seed % 64))


def server():
    """An archive repo with both versions as os/main and os/next."""
    if not os.path.isdir("server/refs/heads/os"):
        support.remove("server")
        support.must("ostree", "init", "--repo=server", "--mode=archive")
        for branch, tree in zip(("os/main", "os/next"), trees()):
            support.commit("server", branch, tree)
    return "server"


def images():
    """A bare repo with both versions as libostree deploys them: settings in /usr/etc, the kernel
    beside its modules."""
    if not os.path.isdir("images/refs/heads/os"):
        support.remove("images")
        support.must("ostree", "init", "--repo=images", "--mode=bare")
        for branch, tree in zip(("os/one", "os/two"), trees()):
            make_image(tree)
            support.commit("images", branch, "image")
            support.remove("image")
    return "images"


def make_image(tree):
    support.remove("image")
    support.must("cp", "-al", tree, "image")
    image = pathlib.Path("image")
    for name in ("dev", "proc", "sys", "boot", "var"):
        support.remove(image / name)
        (image / name).mkdir()
    (image / "sysroot").mkdir(exist_ok=True)
    (image / "etc").rename(image / "usr/etc")
    release = image / "usr/lib/os-release"
    release.parent.mkdir(parents=True, exist_ok=True)
    if not release.exists():
        release.write_text("ID=bench\nPRETTY_NAME=bench\n")
    modules = sorted((image / "usr/lib/modules").glob("*/"))
    place = modules[0] if modules else image / "usr/lib/modules/0.0"
    place.mkdir(parents=True, exist_ok=True)
    for name, wanted in (("vmlinuz", "vmlinuz-*"), ("initramfs.img", "initrd.img-*")):
        found = sorted((tree / "boot").glob(wanted)) if (tree / "boot").exists() else []
        if found:
            shutil.copyfile(found[0], place / name)
        else:
            (place / name).write_bytes(name.encode() * 100_000)
