# SPDX-License-Identifier: Apache-2.0
"""Judges what Linux finds once it has replayed the journal: file system, repo, deployments."""
import hashlib
import os
import shutil
import stat
import subprocess

from .device import OS
from .ext4 import Unreadable

DEPLOY = f"ostree/deploy/{OS}/deploy"
REPO = "ostree/repo"
# A journal was replayed, and files that were open while they were deleted are gone.
HARMLESS = ("recovering journal", "Clearing orphaned inode", "clean, ", "files (")
# Files up to this size are what a program reads to tell the state of the system.
SMALL_BYTES = 64 << 10


def repaired(partition):
    """Replays the journal in place; gives what had to be repaired beyond that, or None."""
    result = subprocess.run(["e2fsck", "-fp", partition], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, check=False)
    strange = [line for line in result.stdout.splitlines()
               if line.strip() and not any(word in line for word in HARMLESS)]
    if result.returncode > 1 or strange:
        return f"e2fsck ends with {result.returncode}: {' '.join(strange)[:200]}"
    again = subprocess.run(["e2fsck", "-fn", partition], stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, check=False)
    if again.returncode != 0:
        return f"e2fsck finds after the replay: {again.stdout[:200]}"
    return None


class Tree:
    """The deployments and the repo of one state, its journal replayed."""

    def __init__(self, file_system, truth):
        self.file_system = file_system
        self.truth = truth
        self._compared = {}

    def _is(self, inode, mode, content):
        """Whether an inode is a file, link or directory with this mode and content."""
        key = (inode.number, mode, id(content))
        if key not in self._compared:
            same = inode.mode == mode and inode.owner == (0, 0)
            if same and stat.S_ISREG(mode):
                same = self.file_system.is_same(inode, content)
            elif same and stat.S_ISLNK(mode):
                same = self.file_system.link(inode) == content
            self._compared[key] = same
        return self._compared[key]

    # MARK: The deployment behind a link

    def deployment(self, link):
        """The name of the deployment that `ostree=` leads to."""
        parts = self.file_system.link(self.file_system.find(link, follows=False)).split("/")
        return parts[-1]

    def check_deployment(self, name, etcs):
        """Throws if a file of the deployment is missing or is not what was committed; gives which
        of `etcs` its /etc is."""
        expected = self.truth.trees[name.split(".")[0]]
        found = {path: inode for path, inode in self.file_system.walk(f"{DEPLOY}/{name}")
                 if path and path.split("/")[0] != "etc"}
        for path, (mode, content) in expected.items():
            if path not in found:
                raise Unreadable(f"deployment {name[:8]}: no '{path}'")
            if not self._is(found.pop(path), mode, content):
                raise Unreadable(f"deployment {name[:8]}: '{path}' is not what was committed")
        # Beside /etc only what is put aside while it is merged.
        strange = [path for path in found if path.split("/")[0] != "etc.new"]
        if strange:
            raise Unreadable(f"deployment {name[:8]}: '{strange[0]}' is too much")
        etc = self.etc(name)
        if name in etcs and etc not in etcs[name]:
            raise Unreadable(f"deployment {name[:8]}: /etc is neither the old one nor the new one")
        if not self.file_system.exists(f"{DEPLOY}/{name}.origin"):
            raise Unreadable(f"deployment {name[:8]}: no origin")
        return etc

    def etc(self, name):
        """All of the /etc of a deployment, as one value."""
        digest = hashlib.blake2b(digest_size=16)
        for path, inode in sorted(self.file_system.walk(f"{DEPLOY}/{name}/etc"),
                                  key=lambda pair: pair[0]):
            content = b""
            if stat.S_ISREG(inode.mode):
                content = self.file_system.content(inode)
            elif stat.S_ISLNK(inode.mode):
                content = self.file_system.link(inode).encode()
            digest.update(repr((path, inode.mode, inode.owner, content)).encode())
        return digest.hexdigest()

    def is_pending(self, name):
        """Whether its /etc is to be merged once more."""
        return self.file_system.exists(f"ostree/coppice/pending/{OS}/{name}")

    # MARK: The repo

    def check_repo(self):
        """Throws if an object does not hold what its name says, or a commit that counts as
        complete is not, or a ref leads nowhere."""
        present = set()
        objects = self.file_system.find(f"{REPO}/objects")
        for folder, number in self.file_system.entries(objects).items():
            directory = self.file_system.inode(number)
            for name, inode in self.file_system.entries(directory).items():
                self._check_object(f"{folder}/{name}", self.file_system.inode(inode))
                present.add(f"{folder}/{name}")
        for commit, closure in self.truth.closures.items():
            is_partial = self.file_system.exists(f"{REPO}/state/{commit}.commitpartial")
            name = f"{commit[:2]}/{commit[2:]}.commit"
            if name in present and not is_partial and not closure <= present:
                missing = sorted(closure - present)
                raise Unreadable(f"repo: commit {commit[:8]} lacks {missing[0]}")
        for path, inode in self.file_system.walk(f"{REPO}/refs"):
            if stat.S_ISREG(inode.mode):
                commit = self.file_system.content(inode).decode().strip()
                if f"{commit[:2]}/{commit[2:]}.commit" not in present:
                    raise Unreadable(f"repo: '{path}' leads to no commit: '{commit[:70]}'")

    def _check_object(self, name, inode):
        if name.endswith(".commitmeta"):
            return
        expected = self.truth.objects.get(name)
        if expected is None:
            raise Unreadable(f"repo: an object that nobody made: {name}")
        if isinstance(expected, str):
            same = stat.S_ISLNK(inode.mode) and self.file_system.link(inode) == expected
        else:
            # The mode is judged where the object is deployed.
            same = self._is(inode, inode.mode, expected) if stat.S_ISREG(inode.mode) else False
        if not same:
            raise Unreadable(f"repo: {name} is not what its name says")


def small_files(file_system):
    """What a program may read to tell the state of a system: [(path, mode, content)]; the content
    of a larger file is left out."""
    found = []
    for path, inode in file_system.walk("/"):
        content = None
        if stat.S_ISLNK(inode.mode):
            content = file_system.link(inode)
        elif stat.S_ISREG(inode.mode):
            is_small = inode.size <= SMALL_BYTES
            content = file_system.content(inode, is_metadata=False) if is_small else b""
        found.append((path, inode.mode, content))
    return sorted(found, key=lambda item: item[0])


class Status:
    """Whether coppice can tell the state of the system. It is asked once for each content of all
    the small files."""

    def __init__(self, coppice, folder):
        self.coppice, self.folder = coppice, folder
        self.listings, self.known = {}, {}

    def add(self, listing):
        """Keeps a listing of `small_files`; gives what stands for it."""
        digest = hashlib.blake2b(repr(listing).encode(), digest_size=16).digest()
        self.listings.setdefault(digest, listing)
        return digest

    def check(self, root, boot=None):
        """What is wrong with the status of a root with this /boot, or None."""
        if (root, boot) not in self.known:
            self.known[root, boot] = self._ask(root, boot)
        return self.known[root, boot]

    def _ask(self, root, boot):
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self._write(self.listings[root], self.folder)
        if boot is not None:
            self._write(self.listings[boot], self.folder + "/boot")
        result = subprocess.run([self.coppice, "--sysroot", self.folder, "status", "--json"],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                check=False)
        if result.returncode == 0:
            return None
        return f"status ends with {result.returncode}: {result.stdout.strip()[:200]}"

    @staticmethod
    def _write(listing, folder):
        for path, mode, content in listing:
            target = os.path.join(folder, path)
            if stat.S_ISDIR(mode):
                os.makedirs(target, exist_ok=True)
            elif isinstance(content, str):
                os.symlink(content, target)
            elif stat.S_ISREG(mode):
                with open(target, "wb") as file:
                    file.write(content)
